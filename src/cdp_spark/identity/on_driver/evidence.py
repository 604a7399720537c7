"""What is asked of records whose ids are contested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.on_driver.rules.rows import Evidence
from cdp_spark.identity.terms import LABEL, LIMIT, LIMIT_REASONS, STRONG_TYPES
from cdp_spark.tables.catalog import CUTS, IDENTIFIERS, LABELS, RECORDS, RELEASES, RUNS
from cdp_spark.tables.rows import tuples_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cdp_spark.identity.on_driver.rules.assign import Identifiers
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.store import Store

_PAIR = (c.RECORD_KEY_L, c.RECORD_KEY_R)


def fetch_limits(context: RunContext) -> pa.Table:
    """The pairs of this run that a limit kept apart: record_key_l, record_key_r, identifier_type, reason."""
    only = {c.RUN_ID: pa.array([context.run_id]), c.REASON: pa.array(LIMIT_REASONS)}
    return context.store.fetch(CUTS, (*_PAIR, c.IDENTIFIER_TYPE, c.REASON), only=only)


def identifiers_reader(store: Store) -> Callable[[Collection[str]], Identifiers]:
    """Have the strong, usable identifiers of some records fetched from the warehouse."""

    def read(records: Collection[str]) -> Identifiers:
        only = {c.RECORD_KEY: _keys(records), c.TYPE: pa.array(STRONG_TYPES), c.USABLE: pa.array([True])}
        return tuples_of(store.fetch(IDENTIFIERS, (c.RECORD_KEY, c.TYPE, c.VALUE_HASH), only=only))

    return read


def evidence_reader(context: RunContext, limits: pa.Table) -> Callable[[Collection[str]], Evidence]:
    """Have what may have moved some records fetched from the warehouse.

    Args:
        context: of the run.
        limits: from `fetch_limits`.
    """

    def read(records: Collection[str]) -> Evidence:
        keys = _keys(records)
        labels = context.store.fetch(LABELS, _PAIR)
        pairs: list[tuple[str, ...]] = [
            (left, right, cause)
            for rows, cause in ((labels, LABEL), (limits, LIMIT))
            for left, right in tuples_of(_about(rows.select(_PAIR), keys))
        ]
        return Evidence(_fetch_changed(context, keys), pairs)

    return read


def _keys(records: Collection[str]) -> pa.Array:
    return pa.array(records, pa.string())


def _about(pairs: pa.Table, keys: pa.Array) -> pa.Table:
    """The pairs of which an end is one of the records."""
    left, right = (pc.is_in(pairs[side], value_set=keys) for side in _PAIR)
    return pairs.filter(pc.or_(left, right))


def _fetch_changed(context: RunContext, keys: pa.Array) -> list[str]:
    """Those of the records whose content changed since the last release."""
    since = _fetch_released_as_of(context)
    if since is None:
        return []
    rows = context.store.fetch(RECORDS, (c.RECORD_KEY, c.INGESTED_AT), only={c.RECORD_KEY: keys})
    changed: list[str] = rows.filter(pc.field(c.INGESTED_AT) > since)[c.RECORD_KEY].to_pylist()
    return changed


def _fetch_released_as_of(context: RunContext) -> pa.Scalar | None:
    """The clock of the run that published the last release; None before the first."""
    published = context.store.fetch(RELEASES, (c.RELEASE, c.RUN_ID, c.PUBLISHED_AT))
    published = published.filter(pc.field(c.RELEASE) < context.ordinal).sort_by([(c.RELEASE, "descending")])
    if not published.num_rows:
        return None
    clocks = context.store.fetch(RUNS, (c.AS_OF,), only={c.RUN_ID: published[c.RUN_ID].slice(0, 1).combine_chunks()})
    return pc.max(clocks[c.AS_OF]) if clocks.num_rows else published[c.PUBLISHED_AT][0]
