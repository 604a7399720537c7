"""How a source's first rows are read: each field as delivered and as it will be used, or why it cannot be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.config.source import configured_columns
from cdp_spark.errors import DataError
from cdp_spark.ingest.reading import open_source
from cdp_spark.ingest.reading.batch import ReadBatch, rejected_table
from cdp_spark.ingest.staging.paths import with_paths
from cdp_spark.ingest.staging.rows import Staging, stage_batch
from cdp_spark.standardise.cleaning import clean_rows
from cdp_spark.standardise.mapping import RawMapping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from cdp_spark.config.events import LineFields, ProductFields
    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.reading import Reading

_ADDRESS = (c.STREET, c.HOUSE_NUMBER, c.UNIT, c.POSTCODE, c.CITY, c.REGION, c.COUNTRY)
_STAGED_ROWS = 50_000
_PLACEHOLDER, _UNREAD = "placeholder", "unreadable"
Values = list[str | None]


@dataclass(frozen=True)
class Field:
    """A field of a source's rows.

    Args:
        meaning: what it is, such as `birth_date`, `identifiers.user_id` or `attributes.plan`.
        columns: that it comes from.
        delivered: text a row.
        read: value a row, as it is used.
        why: reason a row, where there is a text and no value.
    """

    meaning: str
    columns: tuple[str, ...]
    delivered: Values
    read: Values
    why: Values

    @property
    def filled(self) -> int:
        """Rows in which something was delivered."""
        return len(self.delivered) - self.delivered.count(None)

    @property
    def reasons(self) -> Counter[str]:
        """Rows by the reason why their text cannot be used."""
        return Counter(reason for reason in self.why if reason is not None)

    @property
    def unread(self) -> int:
        """Rows whose text cannot be used, placeholders such as `n/a` aside."""
        return sum(rows for reason, rows in self.reasons.items() if reason != _PLACEHOLDER)


@dataclass(frozen=True)
class ReadRows:
    """A source's first rows.

    Args:
        source: the source.
        declared: column to type, by header or schema; None for JSON.
        names: the rows' columns.
        staged: a row each, as ingest stages them; those that cannot be read last.
        fields: what the configuration makes of them.
    """

    source: SourceConfig
    declared: Mapping[str, str] | None
    names: tuple[str, ...]
    staged: pa.Table
    fields: tuple[Field, ...]

    @property
    def rejected(self) -> list[tuple[str, str]]:
        """Reason and text of the refused rows."""
        refused = self.staged.filter(self.staged[c.REASON].is_valid())
        return list(zip(refused[c.REASON].to_pylist(), refused[c.RAW_TEXT].to_pylist(), strict=True))

    @property
    def unused(self) -> tuple[str, ...]:
        """Columns that the configuration does not mention."""
        used = {name for it in self.fields for column in it.columns for name in (column, column.split(".")[0])}
        return tuple(name for name in self.names if name not in used)


def read_rows(source: SourceConfig, *, folder: str, region: str, as_of: datetime, most: int) -> ReadRows:
    """Read a source's first rows.

    Args:
        source: of files of this machine.
        folder: of the project.
        region: the project's country of phones that name none.
        as_of: now, UTC.
        most: rows that are cleaned, from the first.

    Raises:
        DataError: there is no file, or it cannot be read.
        ConfigError: the source's options cannot be, or only Spark reads its format.
    """
    reading = open_source(source, folder=folder)
    if reading is None:
        fix = "check `path`, or set on_empty to 'warn'"
        raise DataError(f"source {source.name}", got=f"no file at {source.path}", allowed="a file with rows", fix=fix)
    batch = _first_batches(reading)
    own_region = source.default_region or region
    staging = Staging(source, as_of=as_of, region=own_region, names_columns=reading.columns is None)
    staged = stage_batch(batch, staging)
    few = batch.rows.slice(0, most).combine_chunks()
    rows = with_paths(few, configured_columns(source))
    fields = _FIELDS[source.kind](source, rows, staged.slice(0, rows.num_rows), own_region, as_of)
    return ReadRows(source, reading.columns, tuple(batch.rows.column_names), staged, tuple(fields))


def _first_batches(reading: Reading) -> ReadBatch:
    """Read until there are enough rows; a file's last line without an end is a batch of its own."""
    declared = pa.schema([(name, pa.string()) for name in reading.columns or ()])
    rows, rejected, count = [declared.empty_table()], [rejected_table([])], 0
    for batch in reading.batches():
        rows.append(batch.rows)
        rejected.append(batch.rejected)
        count += batch.rows.num_rows
        if count >= _STAGED_ROWS:
            break
    return ReadBatch(pa.concat_tables(rows, promote_options="default"), pa.concat_tables(rejected), "")


def _record_fields(source: SourceConfig, rows: pa.Table, staged: pa.Table, region: str, as_of: datetime) -> list[Field]:
    mapping = RawMapping.of_source(source, default_region=region)
    cell = partial(_cell, rows)
    cleaned = clean_rows(cell, rows.num_rows, mapping, as_of=as_of.date())
    issues = [dict(issue.split(":", 1) for issue in its) for its in cleaned[c.VALUE_ISSUES].to_pylist()]
    fields = [_field("key", source.key, rows, staged[c.KEY].to_pylist())]
    if source.observed_at is not None:
        fields.append(_field("observed_at", (source.observed_at.column,), rows, _texts(staged[c.AT])))
    for meaning, origin in source.columns.items():
        read = _address(cleaned) if meaning == "address" else _texts(cleaned[meaning])
        fields.append(_field(meaning, origin.from_, rows, read, [it.get(meaning) for it in issues]))
    found = cleaned[c.IDENTIFIERS].to_pylist()
    for kind, column in source.identifiers.items():
        own: list[dict[str, str | None]] = [next((it for it in its or () if it[c.TYPE] == kind), {}) for its in found]
        read = [it.get(c.VALUE) if it.get(c.REASON) is None else None for it in own]
        fields.append(_field(f"identifiers.{kind}", (column,), rows, read, [it.get(c.REASON) for it in own]))
    attributes = [dict(its or ()) for its in cleaned[c.ATTRIBUTES].to_pylist()]
    for name, column in source.attributes.items():
        fields.append(_field(f"attributes.{name}", (column,), rows, [it.get(name) for it in attributes]))
    return fields


def _event_fields(source: SourceConfig, rows: pa.Table, staged: pa.Table, _: str, __: datetime) -> list[Field]:
    events = source.events
    if events is None:
        return []
    fields = [
        _field("event_type", events.event_type.from_, rows, staged[c.EVENT_TYPE].to_pylist()),
        _field("occurred_at", (events.occurred_at.column,), rows, _texts(staged[c.AT])),
    ]
    if events.event_id:
        fields.append(_field("event_id", events.event_id, rows, _delivered(rows, events.event_id)))
    found = [dict(its or ()) for its in staged[c.IDENTIFIERS].to_pylist()]
    for kind, column in events.identifiers.items():
        fields.append(_field(f"identifiers.{kind}", (column,), rows, [it.get(kind) for it in found]))
    named = {name: getattr(events, name) for name in _OF_EVENTS}
    columns = {name: mapping.from_ for name, mapping in named.items() if mapping is not None and mapping.from_}
    return [*fields, *_staged_fields(columns, rows, staged)]


def _order_line_fields(source: SourceConfig, rows: pa.Table, staged: pa.Table, _: str, __: datetime) -> list[Field]:
    fields = source.order_lines
    if fields is None:
        return []
    columns = _columns(fields, (c.LINE_ID, c.PRODUCT_ID, c.CATEGORY, c.QUANTITY, c.PRICE, c.VALUE))
    order = _field("order_id", (fields.order_id,), rows, _delivered(rows, (fields.order_id,)))
    return [order, *_staged_fields(columns, rows, staged)]


def _product_fields(source: SourceConfig, rows: pa.Table, staged: pa.Table, _: str, __: datetime) -> list[Field]:
    fields = source.products
    if fields is None:
        return []
    told = [_field("product_id", (fields.product_id,), rows, staged[c.KEY].to_pylist())]
    if fields.valid_from is not None:
        told.append(_field("valid_from", (fields.valid_from.column,), rows, _texts(staged[c.AT])))
    columns = _columns(fields, (c.NAME, c.CATEGORY, c.PRICE, c.STOCK, c.IN_STOCK))
    return [*told, *_staged_fields(columns, rows, staged)]


def _rate_fields(source: SourceConfig, rows: pa.Table, staged: pa.Table, _: str, __: datetime) -> list[Field]:
    fields = source.rates
    if fields is None:
        return []
    return [
        _field("currency", (fields.currency,), rows, staged[c.KEY].to_pylist()),
        _field("day", (fields.day.column,), rows, _texts(staged[c.AT])),
        _field("rate", (fields.rate,), rows, _texts(staged[c.RATE])),
    ]


_OF_EVENTS = (*(c.VALUE, c.PRICE, c.CURRENCY, c.QUANTITY, c.PRODUCT_ID, c.CATEGORY, c.CAMPAIGN, c.CHANNEL, c.URL),)
_STAGED_AS = {c.VALUE: c.VALUE_GIVEN, c.PRICE: c.VALUE_GIVEN, c.STOCK: c.QUANTITY}
"""Where a field's value is staged under another name; a price as what the pieces are worth."""


def _columns(fields: LineFields | ProductFields, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The fields that name a column, with it."""
    named = {name: getattr(fields, name, None) for name in names}
    return {name: (column,) for name, column in named.items() if column}


def _staged_fields(columns: Mapping[str, Sequence[str]], rows: pa.Table, staged: pa.Table) -> list[Field]:
    """Fields that ingest reads beside what makes the row usable, with the reasons that it gives."""
    issues = [dict(issue.split(":", 1) for issue in its or ()) for its in staged[c.VALUE_ISSUES].to_pylist()]
    return [
        _field(
            *(name, names, rows, _texts(staged[_STAGED_AS.get(name, name)])),
            [it.get(name) or (it.get(c.VALUE) if name == c.PRICE else None) or it.get(c.LINES) for it in issues],
        )
        for name, names in columns.items()
    ]


def _consent_fields(source: SourceConfig, rows: pa.Table, staged: pa.Table, _: str, __: datetime) -> list[Field]:
    fields = source.consents
    if fields is None:
        return []
    points = zip(staged[c.CONTACT_POINT_TYPE].to_pylist(), staged[c.KEY].to_pylist(), strict=True)
    kinds = [kind if key else None for kind, key in points]
    told = [
        _field("contact", (fields.contact,), rows, kinds),
        _field("purpose", (fields.purpose,), rows, staged[c.PURPOSE].to_pylist()),
        _field("status", (fields.status,), rows, staged[c.STATUS].to_pylist()),
        _field("given_at", (fields.given_at.column,), rows, _texts(staged[c.AT])),
    ]
    if fields.evidence:
        told.append(_field("evidence", (fields.evidence,), rows, staged[c.EVIDENCE].to_pylist()))
    return told


_FIELDS: dict[str, Callable[..., list[Field]]] = {
    "records": _record_fields,
    "events": _event_fields,
    "consents": _consent_fields,
    "order_lines": _order_line_fields,
    "products": _product_fields,
    "rates": _rate_fields,
}


def _field(
    meaning: str, columns: Sequence[str], rows: pa.Table, read: Sequence[str | None], why: Sequence[str | None] = ()
) -> Field:
    delivered = _delivered(rows, columns)
    reasons = why or [None] * len(delivered)
    told = [
        None if text is None or value is not None else reason or _UNREAD
        for text, value, reason in zip(delivered, read, reasons, strict=True)
    ]
    return Field(meaning, tuple(columns), delivered, list(read), told)


def _delivered(rows: pa.Table, columns: Sequence[str]) -> Values:
    """Each row's texts, several columns' with a bar between them; None where all are empty."""
    texts = [rows[name].to_pylist() for name in columns if name in rows.column_names]
    if not texts:
        return [None] * rows.num_rows
    return [" | ".join(text for text in its if text and text.strip()) or None for its in zip(*texts, strict=True)]


def _cell(rows: pa.Table, name: str) -> pa.Array | None:
    return rows[name].combine_chunks() if name in rows.column_names else None


def _texts(values: pa.ChunkedArray) -> Values:
    return [None if it is None else _shown(it) for it in values.to_pylist()]


def _shown(value: Any) -> str:  # noqa: ANN401 - dates, times, numbers and texts
    return value.strftime("%Y-%m-%d %H:%M:%S") if hasattr(value, "hour") else str(value)


def _address(cleaned: pa.Table) -> Values:
    parts = zip(*(cleaned[name].to_pylist() for name in _ADDRESS), strict=True)
    return [", ".join(it for it in its if it) or None for its in parts]
