"""Delivered rows of every kind of source in one shape: what each row is, or why it is refused.

1. Each row is written as canonical JSON, once, for its content hash and for the text of a refused row.
2. Its kind's reader gives key, time, further columns and the reason against it; times, statuses and contact points are
   read once for each distinct value.
3. Rows of which an identifier is on the suppression list are emptied.
4. What a row could not be read from, and what is refused, keeps its text and loses its columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.ingest.staging.texts import (
    STRING_MAP,
    hash_keys,
    join_filled,
    json_strings,
    row_maps,
    row_texts,
    sha256_hex,
    text_bytes,
)
from cdp_spark.ingest.staging.times import compile_time
from cdp_spark.normalise.batches import map_distinct
from cdp_spark.normalise.contact_points import read_contact_point
from cdp_spark.normalise.hashing import sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.config.source import ColumnMapping, ConsentFields, EventFields, SourceConfig, TimeField
    from cdp_spark.ingest.reading import ReadBatch
    from cdp_spark.ingest.suppression.listed import Listed

TIME = pa.timestamp("us", "UTC")
STAGED = pa.schema(
    {
        c.SOURCE: pa.string(),
        c.KIND: pa.string(),
        c.ENTITY_TYPE: pa.string(),
        c.KEY: pa.string(),
        c.RECORD_KEY: pa.string(),
        c.CONTENT_HASH: pa.string(),
        c.AT: TIME,
        c.TIME_ISSUE: pa.bool_(),
        c.ROW: STRING_MAP,
        c.REASON: pa.string(),
        c.RAW_TEXT: pa.string(),
        c.ROW_HASH: pa.string(),
        c.SOURCE_FILE: pa.string(),
        c.COLUMNS_SEEN: pa.list_(pa.string()),
        c.EVENT_TYPE: pa.string(),
        c.IDENTIFIERS: STRING_MAP,
        c.CONTACT_POINT_TYPE: pa.string(),
        c.PURPOSE: pa.string(),
        c.STATUS: pa.string(),
        c.EVIDENCE: pa.string(),
    }
)
"""Columns of staged rows; `columns_seen` has a batch's columns in its first row, where rows name their own."""
SUPPRESSED = "suppressed"
"""The reason of a row that is counted and not stored anywhere, not even as refused."""

_STAYS = (c.SOURCE, c.KIND, c.ENTITY_TYPE, c.SOURCE_FILE, c.COLUMNS_SEEN)
_STATUSES = {"granted": "granted", "denied": "denied", "withdrawn": "withdrawn"}
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_NUL, _REPLACED = b"\\u0000", "\ufffd".encode()
_NUL_IN_JSON = r"(?:^|[^\\])(?:\\\\)*\\u0000"


@dataclass(frozen=True)
class Staging:
    """How a source's rows are staged.

    Args:
        source: the source.
        as_of: the run's clock, UTC.
        region: country of phones that name none.
        kept: columns that are not to be ignored; None for all.
        listed: who must not come back; None where nobody is listed.
        names_columns: whether rows name their own columns, as JSON's do.
    """

    source: SourceConfig
    as_of: datetime
    region: str
    kept: frozenset[str] | None = None
    listed: Listed | None = None
    names_columns: bool = False
    memos: dict[str, dict[object, object]] = field(default_factory=dict, compare=False, repr=False)

    def memo(self, name: str) -> dict[object, object]:
        """Return the results of a function that are kept from batch to batch."""
        return self.memos.setdefault(name, {})


@dataclass(frozen=True)
class _Meaning:
    """What the rows of one kind of source say.

    Args:
        key: identifies the record, event or contact point within the source; null where it is missing.
        at: when it was observed, happened or was given, as far as that can be read.
        reason: against the row; null where there is none.
        extra: further staged columns of this kind.
    """

    key: pa.Array
    at: pa.Array
    reason: pa.Array
    extra: Mapping[str, pa.Array] = field(default_factory=dict)


def stage_batch(batch: ReadBatch, staging: Staging) -> pa.Table:
    """Bring a source's delivered rows to the shape that all kinds of sources share.

    Args:
        batch: as a reader returns it.
        staging: the source and its settings.
    Returns: one row per delivered row, the columns of `STAGED`; `row` is null and `raw_text` is not where `reason` says
        that it is refused.
    """
    rows = batch.rows
    if staging.kept is not None:
        rows = rows.select([name for name in rows.column_names if name in staging.kept])
    parts = [_stage_rows(rows.combine_chunks(), staging)] if batch.rows.num_rows else []
    if batch.rejected.num_rows:
        parts.append(_stage_rejected(batch.rejected, staging))
    staged = pa.concat_tables(parts) if parts else STAGED.empty_table()
    count = staged.num_rows
    names = batch.rows.column_names if staging.names_columns and batch.rows.num_rows else None
    first = {
        c.SOURCE: pa.repeat(pa.scalar(staging.source.name), count),
        c.KIND: pa.repeat(pa.scalar(staging.source.kind), count),
        c.ENTITY_TYPE: pa.repeat(pa.scalar(staging.source.entity_type), count),
        c.SOURCE_FILE: pa.repeat(pa.scalar(batch.source_file or None, pa.string()), count),
        c.COLUMNS_SEEN: pa.array([names, *[None] * (count - 1)] if count else [], pa.list_(pa.string())),
    }
    return _table({**_columns(staged), **first}, count)


def _stage_rows(rows: pa.Table, staging: Staging) -> pa.Table:
    texts = row_texts(rows)
    hashes = sha256_hex(texts)
    meaning = _read(rows, hashes, staging)
    at = _plausible(meaning.at, staging.as_of)
    reason = pc.coalesce(_text_issue(texts), meaning.reason)
    record_key = pa.nulls(rows.num_rows, pa.string())
    if staging.source.kind == "records":
        record_key = hash_keys({c.SOURCE: staging.source.name, c.SOURCE_RECORD_ID: meaning.key})
    if staging.listed is not None:
        listed = staging.listed.mark_rows(rows, record_key, pc.if_else(pc.is_valid(reason), texts, None))
        reason = pc.if_else(listed, SUPPRESSED, reason)
    accepted = pc.is_null(reason)
    is_timeless = pc.is_null(at) if staging.source.observed_at is not None else pa.scalar(value=False)
    staged = {
        c.KEY: meaning.key,
        c.RECORD_KEY: record_key,
        c.CONTENT_HASH: hashes,
        c.AT: at,
        c.TIME_ISSUE: pc.and_(accepted, is_timeless),
        c.ROW: row_maps(dict(zip(rows.column_names, rows.columns, strict=True)), np.asarray(accepted)),
        c.REASON: reason,
        c.RAW_TEXT: pc.if_else(accepted, None, texts),
        c.ROW_HASH: pc.if_else(accepted, None, hashes),
        **meaning.extra,
    }
    return _without_suppressed(_table(staged, rows.num_rows))


def _stage_rejected(rejected: pa.Table, staging: Staging) -> pa.Table:
    reason = rejected[c.REASON]
    if staging.listed is not None:
        listed = map_distinct(rejected[c.RAW_TEXT], staging.listed.mentions, pa.bool_())
        reason = pc.if_else(pc.fill_null(listed, fill_value=False), SUPPRESSED, reason)
    staged = {
        c.REASON: reason,
        c.RAW_TEXT: rejected[c.RAW_TEXT],
        c.ROW_HASH: sha256_hex(rejected[c.RAW_TEXT]),
        c.TIME_ISSUE: pa.repeat(pa.scalar(value=False), rejected.num_rows),
    }
    return _without_suppressed(_table(staged, rejected.num_rows))


def _without_suppressed(staged: pa.Table) -> pa.Table:
    """Empty the rows that are counted only."""
    gone = pc.fill_null(pc.equal(staged[c.REASON], SUPPRESSED), fill_value=False)
    if not pc.any(gone).as_py():
        return staged
    # Arrow has no conditional choice of maps: a row is taken, or there is none to take.
    places = pa.array(np.arange(staged.num_rows), mask=np.asarray(gone))
    emptied = staged.take(places)
    kept = {c.REASON: staged[c.REASON], c.TIME_ISSUE: pc.and_(staged[c.TIME_ISSUE], pc.invert(gone))}
    return _table({**_columns(emptied), **kept}, staged.num_rows)


def _table(columns: Mapping[str, pa.Array], count: int) -> pa.Table:
    arrays = [columns[it.name] if it.name in columns else pa.nulls(count, it.type) for it in STAGED]
    return pa.Table.from_arrays(arrays, schema=STAGED)


def _columns(staged: pa.Table) -> dict[str, pa.ChunkedArray]:
    return {name: staged[name] for name in staged.column_names if name not in _STAYS}


def _read(rows: pa.Table, hashes: pa.Array, staging: Staging) -> _Meaning:
    source = staging.source
    if source.events is not None and source.kind == "events":
        return _read_events(rows, source.events, hashes, staging)
    if source.consents is not None and source.kind == "consents":
        return _read_consents(rows, source.consents, staging)
    at = _times(rows, source.observed_at, staging) if source.observed_at else pa.nulls(rows.num_rows, TIME)
    key = record_ids(rows, source.key)
    return _Meaning(key, at, _where(pc.is_null(key), "null_key"))


def record_ids(rows: pa.Table, key: Sequence[str]) -> pa.Array:
    """Return what identifies each record within its source; null where a column of the key is empty."""
    values = [_values(rows, column) for column in key]
    if len(values) == 1:
        return values[0]
    pieces = [part for value in values for part in (json_strings(value), ",")][:-1]
    return pc.binary_join_element_wise("[", *pieces, "]", "")


def _read_events(rows: pa.Table, events: EventFields, hashes: pa.Array, staging: Staging) -> _Meaning:
    identity = _values(rows, events.event_id) if events.event_id else hashes
    key = hash_keys({c.SOURCE: staging.source.name, "event_id": identity})
    at, event_type = _times(rows, events.occurred_at, staging), _mapped(rows, events.event_type)
    identifiers: dict[str, pa.Array] = {kind: _values(rows, column) for kind, column in events.identifiers.items()}
    reason = pc.coalesce(
        _where(pc.is_null(key), "null_key"),
        _time_issue(at, staging.as_of),
        _where(pc.is_null(event_type), "null_event_type"),
    )
    extra = {c.EVENT_TYPE: event_type, c.IDENTIFIERS: row_maps(identifiers, np.ones(rows.num_rows, np.bool_))}
    return _Meaning(key, at, reason, extra)


def _read_consents(rows: pa.Table, consents: ConsentFields, staging: Staging) -> _Meaning:
    contact, kind, region = _values(rows, consents.contact), consents.contact_type, staging.region
    statuses = _STATUSES | {word.strip().lower(): status for word, status in consents.statuses.items()}

    def point_hash(text: str) -> str | None:
        value = read_contact_point(text, kind, region).usable
        return value and sha256(value)

    def point_type(text: str) -> str:
        return kind if kind != "detect" else "email" if "@" in text else "phone"

    key = map_distinct(contact, point_hash, memo=staging.memo("contact"))
    at = _times(rows, consents.given_at, staging)
    purpose = map_distinct(_values(rows, consents.purpose), str.lower)
    status = map_distinct(_values(rows, consents.status), lambda text: statuses.get(text.lower()))
    reason = pc.coalesce(
        _where(pc.is_null(contact), "null_key"),
        _where(pc.is_null(key), "bad_contact"),
        _time_issue(at, staging.as_of),
        _where(pc.is_null(purpose), "null_purpose"),
        _where(pc.is_null(status), "unknown_status"),
    )
    extra = {
        c.CONTACT_POINT_TYPE: map_distinct(contact, point_type),
        c.PURPOSE: purpose,
        c.STATUS: status,
        c.EVIDENCE: _values(rows, consents.evidence) if consents.evidence else pa.nulls(rows.num_rows, pa.string()),
    }
    return _Meaning(key, at, reason, extra)


def _times(rows: pa.Table, time: TimeField, staging: Staging) -> pa.Array:
    parse = compile_time(time.formats, time.time_zone)
    return map_distinct(_values(rows, time.column), parse, pa.int64(), memo=staging.memo("time")).cast(TIME)


def _plausible(at: pa.Array, as_of: datetime) -> pa.Array:
    """Put null instead of a time before 1900 or more than a day after the run's clock."""
    first, last = pa.scalar(_EARLIEST, TIME), pa.scalar(as_of + _AHEAD, TIME)
    return pc.if_else(pc.and_(pc.greater_equal(at, first), pc.less_equal(at, last)), at, None)


def _time_issue(at: pa.Array, as_of: datetime) -> pa.Array:
    out_of_range = _where(pc.is_null(_plausible(at, as_of)), "time_out_of_range")
    return pc.coalesce(_where(pc.is_null(at), "bad_time"), out_of_range)


def _text_issue(texts: pa.Array) -> pa.Array:
    data = b"".join(chunk.tobytes() for chunk in text_bytes(texts))
    if _NUL not in data and _REPLACED not in data:
        return pa.nulls(len(texts), pa.string())
    nul, replaced = pc.match_substring_regex(texts, _NUL_IN_JSON), pc.match_substring(texts, _REPLACED.decode())
    return pc.coalesce(_where(nul, "nul_character"), _where(replaced, "bad_encoding"))


def _values(rows: pa.Table, column: str) -> pa.Array:
    """Return a column's values without the white space around them, null where nothing is left."""
    if column not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.string())
    trimmed = pc.utf8_trim_whitespace(rows[column])
    filled = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    return filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled


def _mapped(rows: pa.Table, mapping: ColumnMapping) -> pa.Array:
    if mapping.value is not None:
        return pa.repeat(pa.scalar(mapping.value), rows.num_rows)
    values = [_values(rows, column) for column in mapping.from_]
    if mapping.join is None:
        return pc.coalesce(*values)
    joined = join_filled(values, mapping.join, rows.num_rows)
    return pc.if_else(pc.equal(joined, ""), None, joined)


def _where(condition: pa.Array, reason: str) -> pa.Array:
    return pc.if_else(condition, pa.scalar(reason), None)
