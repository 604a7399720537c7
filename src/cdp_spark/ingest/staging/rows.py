"""Delivered rows of every kind of source in one shape: what each row is, or why it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.staging.contacts import contact_hash_expr, contact_type_expr
from cdp_spark.ingest.staging.times import plausible_time_expr, utc_time_expr

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.source import ColumnMapping, ConsentFields, EventFields, SourceConfig, TimeField

_EXTRAS = {
    c.EVENT_TYPE: "string",
    c.IDENTIFIERS: "map<string,string>",
    c.CONTACT_POINT_TYPE: "string",
    c.PURPOSE: "string",
    c.STATUS: "string",
    c.EVIDENCE: "string",
}
"""Columns that only some kinds of sources fill, with their types."""


_PARSED = "parsed_at"


@dataclass(frozen=True)
class Reading:
    """What a row of one kind of source says, as expressions over the delivered row.

    Args:
        key: what identifies the record, event or contact point within the source; null where it is missing.
        at: when it was observed, happened or was given, as far as that can be read.
        extra: further staged columns of this kind.
        reason: why the row is refused, as an expression over the columns above; null where it is accepted.
    """

    key: Column
    at: Column
    extra: dict[str, Column]
    reason: Column


def stage_rows(delivered: DataFrame, source: SourceConfig, *, as_of: datetime, region: str) -> DataFrame:
    """Bring a source's delivered rows to the shape that all kinds of sources share.

    Args:
        delivered: rows as a reader returns them.
        source: the source.
        as_of: the run's clock, UTC.
        region: country of phones that name none.

    Returns:
        One row per delivered row; `row` is null and `raw_text` is not where `reason` says that it is refused.
    """
    reading = _read_row(source, region)
    extra = {name: reading.extra.get(name, F.lit(None)).cast(kind) for name, kind in _EXTRAS.items()}
    refused = F.coalesce(F.col(c.REASON), _text_issue_expr(F.col(c.ROW)), reading.reason)
    staged = (
        delivered.withColumn(c.CONTENT_HASH, content_hash_expr(F.col(c.ROW)))
        .withColumns({c.KEY: reading.key, _PARSED: reading.at, **extra})
        .withColumn(c.AT, plausible_time_expr(F.col(_PARSED), as_of=as_of))
        .withColumn(c.REASON, refused)
    )
    return _conform(staged, source)


def content_hash_expr(row: Column) -> Column:
    """Hash a row's names and values, whatever the order of its columns."""
    return F.sha2(F.to_json(F.array_sort(F.map_entries(row))), 256)


def hash_key_expr(*parts: Column) -> Column:
    """Hash of several values in 32 hex characters; a null part counts as a value of its own."""
    return F.substring(F.sha2(F.to_json(F.struct(*parts), {"ignoreNullFields": "false"}), 256), 1, 32)


def record_id_expr(row: Column, key: tuple[str, ...]) -> Column:
    """What identifies a record within its source; null where a column of the key is empty.

    Args:
        row: map of column to value, as received.
        key: columns.
    """
    values = [_value_expr(column, row) for column in key]
    if len(values) == 1:
        return values[0]
    complete = F.forall(F.array(*values), lambda value: value.isNotNull())
    return F.when(complete, F.to_json(F.array(*values)))


def record_key_expr(source: Column, source_record_id: Column) -> Column:
    """The record_key of a source's record; null where it has no id."""
    key = hash_key_expr(source.alias(c.SOURCE), source_record_id.alias(c.SOURCE_RECORD_ID))
    return F.when(source_record_id.isNotNull(), key)


def _conform(staged: DataFrame, source: SourceConfig) -> DataFrame:
    row, accepted = F.col(c.ROW), F.col(c.REASON).isNull()
    timeless = F.lit(source.observed_at is not None) & F.col(c.AT).isNull()
    return staged.select(
        F.lit(source.name).alias(c.SOURCE),
        F.lit(source.kind).alias(c.KIND),
        F.lit(source.entity_type).alias(c.ENTITY_TYPE),
        c.KEY,
        c.CONTENT_HASH,
        c.AT,
        (accepted & timeless).alias(c.TIME_ISSUE),
        F.when(accepted, row).alias(c.ROW),
        c.REASON,
        F.when(~accepted, F.coalesce(F.col(c.RAW_TEXT), F.to_json(row))).alias(c.RAW_TEXT),
        c.SOURCE_FILE,
        c.COLUMNS_SEEN,
        *_EXTRAS,
    )


def _read_row(source: SourceConfig, region: str) -> Reading:
    if source.events is not None and source.kind == "events":
        return _read_event(source.name, source.events)
    if source.consents is not None and source.kind == "consents":
        return _read_consent(source.consents, region)
    at = _time_expr(source.observed_at) if source.observed_at else F.lit(None).cast("timestamp")
    return Reading(record_id_expr(F.col(c.ROW), source.key), at, {}, _key_issue_expr())


def _read_event(source: str, events: EventFields) -> Reading:
    identity = _value_expr(events.event_id) if events.event_id else F.col(c.CONTENT_HASH)
    key = F.when(identity.isNotNull(), hash_key_expr(F.lit(source).alias(c.SOURCE), identity.alias("event_id")))
    entries = [part for kind, name in sorted(events.identifiers.items()) for part in (F.lit(kind), _value_expr(name))]
    identifiers = F.map_filter(F.create_map(*entries), lambda _, value: value.isNotNull())
    extra = {c.EVENT_TYPE: _mapped_expr(events.event_type), c.IDENTIFIERS: identifiers}
    reason = F.coalesce(_key_issue_expr(), _time_issue_expr(), F.when(F.col(c.EVENT_TYPE).isNull(), "null_event_type"))
    return Reading(key, _time_expr(events.occurred_at), extra, reason)


def _read_consent(consents: ConsentFields, region: str) -> Reading:
    contact = _value_expr(consents.contact)
    contact_type = contact_type_expr(contact, consents.contact_type)
    extra = {
        c.CONTACT_POINT_TYPE: contact_type,
        c.PURPOSE: F.lower(_value_expr(consents.purpose)),
        c.STATUS: _status_expr(consents),
        c.EVIDENCE: _value_expr(consents.evidence) if consents.evidence else F.lit(None),
    }
    reason = F.coalesce(
        F.when(contact.isNull(), "null_key"),
        F.when(F.col(c.KEY).isNull(), "bad_contact"),
        _time_issue_expr(),
        F.when(F.col(c.PURPOSE).isNull(), "null_purpose"),
        F.when(F.col(c.STATUS).isNull(), "unknown_status"),
    )
    key = contact_hash_expr(contact, contact_type, region=region)
    return Reading(key, _time_expr(consents.given_at), extra, reason)


def _key_issue_expr() -> Column:
    return F.when(F.col(c.KEY).isNull(), "null_key")


def _time_issue_expr() -> Column:
    return F.when(F.col(_PARSED).isNull(), "bad_time").when(F.col(c.AT).isNull(), "time_out_of_range")


def _status_expr(consents: ConsentFields) -> Column:
    words = {"granted": "granted", "denied": "denied", "withdrawn": "withdrawn"}
    words |= {word.strip().lower(): status for word, status in consents.statuses.items()}
    pairs = [F.lit(part) for pair in words.items() for part in pair]
    return F.create_map(*pairs)[F.lower(_value_expr(consents.status))]


def _value_expr(column: str, row: Column | None = None) -> Column:
    """A column's value without the white space around it, null where nothing is left."""
    return F.nullif(F.btrim((F.col(c.ROW) if row is None else row).getItem(column)), F.lit(""))


def _mapped_expr(mapping: ColumnMapping) -> Column:
    if mapping.value is not None:
        return F.lit(mapping.value)
    values = [_value_expr(column) for column in mapping.from_]
    if mapping.join is None:
        return F.coalesce(*values)
    return F.nullif(F.concat_ws(mapping.join, *values), F.lit(""))


def _time_expr(field: TimeField) -> Column:
    return utc_time_expr(_value_expr(field.column), field)


def _text_issue_expr(row: Column) -> Column:
    text = F.array_join(F.map_values(row), "")
    return F.when(text.contains(F.char(F.lit(0))), "nul_character").when(text.contains("\ufffd"), "bad_encoding")
