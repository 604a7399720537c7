"""Destinations: where segments go."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, Strings, choose_one, mistake
from cdp_spark.config.sending import SEGMENTS, TEMPLATE_NAME, Cap, QuietHours, SentColumn, SentColumns

NO_PURPOSE = "none"
"""The purpose of a destination of accounts: consents are given by persons."""
_PEOPLE = ("email", "phone", "given_name", "family_name", "country", "postcode")
AUDIENCE_COLUMNS: dict[str, tuple[str, ...]] = {
    "google_customer_match": _PEOPLE,
    "meta_audience": (*_PEOPLE, "city", "region", "birth_date", "gender"),
}
"""Kinds of files for ad platforms, and the columns that each platform matches people by."""
ROW_NAMES = ("action", "segment", "unified_id")
CHANGE_NAMES = ("segment", "added", "updated", "removed")
"""What a Slack template may name beside the columns: of a row, and of all changes together."""
SET_IN_SYNC = ("mode", "on_error", "dlq", "incremental_strategy")
"""Of drt's section `sync`, what its results are read by."""


class ArmOfExperiment(Strict):
    """The people of an experiment whom a destination gets."""

    name: SafeName
    """Name of the experiment."""
    arm: SafeName
    """Arm whose people are exported; those in control never are."""


class Destination(Strict):
    """Which profiles go to a destination, with what, and by which consent."""

    name: SafeName
    segment: str | None = None
    """Segment whose members go there; `segments` names several."""
    segments: Strings = ()
    """Segments of which each member goes there, once; the column `segments` says by which."""
    exclude: Strings = ()
    """Segments whose members are left out, such as those who bought already."""
    columns: SentColumns
    """What is sent: a profile's columns, `attributes.NAME`, `trait.NAME`, `score.NAME`, `score.NAME.tier`, `.decile`,
    `offer.1.product_id`, `account.NAME`, `identifiers.TYPE`; renamed, or put together by a template."""
    purpose: SafeName
    """The consent that a profile must have granted to be exported; `none` for segments of accounts only."""
    contact_point: Literal["email", "phone", "cookie_id", "device_id", "none"] = "email"
    """The profile must have such a one, and its own consent counts: an e-mail, a phone, or of visitors a cookie or
    device. `none`: the profile's consent counts."""
    min_members: Annotated[int, Field(ge=0)] = 0
    """With fewer profiles to be sent, after all that are withheld, nothing is exported."""
    max_members: Annotated[int, Field(ge=1)] | None = None
    """With more profiles to be sent nothing is exported: a guard against a segment that matches everyone by mistake."""
    channel: SafeName | None = None
    """By which its rows reach people, such as `email` or `sms`, where each row is a message: the channel's cap and
    quiet hours count. Not for files that are written whole."""
    priority: int = 0
    """Of the destinations of one channel, those of a higher priority use up the cap first."""
    experiment: ArmOfExperiment | None = None
    """Exports the people of one arm only."""
    ignore_hold_out: bool = False
    """Whether people of the global hold-out are exported, too: for what is no campaign, such as invoices."""

    @model_validator(mode="after")
    def _one_key_for_segments(self) -> Self:
        if (self.segment is None) == (not self.segments):
            got = "`segment` and `segments`" if self.segments else "neither `segment` nor `segments`"
            raise mistake(got=got, allowed="one of both", fix="write all segments under `segments`", at=())
        return self

    @model_validator(mode="after")
    def _purpose_of_contacts(self) -> Self:
        if self.purpose == NO_PURPOSE and self.contact_point != "none":
            got = f"contact_point {self.contact_point} without a purpose"
            fix = "write `contact_point: none`, or name the purpose that the contact point consented to"
            raise mistake(got=got, allowed="contact_point none", fix=fix, at=("purpose",))
        return self

    @model_validator(mode="after")
    def _bounds_leave_room(self) -> Self:
        if self.max_members is not None and self.max_members < self.min_members:
            got = f"max_members {self.max_members} below min_members {self.min_members}"
            raise mistake(got=got, fix="swap them", at=("max_members",))
        return self

    def out_of_bounds(self, count: int) -> Literal["below_min", "above_max"] | None:
        """Tell why a number of profiles is not sent; None where it is.

        Args:
            count: profiles that would be sent.
        """
        if count < self.min_members:
            return "below_min"
        return "above_max" if self.max_members is not None and count > self.max_members else None

    @property
    def included(self) -> tuple[str, ...]:
        """The segments whose members go there."""
        return self.segments or ((self.segment,) if self.segment is not None else ())

    @property
    def label(self) -> str:
        """Names the segments, as it is told."""
        return ", ".join(self.included)

    @property
    def sent_columns(self) -> tuple[SentColumn, ...]:
        """All columns of a row: those that are configured, and the segments that it came by where there are several."""
        is_named = any(it.written == SEGMENTS for it in self.columns)
        return self.columns if is_named or len(self.included) == 1 else (*self.columns, SentColumn(of=SEGMENTS))

    @property
    def read_columns(self) -> frozenset[str]:
        """The names of columns that its rows are made of."""
        return frozenset(name for column in self.sent_columns for name in column.read)


class FileDestination(Destination):
    """An export of a segment's profiles to a folder, whole in each release or what changed since the last one."""

    kind: Literal["csv", "parquet", "google_customer_match", "meta_audience"]
    """The last two are CSV files of hashed values, as the ad platforms take them."""
    path: str
    """Folder; a release's export is written to `path/release=N`."""
    mode: Literal["full", "diff"] = "full"
    """`full`: all rows in each release. `diff`: rows that differ from what was written before; the column `action` says
    whether to add, update or remove."""
    file_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.csv$")] | None = None
    """Name of the one CSV file in the folder of a release, such as `audience.csv`, instead of Spark's part files."""
    role: Literal["include", "exclude"] = "include"
    """Ad audiences: `exclude` for a list of people to whom the platform must not show the campaign. Its file is called
    `exclude_NAME.csv` unless `file_name` is given."""
    outside_project: bool = False
    """Whether `path` may be a folder of this machine outside the project's."""
    spreadsheet_safe: bool = False
    """CSV: a cell that a spreadsheet would run as a formula gets a leading apostrophe."""

    @model_validator(mode="after")
    def _settings_of_other_kinds(self) -> Self:
        is_audience = self.kind in AUDIENCE_COLUMNS
        wrong = (
            (self.spreadsheet_safe and self.kind != "csv", "spreadsheet_safe", "csv"),
            (
                self.file_name is not None and self.kind == "parquet",
                "file_name",
                "csv, google_customer_match, meta_audience",
            ),
            (self.file_name is not None and self.mode == "diff", "file_name", "mode full"),
            (self.mode == "diff" and is_audience, "mode diff", "csv, parquet"),
            (self.role == "exclude" and not is_audience, "role exclude", ", ".join(AUDIENCE_COLUMNS)),
            (self.channel is not None and self.mode == "full", "channel", "mode diff, which keeps who was sent what"),
        )
        for is_wrong, key, allowed in wrong:
            if is_wrong:
                got, name = f"{key} for {self.kind}", key.partition(" ")[0]
                raise mistake(got=got, allowed=allowed, fix=f"remove `{name}`", at=(name,))
        return self

    @model_validator(mode="after")
    def _platform_takes_columns(self) -> Self:
        taken = AUDIENCE_COLUMNS.get(self.kind)
        for position, column in enumerate(self.columns):
            if taken is not None and column.written not in taken:
                got, fix = f"column '{column.written}' for {self.kind}", choose_one(column.written, taken)
                raise mistake(got=got, allowed=", ".join(taken), fix=fix, at=("columns", position))
        return self

    @property
    def sent_columns(self) -> tuple[SentColumn, ...]:
        """All columns of a row; ad platforms take no others than theirs."""
        return self.columns if self.kind in AUDIENCE_COLUMNS else super().sent_columns

    @property
    def max_refusals(self) -> int:
        """A file refuses no row by itself."""
        return 1

    @property
    def single_file(self) -> str | None:
        """The name of the one file of a release; None for Spark's part files."""
        return self.file_name or (f"exclude_{self.name}.csv" if self.role == "exclude" else None)


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


class SlackRoute(Strict):
    """Where the messages of one owner go, and whom they mention."""

    url: str | None = Field(default=None, repr=False)
    """`${NAME}` of a variable with the incoming webhook of another channel; the destination's own without it."""
    mention: Annotated[str, Field(pattern=r"^[USW][A-Z0-9]{2,20}$")] | None = None
    """Slack's id of the member or group whom the message mentions, such as `U024BE7LH`."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.url is None and self.mention is None:
            raise mistake(got="neither `url` nor `mention`", allowed="one of them or both", fix="add one")
        if self.url is not None:
            _check_secret_url(self.url)
        return self


def _check_secret_url(url: str) -> None:
    if "${" not in url:
        fix = "set a variable to the URL and name it here: who knows the URL can post"
        raise mistake(got="a URL in clear", allowed="${NAME} of an environment variable", fix=fix, at=("url",))


class SlackDestination(HttpDestination):
    """Messages to a channel by an incoming webhook."""

    kind: Literal["slack"]
    mode: Literal["full", "diff", "changes"] = "changes"
    template: str
    """Text with `{NAME}` of columns, `{action}`, `{segment}`, `{unified_id}`; `per: change` takes `{segment}`, and the
    numbers `{added}`, `{updated}` and `{removed}`."""
    per: Literal["row", "change"] = "row"
    """One message for each row, or one for all rows of a run."""
    route_by: str | None = None
    """One of `columns` whose value says which of `routes` a row takes, such as `owner`."""
    routes: dict[str, SlackRoute] = {}
    """Value to where its messages go; capitals do not count. All other rows, and those that left the segment, go to
    `url`."""

    @model_validator(mode="after")
    def _routes_are_complete(self) -> Self:
        if (self.route_by is None) == bool(self.routes):
            got = "routes without `route_by`" if self.routes else "route_by without `routes`"
            raise mistake(got=got, allowed="both or neither", fix="add the other key", at=("route_by",))
        if self.route_by is not None and self.per == "change":
            fix = "remove `per`: one message for all rows has no owner"
            raise mistake(got="route_by beside `per: change`", allowed="`per: row`", fix=fix, at=("route_by",))
        names = [it.written for it in self.sent_columns]
        if self.route_by is not None and self.route_by not in names:
            fix = choose_one(self.route_by, names)
            raise mistake(got=f"'{self.route_by}'", allowed=", ".join(names), fix=fix, at=("route_by",))
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        columns = tuple(it.written for it in self.sent_columns)
        known = CHANGE_NAMES if self.per == "change" else (*columns, *ROW_NAMES)
        for name in TEMPLATE_NAME.findall(self.template):
            if name not in known:
                got, fix = f"unknown name '{name}'", choose_one(name, known)
                raise mistake(got=got, allowed=", ".join(known), fix=fix, at=("template",))
        return self

    @model_validator(mode="after")
    def _url_is_secret(self) -> Self:
        _check_secret_url(self.url)
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
        if self.replaces and self.channel is not None:
            raise mistake(got="channel and replaces", fix="leave one of them out: nobody can wait", at=("channel",))
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
    caps: dict[SafeName, Cap] = {}
    """Channel to how many rows a profile gets by it, from all destinations together."""
    quiet_hours: dict[SafeName, QuietHours] = {}
    """Channel to the hours in which it sends nothing."""

    @property
    def files(self) -> tuple[FileDestination, ...]:
        """Those that take files."""
        return tuple(it for it in self.destinations if isinstance(it, FileDestination))

    @property
    def whole_files(self) -> tuple[FileDestination, ...]:
        """Those that take all rows in the files of each release."""
        return tuple(it for it in self.files if it.mode == "full")

    @property
    def rows(self) -> tuple[AnyRowDestination, ...]:
        """Those that take rows, and answer for each of them."""
        return tuple(it for it in self.destinations if not isinstance(it, FileDestination))

    @property
    def of_drt(self) -> tuple[DrtDestination, ...]:
        """Those among them that drt sends to."""
        return tuple(it for it in self.destinations if isinstance(it, DrtDestination))

    @property
    def with_ledger(self) -> tuple[AnyDestination, ...]:
        """Those of which the ledger keeps what they have."""
        return tuple(it for it in self.destinations if it not in self.whole_files)
