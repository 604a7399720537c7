"""Delivered rows of every kind of source in one shape: what each row is, or why it is refused.

1. Each row is written as canonical JSON, once, for its content hash and for the text of a refused row.
2. Its kind's reader gives key, time, further columns and the reason against it; times, statuses and contact points are
   read once for each distinct value.
3. Rows of which an identifier is on the suppression list are emptied.
4. What a row could not be read from, and what is refused, keeps its text and loses its columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.source import configured_columns
from cdp_spark.ingest.staging.consents import UNREADABLE_WITHDRAWAL, mentions_refusal, read_consents
from cdp_spark.ingest.staging.events import LINES, read_events
from cdp_spark.ingest.staging.paths import column_of, with_paths
from cdp_spark.ingest.staging.reference import read_order_lines, read_products, read_rates
from cdp_spark.ingest.staging.texts import STRING_MAP, hash_keys, row_maps, row_texts, sha256_hex, text_bytes
from cdp_spark.ingest.staging.values import AMOUNT, TIME, Meaning, plausible, record_ids, times, where
from cdp_spark.normalise.batches import map_distinct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.reading import ReadBatch
    from cdp_spark.ingest.suppression.listed import Listed
    from cdp_spark.normalise.amounts import DecimalSign

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
        c.LINE: pa.int64(),
        c.SOURCE_FILE: pa.string(),
        c.COLUMNS_SEEN: pa.list_(pa.string()),
        c.EVENT_TYPE: pa.string(),
        c.IDENTIFIERS: STRING_MAP,
        c.CONTACT_POINT_TYPE: pa.string(),
        c.PURPOSE: pa.string(),
        c.STATUS: pa.string(),
        c.EVIDENCE: pa.string(),
        c.FRAME_HASH: pa.string(),
        c.RECEIVED_AT: TIME,
        c.VALUE_GIVEN: AMOUNT,
        c.CURRENCY: pa.string(),
        c.QUANTITY: pa.float64(),
        c.PRODUCT_ID: pa.string(),
        c.CATEGORY: pa.string(),
        c.CAMPAIGN: pa.string(),
        c.CHANNEL: pa.string(),
        c.URL: pa.string(),
        c.LINES: LINES,
        c.ORDER_KEY: pa.string(),
        c.CANCELS_KEY: pa.string(),
        c.LINES_KEY: pa.string(),
        c.LINE_ID: pa.string(),
        c.NAME: pa.string(),
        c.IN_STOCK: pa.bool_(),
        c.RATE: pa.float64(),
        c.VALUE_ISSUES: pa.list_(pa.string()),
    }
)
"""Columns of staged rows; `columns_seen` has a batch's columns in its first row, where rows name their own."""
SUPPRESSED = "suppressed"
"""The reason of a row that is counted and not stored anywhere, not even as refused."""

_STAYS = (c.SOURCE, c.KIND, c.ENTITY_TYPE, c.SOURCE_FILE, c.COLUMNS_SEEN)
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
        undated: content hash of withdrawals without a usable date to the time when they first came, UTC.
        currency: the project's.
    """

    source: SourceConfig
    as_of: datetime
    region: str
    kept: frozenset[str] | None = None
    listed: Listed | None = None
    names_columns: bool = False
    undated: Mapping[str, datetime] = field(default_factory=dict)
    currency: str = "EUR"
    memos: dict[str, dict[object, object]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def decimal(self) -> DecimalSign | None:
        """Which sign separates decimals; None where CSV does not say it."""
        return self.source.decimal or (None if self.source.format == "csv" else "point")

    def memo(self, name: str) -> dict[object, object]:
        """Return the results of a function that are kept from batch to batch."""
        return self.memos.setdefault(name, {})


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
        roots = {column_of(path, rows.column_names) for path in staging.kept} | staging.kept
        rows = rows.select([name for name in rows.column_names if name in roots])
    delivered = rows.combine_chunks()
    rows = with_paths(delivered, configured_columns(staging.source))
    parts = [_stage_rows(delivered, rows, staging)] if batch.rows.num_rows else []
    if batch.rejected.num_rows:
        parts.append(_stage_rejected(batch.rejected, staging))
    staged = pa.concat_tables(parts) if parts else STAGED.empty_table()
    count = staged.num_rows
    paths = [name for name in rows.column_names[delivered.num_columns :] if rows[name].null_count < rows.num_rows]
    names = [*batch.rows.column_names, *paths] if staging.names_columns and batch.rows.num_rows else None
    first = {
        c.SOURCE: pa.repeat(pa.scalar(staging.source.name), count),
        c.KIND: pa.repeat(pa.scalar(staging.source.kind), count),
        c.ENTITY_TYPE: pa.repeat(pa.scalar(staging.source.entity_type), count),
        c.SOURCE_FILE: pa.repeat(pa.scalar(batch.source_file or None, pa.string()), count),
        c.COLUMNS_SEEN: pa.array([names, *[None] * (count - 1)] if count else [], pa.list_(pa.string())),
    }
    return _table({**_columns(staged), **first}, count)


def _stage_rows(delivered: pa.Table, rows: pa.Table, staging: Staging) -> pa.Table:
    """Stage rows whose text and hash are what was delivered, whatever paths the configuration reads in it."""
    texts = row_texts(delivered)
    hashes = sha256_hex(texts)
    meaning = _read(rows, hashes, staging)
    may_be_ahead = staging.source.kind in ("products", "rates")
    at = meaning.at if may_be_ahead else plausible(meaning.at, staging.as_of)
    reason = pc.coalesce(_text_issue(texts), meaning.reason)
    if meaning.is_judged is not None:
        reason = pc.if_else(meaning.is_judged, meaning.reason, reason)
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
    if staging.source.consents is not None:
        refusals = map_distinct(rejected[c.RAW_TEXT], partial(mentions_refusal, staging.source.consents), pa.bool_())
        reason = pc.if_else(pc.fill_null(refusals, fill_value=False), UNREADABLE_WITHDRAWAL, reason)
    if staging.listed is not None:
        listed = map_distinct(rejected[c.RAW_TEXT], staging.listed.mentions, pa.bool_())
        reason = pc.if_else(pc.fill_null(listed, fill_value=False), SUPPRESSED, reason)
    staged = {
        c.REASON: reason,
        c.RAW_TEXT: rejected[c.RAW_TEXT],
        c.ROW_HASH: sha256_hex(rejected[c.RAW_TEXT]),
        c.LINE: rejected[c.LINE],
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


def _read(rows: pa.Table, hashes: pa.Array, staging: Staging) -> Meaning:
    source = staging.source
    if source.events is not None:
        return read_events(rows, source.events, hashes, staging)
    if source.consents is not None:
        return read_consents(rows, source.consents, hashes, staging)
    if source.order_lines is not None:
        return read_order_lines(rows, source.order_lines, hashes, staging)
    if source.products is not None:
        return read_products(rows, source.products, staging)
    if source.rates is not None:
        return read_rates(rows, source.rates, staging)
    at = times(rows, source.observed_at, staging) if source.observed_at else pa.nulls(rows.num_rows, TIME)
    key = record_ids(rows, source.key)
    return Meaning(key, at, where(pc.is_null(key), "null_key"))


def _text_issue(texts: pa.Array) -> pa.Array:
    data = b"".join(chunk.tobytes() for chunk in text_bytes(texts))
    if _NUL not in data and _REPLACED not in data:
        return pa.nulls(len(texts), pa.string())
    nul, replaced = pc.match_substring_regex(texts, _NUL_IN_JSON), pc.match_substring(texts, _REPLACED.decode())
    return pc.coalesce(where(nul, "nul_character"), where(replaced, "bad_encoding"))
