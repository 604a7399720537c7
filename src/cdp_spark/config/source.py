"""One source: where its rows are, what identifies them and what its columns mean."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, Strings, mistake
from cdp_spark.config.events import EventFields, OrderLineFields, ProductFields, RateFields
from cdp_spark.config.mapping import ColumnMapping, IdentifierType, TimeField, check_formats
from cdp_spark.normalise.amounts import DecimalSign
from cdp_spark.normalise.dates import compile_formats
from cdp_spark.normalise.text import ALLOWED_ENCODINGS, is_encoding

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
    "revenue_currency",
    "legal_form",
    "owner",
    "parent_account",
]
"""What a column can mean; any other column becomes an entry of `attributes`."""


class SchemaDrift(Strict):
    """What to do when a delivery's columns differ from the configuration and the last delivery."""

    missing: Literal["fail", "null"] | None = None
    """A column that is not there: stop, or read it as null. Without this setting `fail`, but JSON lines leave out what
    is null: there a field may be absent from a delivery, and only one that no delivery ever had stops the run."""
    new: Literal["keep", "ignore", "fail"] = "keep"
    changed_type: Literal["fail", "cast"] = "cast"


class ConsentFields(Strict):
    """How a row of a consent source becomes a consent."""

    contact: str
    contact_type: Literal["email", "phone", "cookie_id", "device_id", "detect"] = "detect"
    purpose: str
    status: str
    given_at: TimeField
    evidence: str | None = None
    statuses: dict[str, Literal["granted", "denied", "withdrawn"]] = {}
    """The source's words for a status; the three themselves need no entry."""


_SECTIONS = {"records": "key", "rates": "rates", "products": "products"} | {
    kind: kind for kind in ("events", "consents", "order_lines")
}
"""Kind of source to the setting that it cannot do without."""
_ONLY_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("key", "entity_type", "observed_at", "columns", "identifiers", "attributes"), ("records",)),
    **dict.fromkeys(("date_order", "delivery", "priority", "duplicate_free"), ("records",)),
    **dict.fromkeys(("events", "max_conflict_share"), ("events",)),
    **dict.fromkeys(("consents", "on_unreadable_withdrawal"), ("consents",)),
    **{kind: (kind,) for kind in ("order_lines", "products", "rates")},
    "decimal": ("events", "order_lines", "products", "rates"),
}
"""Settings that some kinds of source alone use."""


class SourceConfig(Strict):
    """A source of records, events or consents, or of what belongs to events: order lines, products, currency rates."""

    name: SafeName
    kind: Literal["records", "events", "consents", "order_lines", "products", "rates"]
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
    order_lines: OrderLineFields | None = None
    products: ProductFields | None = None
    rates: RateFields | None = None
    decimal: DecimalSign | None = None
    """Which sign separates decimals in numbers such as `1,234`, which may be one or a thousand. Without it they are not
    read in CSV; other formats write a point."""
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
    """Without it the share of `gates` counts, where the project states one."""
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
            check_formats(compile_formats, birth_date.formats, at=("columns", "birth_date", "formats"))
        self._check_encoding()
        if self.kind == "records" and not (self.columns or self.attributes or self.identifiers):
            raise mistake(got="no mapped column", fix="say under `columns` what the source's columns mean")
        section = _SECTIONS[self.kind]
        if not getattr(self, section):
            raise mistake(got=f"a source of {self.kind} without `{section}`", fix=f"add `{section}`")
        self._check_settings_of_kind()
        return self

    def _check_encoding(self) -> None:
        for name, value in self.options.items():
            if self.format in ("csv", "json") and name.lower() in ("encoding", "charset") and not is_encoding(value):
                raise mistake(got=f"'{value}'", allowed=ALLOWED_ENCODINGS, at=("options", name))

    def _check_settings_of_kind(self) -> None:
        useless = [name for name, kinds in _ONLY_OF.items() if name in self.model_fields_set and self.kind not in kinds]
        if useless:
            got = f"{', '.join(f'`{name}`' for name in useless)}, which a source of {self.kind} does not use"
            allowed = ", ".join(f"`{name}` for {' and '.join(_ONLY_OF[name])}" for name in useless)
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
    if source.consents:
        fields = source.consents
        single += [fields.contact, fields.purpose, fields.status, fields.given_at.column, fields.evidence or ""]
    groups = [*(frozenset({name}) for name in single if name), *several]
    for section in (source.events, source.order_lines, source.products, source.rates):
        groups += section.column_groups() if section else []
    return [group for group in groups if group]
