"""One source: where its rows are, what identifies them and what its columns mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Shorthand, Strict, Strings, TimeZone, mistake
from cdp_spark.errors import ConfigError
from cdp_spark.normalise.dates import compile_formats
from cdp_spark.normalise.encodings import ALLOWED_ENCODINGS, is_encoding
from cdp_spark.normalise.times import compile_time

if TYPE_CHECKING:
    from collections.abc import Callable

Meaning = Literal[
    "given_name",
    "middle_name",
    "family_name",
    "name_suffix",
    "full_name",
    "birth_date",
    "gender",
    "email",
    "phone",
    "street",
    "house_number",
    "unit",
    "city",
    "postcode",
    "region",
    "country",
    "address",
    "national_id",
    "company_name",
    "job_title",
    "domain",
    "registration_number",
    "industry",
    "employees",
    "revenue",
]
"""What a column can mean; any other column becomes an entry of `attributes`."""

IdentifierType = Literal[
    "user_id", "device_id", "cookie_id", "loyalty_id", "account_id", "email", "phone", "email_sha256"
]


def _check_formats(compiled: Callable[..., object], *settings: object, at: tuple[str, ...]) -> None:
    try:
        compiled(*settings)
    except ConfigError as error:
        raise mistake(got=error.got, allowed=error.allowed, fix=error.fix, at=at) from None


class ColumnMapping(Shorthand):
    """Where an attribute's value comes from; `email: E-Mail` is short for `email: {from: [E-Mail]}`.

    `from` names one column, or several: the first usable value is the attribute's, and all usable e-mails and phones
    are kept as contact points. `join` glues several columns to one value instead. `value` is a literal.
    """

    main_key: ClassVar[str] = "from"

    from_: Strings = Field(default=(), alias="from")
    join: str | None = None
    value: str | None = None
    formats: Strings = ()
    """Date patterns in Spark's notation, or `dmy`, `mdy`, `spreadsheet_serial`, `epoch_seconds`, `epoch_millis`,
    `epoch_micros`; tried in order."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.from_) == (self.value is not None):
            got = "neither" if self.value is None else "both"
            raise mistake(got=got, allowed="either `from` or `value`", fix="write `from` with the source's column")
        if self.join is not None and len(self.from_) < 2:
            raise mistake(got="`join` with one column", allowed="`join` with several", fix="remove `join`")
        return self


class TimeField(Shorthand):
    """A column that holds a time; `observed_at: updated` is short for `observed_at: {column: updated}`."""

    main_key: ClassVar[str] = "column"

    column: str
    formats: Strings = ()
    """Spark patterns, or `epoch_seconds`, `epoch_millis`, `epoch_micros`; none means ISO 8601."""
    time_zone: TimeZone = "UTC"
    """Zone of the values that carry none."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        _check_formats(compile_time, self.formats, self.time_zone, at=("formats",))
        return self


class SchemaDrift(Strict):
    """What to do when a delivery's columns differ from the configuration and the last delivery."""

    missing: Literal["fail", "null"] | None = None
    """A column that is not there: stop, or read it as null. Without this setting `fail`, but JSON lines leave out what
    is null: there a field may be absent from a delivery, and only one that no delivery ever had stops the run."""
    new: Literal["keep", "ignore", "fail"] = "keep"
    changed_type: Literal["fail", "cast"] = "cast"


class EventFields(Strict):
    """How a row of an event source becomes an event."""

    event_type: ColumnMapping
    occurred_at: TimeField
    identifiers: dict[IdentifierType, str] = Field(min_length=1)
    """Identifier type to source column."""
    event_id: Strings = ()
    """Columns that together identify the event, such as `[order_id, line_no]`; without them, the whole row does."""


class ConsentFields(Strict):
    """How a row of a consent source becomes a consent."""

    contact: str
    contact_type: Literal["email", "phone", "detect"] = "detect"
    purpose: str
    status: str
    given_at: TimeField
    evidence: str | None = None
    statuses: dict[str, Literal["granted", "denied", "withdrawn"]] = {}
    """The source's words for a status; the three themselves need no entry."""


_ONLY_OF: dict[str, str] = {
    **dict.fromkeys(("key", "entity_type", "observed_at", "columns", "identifiers", "attributes"), "records"),
    **dict.fromkeys(("date_order", "delivery", "priority", "duplicate_free"), "records"),
    **dict.fromkeys(("events", "max_conflict_share"), "events"),
    **dict.fromkeys(("consents", "on_unreadable_withdrawal"), "consents"),
}
"""Settings that one kind of source alone uses."""


class SourceConfig(Strict):
    """A source of records, events or consents."""

    name: SafeName
    kind: Literal["records", "events", "consents"]
    format: Literal["csv", "json", "parquet", "delta", "jdbc"]
    path: str | None = None
    """File, folder or glob; relative to the project folder. Not for jdbc."""
    options: dict[str, str] = {}
    """Reader options: `delimiter`, `encoding`, `skipLines` (lines before the header), …; for jdbc `url`, `dbtable` or
    `query`, `user`, `password`."""
    entity_type: Literal["person", "account"] = "person"
    key: Strings = ()
    """Columns that identify a record within the source."""
    observed_at: TimeField | None = None
    columns: dict[Meaning, ColumnMapping] = {}
    identifiers: dict[IdentifierType, str] = {}
    """Further identifiers of a record (user id, loyalty card, …): type to source column."""
    attributes: dict[SafeName, str] = {}
    """Own attributes: name to source column."""
    events: EventFields | None = None
    consents: ConsentFields | None = None
    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    """Country of phones and addresses that name none; the project's default otherwise."""
    date_order: Literal["dmy", "mdy"] | None = None
    """Order of day and month in birth dates such as `3/4/1980`; without it, they are read only where one order alone
    gives a date."""
    delivery: Literal["increment", "snapshot"] = "increment"
    """`snapshot`: each delivery is the whole source, and what it lacks is gone."""
    priority: int = 100
    """Survivorship: the lower, the more trusted."""
    duplicate_free: bool = False
    """True when no person is twice in this source: two of its records never join."""
    drift: SchemaDrift = SchemaDrift()
    on_empty: Literal["fail", "warn"] = "fail"
    on_unreadable_withdrawal: Literal["stop", "continue"] = "stop"
    """Of consents: whether a withdrawal that cannot be read holds all exports of its purpose until it is settled."""
    max_rejected_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    max_conflict_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Of events: the share of rows that may have another row's `event_id` and a different content. Of such rows the
    latest is stored."""
    min_row_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A delivery with fewer rows than this share of the last one stops the run unless forced."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.format == "jdbc":
            self._check_jdbc()
        elif self.path is None:
            raise mistake(got=f"{self.format} without `path`", fix="add `path`: a file, folder or glob")
        birth_date = self.columns.get("birth_date")
        if birth_date is not None:
            _check_formats(compile_formats, birth_date.formats, at=("columns", "birth_date", "formats"))
        self._check_encoding()
        if self.kind == "records" and not (self.columns or self.attributes or self.identifiers):
            raise mistake(got="no mapped column", fix="say under `columns` what the source's columns mean")
        section = {"records": "key", "events": "events", "consents": "consents"}[self.kind]
        if not getattr(self, section):
            raise mistake(got=f"a source of {self.kind} without `{section}`", fix=f"add `{section}`")
        self._check_settings_of_kind()
        return self

    def _check_encoding(self) -> None:
        for name, value in self.options.items():
            if self.format in ("csv", "json") and name.lower() in ("encoding", "charset") and not is_encoding(value):
                raise mistake(got=f"'{value}'", allowed=ALLOWED_ENCODINGS, at=("options", name))

    def _check_settings_of_kind(self) -> None:
        useless = [name for name, kind in _ONLY_OF.items() if name in self.model_fields_set and kind != self.kind]
        if useless:
            got = f"{', '.join(f'`{name}`' for name in useless)}, which a source of {self.kind} does not use"
            allowed = ", ".join(f"`{name}` for {_ONLY_OF[name]}" for name in useless)
            fix = f"remove {'it' if len(useless) == 1 else 'them'}, or change `kind`"
            raise mistake(got=got, allowed=allowed, fix=fix, at=(useless[0],))

    def _check_jdbc(self) -> None:
        if "url" not in self.options:
            raise mistake(got="jdbc without `options.url`", fix="add the database's JDBC URL")
        if len({"dbtable", "query"} & self.options.keys()) != 1:
            raise mistake(got="jdbc without a table", allowed="either `options.dbtable` or `options.query`")
        if self.path is not None:
            raise mistake(got="jdbc with `path`", allowed="`options.url`", fix="remove `path`")


def configured_columns(source: SourceConfig) -> frozenset[str]:
    """Return all of the source's columns that its configuration names."""
    return frozenset().union(*column_alternatives(source))


def column_alternatives(source: SourceConfig) -> list[frozenset[str]]:
    """List the columns that a source's configuration names.

    Returns: together those of which one is enough, as of an attribute's and of an event's identifiers.
    """
    single = [*source.key, *source.identifiers.values(), *source.attributes.values()]
    single += [source.observed_at.column] if source.observed_at else []
    several = [frozenset(mapping.from_) for mapping in source.columns.values()]
    if source.events:
        single += [source.events.occurred_at.column, *source.events.event_id]
        several += [frozenset(source.events.identifiers.values()), frozenset(source.events.event_type.from_)]
    if source.consents:
        fields = source.consents
        single += [fields.contact, fields.purpose, fields.status, fields.given_at.column, fields.evidence or ""]
    return [group for group in [*(frozenset({name}) for name in single if name), *several] if group]
