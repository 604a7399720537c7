"""Destinations: where segments go."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, Strings, choose_one, mistake

NO_PURPOSE = "none"
"""The purpose of a destination of accounts: consents are given by persons."""
_PEOPLE = ("email", "phone", "given_name", "family_name", "country", "postcode")
AUDIENCE_COLUMNS: dict[str, tuple[str, ...]] = {
    "google_customer_match": _PEOPLE,
    "meta_audience": (*_PEOPLE, "city", "region", "birth_date", "gender"),
}
"""Kinds of files for ad platforms, and the columns that each platform matches people by."""
TEMPLATE_NAME = re.compile(r"\{([^{}]*)\}")
ROW_NAMES = ("action", "segment", "unified_id")
CHANGE_NAMES = ("segment", "added", "updated", "removed")
"""What a Slack template may name beside the columns: of a row, and of all changes together."""
SET_IN_SYNC = ("mode", "on_error", "dlq", "incremental_strategy")
"""Of drt's section `sync`, what its results are read by."""


class Destination(Strict):
    """Which profiles go to a destination, with what, and by which consent."""

    name: SafeName
    segment: str
    columns: Strings = Field(min_length=1)
    """Columns of a profile; `attributes.NAME` for an own attribute, which is written as NAME."""
    purpose: SafeName
    """The consent that a profile must have granted to be exported; `none` for segments of accounts only."""
    suppress: Strings = ()
    """Segments whose members are left out, such as those who bought already."""
    contact_point: Literal["email", "phone", "none"] = "email"
    """`email`, `phone`: the profile must have one and its own consent counts. `none`: the profile's consent counts."""
    min_members: Annotated[int, Field(ge=0)] = 0
    """A smaller segment is not exported."""

    @model_validator(mode="after")
    def _purpose_of_contacts(self) -> Self:
        if self.purpose == NO_PURPOSE and self.contact_point != "none":
            got = f"contact_point {self.contact_point} without a purpose"
            fix = "write `contact_point: none`, or name the purpose that the contact point consented to"
            raise mistake(got=got, allowed="contact_point none", fix=fix, at=("purpose",))
        return self


class FileDestination(Destination):
    """An export of a segment's profiles to a folder, whole in each release."""

    kind: Literal["csv", "parquet", "google_customer_match", "meta_audience"]
    """The last two are CSV files of hashed values, as the ad platforms take them."""
    path: str
    """Folder; a release's export is written to `path/release=N`."""
    outside_project: bool = False
    """Whether `path` may be a folder of this machine outside the project's."""
    spreadsheet_safe: bool = False
    """CSV: a cell that a spreadsheet would run as a formula gets a leading apostrophe."""

    @model_validator(mode="after")
    def _spreadsheets_are_csv(self) -> Self:
        if self.spreadsheet_safe and self.kind != "csv":
            raise mistake(
                got=f"spreadsheet_safe for {self.kind}", allowed="csv", fix="remove `spreadsheet_safe`", at=("kind",)
            )
        return self

    @model_validator(mode="after")
    def _platform_takes_columns(self) -> Self:
        taken = AUDIENCE_COLUMNS.get(self.kind, self.columns)
        for position, column in enumerate(self.columns):
            if column not in taken:
                got, fix = f"column '{column}' for {self.kind}", choose_one(column, taken)
                raise mistake(got=got, allowed=", ".join(taken), fix=fix, at=("columns", position))
        return self


class RowDestination(Destination):
    """A destination that takes rows, and answers for each of them."""

    mode: Literal["full", "diff", "changes"] = "diff"
    """`full`: every row in each run. `diff`: rows that differ from what the destination acknowledged. `changes`: who
    entered or left the segment since the destination's first run, which sends nothing."""
    nulls: Literal["keep", "clear"] = "clear"
    """What an empty value does: `clear` empties the destination's, `keep` leaves it as it is."""
    max_refusals: Annotated[int, Field(ge=1)] = 5
    """Runs in which a row may be refused before it is given up, until its content changes."""


class HttpDestination(RowDestination):
    """What is sent by HTTP."""

    url: str
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    private_addresses: bool = False
    """Whether `url` may be http, and lead to an address that is not on the public internet."""


class RowErrors(Strict):
    """How an answer names the rows of a request that it refused."""

    found_at: str
    """Keys that lead to the list of errors in the answer's JSON, such as `result.errors`."""
    row: str
    """Key, in each error, of the row's number from 0, its idempotency key or its unified_id."""
    status: str | None = None
    """Key, in each error, of an HTTP status; below 300 the row was accepted. Without it all in the list are refused."""
    message: str | None = None
    """Key, in each error, of the reason."""


class WebhookDestination(HttpDestination):
    """Rows as JSON to a URL, signed as Standard Webhooks says."""

    kind: Literal["webhook"]
    secret: str = Field(repr=False)
    """`${NAME}` of a variable with the signing secret, base64, with or without `whsec_`."""
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Rows of a request."""
    row_errors: RowErrors | None = None


class SlackDestination(HttpDestination):
    """Messages to a channel by an incoming webhook."""

    kind: Literal["slack"]
    mode: Literal["full", "diff", "changes"] = "changes"
    template: str
    """Text with `{NAME}` of columns, `{action}`, `{segment}`, `{unified_id}`; `per: change` takes `{segment}`, and the
    numbers `{added}`, `{updated}` and `{removed}`."""
    per: Literal["row", "change"] = "row"
    """One message for each row, or one for all rows of a run."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        columns = tuple(name.removeprefix("attributes.") for name in self.columns)
        known = CHANGE_NAMES if self.per == "change" else (*columns, *ROW_NAMES)
        for name in TEMPLATE_NAME.findall(self.template):
            if name not in known:
                got, fix = f"unknown name '{name}'", choose_one(name, known)
                raise mistake(got=got, allowed=", ".join(known), fix=fix, at=("template",))
        return self

    @model_validator(mode="after")
    def _url_is_secret(self) -> Self:
        if "${" not in self.url:
            fix = "set a variable to the URL and name it here: who knows the URL can post"
            raise mistake(got="a URL in clear", allowed="${NAME} of an environment variable", fix=fix, at=("url",))
        return self


class PostgresDestination(RowDestination):
    """A table of a PostgreSQL database, which is created where it is missing."""

    kind: Literal["postgres"]
    mode: Literal["full", "diff"] = "diff"
    url: str
    """`postgresql://host:port/database`, without user and password."""
    user: str
    password: str = Field(repr=False)
    """`${NAME}` of a variable with the password."""
    table: Annotated[str, Field(pattern=r"^([a-z_][a-z0-9_]*\.)?[a-z_][a-z0-9_]*$")]
    """Its primary key is the column unified_id."""


class DrtDestination(RowDestination):
    """Rows that drt takes to a tool: `cdp activation export` writes its project."""

    kind: Literal["drt"]
    mode: Literal["full", "diff"] = "diff"
    to: dict[str, Any] = Field(min_length=1)
    """The section `destination` of drt's sync, with its `type`; secrets by drt's keys that end in `_env`."""
    sync: dict[str, Any] = {}
    """More of drt's section `sync`, such as `field_mappings` or `rate_limit`."""
    left: dict[str, Any] | None = None
    """A second section `destination`, for those who left: their rows have the column unified_id alone. Without it the
    destination is not told of them."""
    replaces: bool = False
    """Whether each of drt's runs replaces all that the destination has, as Google Sheets and files do; so it need not
    be told of those who left."""

    @model_validator(mode="after")
    def _to_has_a_type(self) -> Self:
        for name, section in (("to", self.to), ("left", self.left)):
            if section is not None and not isinstance(section.get("type"), str):
                raise mistake(got="no type", allowed="a type that `drt destinations` lists", at=(name,))
        return self

    @model_validator(mode="after")
    def _one_way_to_leave(self) -> Self:
        if self.replaces and self.mode != "full":
            raise mistake(got=f"replaces with mode {self.mode}", fix="write `mode: full`", at=("replaces",))
        if self.replaces and self.left is not None:
            raise mistake(got="left and replaces", fix="leave one of them out", at=("left",))
        return self

    @model_validator(mode="after")
    def _sync_is_ours(self) -> Self:
        for name in SET_IN_SYNC:
            if name in self.sync:
                raise mistake(got=f"{name}, which `cdp activation export` sets", fix="remove it", at=("sync", name))
        return self


OnlineDestination = WebhookDestination | SlackDestination | PostgresDestination
"""Those that a run sends rows to itself."""
AnyRowDestination = OnlineDestination | DrtDestination
AnyDestination = FileDestination | AnyRowDestination


class DestinationsConfig(Strict):
    """`destinations.yaml`."""

    destinations: tuple[Annotated[AnyDestination, Field(discriminator="kind")], ...] = ()

    @property
    def files(self) -> tuple[FileDestination, ...]:
        """Those that take files."""
        return tuple(it for it in self.destinations if isinstance(it, FileDestination))

    @property
    def rows(self) -> tuple[AnyRowDestination, ...]:
        """Those that take rows."""
        return tuple(it for it in self.destinations if not isinstance(it, FileDestination))

    @property
    def of_drt(self) -> tuple[DrtDestination, ...]:
        """Those among them that drt sends to."""
        return tuple(it for it in self.destinations if isinstance(it, DrtDestination))
