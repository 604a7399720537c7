"""What is asked of records whose ids are contested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.on_driver.rules.rows import Evidence
from cdp_spark.identity.terms import (
    CHANGED_VALUE,
    ERASURE,
    LABEL,
    LIMIT,
    LIMIT_REASONS,
    STRONG_TYPES,
    VALUE_REASONS,
    linking_types,
)
from cdp_spark.tables.catalog import CUTS, IDENTIFIERS, LABELS, RECORDS, RELEASES, RUNS, TOUCHED_RECORDS
from cdp_spark.tables.rows import texts, tuples_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cdp_spark.identity.on_driver.rules.assign import Identifiers
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.store import Store

_PAIR = (c.RECORD_KEY_L, c.RECORD_KEY_R)


def fetch_limits(context: RunContext) -> pa.Table:
    """The pairs of this run that a limit kept apart: record_key_l, record_key_r, identifier_type, reason."""
    only = {c.RUN_ID: pa.array([context.run_id]), c.REASON: pa.array(LIMIT_REASONS)}
    cuts = context.store.fetch(CUTS, (*_PAIR, c.IDENTIFIER_TYPE, c.REASON), only=only)
    return pa.concat_tables([cuts, _fetch_unused_values(context).cast(cuts.schema)])


def _fetch_unused_values(context: RunContext) -> pa.Table:
    """The people that a value would have joined, were it not shared by too many or contradicted by what they say."""
    linking = linking_types(context.project)
    only = {c.ENTITY_TYPE: pa.array(["person"]), c.TYPE: pa.array(linking, pa.string())}
    only |= {c.REASON: pa.array(VALUE_REASONS)}
    found = context.store.fetch(IDENTIFIERS, (c.RECORD_KEY, c.TYPE, c.VALUE_HASH, c.REASON), only=only)
    key = [c.TYPE, c.VALUE_HASH, c.REASON]
    first = found.group_by(key).aggregate([(c.RECORD_KEY, "min")])
    pairs = found.join(first, keys=key).filter(pc.field(c.RECORD_KEY) != pc.field(f"{c.RECORD_KEY}_min"))
    names = [f"{c.RECORD_KEY}_min", c.RECORD_KEY, c.TYPE, c.REASON]
    return pairs.select(names).rename_columns([*_PAIR, c.IDENTIFIER_TYPE, c.REASON])


def identifiers_reader(store: Store) -> Callable[[Collection[str]], Identifiers]:
    """Have the strong, usable identifiers of some records fetched from the warehouse."""

    def read(records: Collection[str]) -> Identifiers:
        only = {c.RECORD_KEY: texts(records), c.TYPE: pa.array(STRONG_TYPES), c.USABLE: pa.array([True])}
        return tuples_of(store.fetch(IDENTIFIERS, (c.RECORD_KEY, c.TYPE, c.VALUE_HASH), only=only))

    return read


def evidence_reader(context: RunContext, limits: pa.Table) -> Callable[[Collection[str]], Evidence]:
    """Have what may have moved some records fetched from the warehouse.

    Args:
        context: of the run.
        limits: from `fetch_limits`.
    """

    def read(records: Collection[str]) -> Evidence:
        keys = texts(records)
        labels = context.store.fetch(LABELS, _PAIR)
        pairs: list[tuple[str, ...]] = [
            (left, right, cause)
            for rows, cause in ((labels, LABEL), (limits, LIMIT))
            for left, right in tuples_of(_about(rows.select(_PAIR), keys))
        ]
        return Evidence(_fetch_of_records(context, keys), pairs)

    return read


def _about(pairs: pa.Table, keys: pa.Array) -> pa.Table:
    """The pairs of which an end is one of the records."""
    left, right = (pc.is_in(pairs[side], value_set=keys) for side in _PAIR)
    return pairs.filter(pc.or_(left, right))


def _fetch_of_records(context: RunContext, keys: pa.Array) -> list[tuple[str, str]]:
    """Those of the records that changed since the last release, or were beside somebody erased since, and which."""
    last = _fetch_last_release(context)
    if last is None:
        return []
    release, as_of = last
    of_keys = {c.RECORD_KEY: keys}
    rows = context.store.fetch(RECORDS, (c.RECORD_KEY, c.INGESTED_AT), only=of_keys)
    by_erasures = {**of_keys, c.STAGE: pa.array([ERASURE])}
    beside = context.store.fetch(TOUCHED_RECORDS, (c.RECORD_KEY, c.ORDINAL), only=by_erasures)
    found = {
        CHANGED_VALUE: rows.filter(pc.field(c.INGESTED_AT) > as_of),
        ERASURE: beside.filter(pc.field(c.ORDINAL) >= release),
    }
    return [(key, cause) for cause, some in found.items() for key in some[c.RECORD_KEY].to_pylist()]


def _fetch_last_release(context: RunContext) -> tuple[int, pa.Scalar] | None:
    """The number of the last release, and the clock of its run; None before the first."""
    published = context.store.fetch(RELEASES, (c.RELEASE, c.RUN_ID, c.PUBLISHED_AT))
    published = published.filter(pc.field(c.RELEASE) < context.ordinal).sort_by([(c.RELEASE, "descending")])
    if not published.num_rows:
        return None
    clocks = context.store.fetch(RUNS, (c.AS_OF,), only={c.RUN_ID: published[c.RUN_ID].slice(0, 1).combine_chunks()})
    as_of = pc.max(clocks[c.AS_OF]) if clocks.num_rows else published[c.PUBLISHED_AT][0]
    return published[c.RELEASE][0].as_py(), as_of
