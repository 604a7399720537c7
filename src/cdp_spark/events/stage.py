"""The events stage: source_events and this run's ids → unified_events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.events.stitch import VISITOR, build_unified_events
from cdp_spark.tables.catalog import SOURCE_EVENTS, UNIFIED_EVENTS, UNIFIED_IDS
from cdp_spark.tables.checkpoint import checkpoint_and_count
from cdp_spark.tables.increments.basis import extend_table, keep_table
from cdp_spark.tables.increments.difference import read_changed
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from cdp_spark.tables.run import Basis, RunContext


def run(context: RunContext) -> StageResult:
    """Write `unified_events`, where there are events: all, or those that are new or of a visitor with another id."""
    store, basis = context.store, context.basis
    if not store.exists(SOURCE_EVENTS):
        return StageResult(detail="no events yet")
    if basis is None:
        events = build_unified_events(store.read(SOURCE_EVENTS), store.read(UNIFIED_IDS))
        version, detail = store.overwrite(UNIFIED_EVENTS, events), "full"
    else:
        version, detail = _write_changed(context, basis)
    stitched = F.count(c.UNIFIED_ID).alias("events.stitched")
    row = store.read(UNIFIED_EVENTS).agg(F.count(F.lit(1)).alias("events.rows"), stitched).collect()[0]
    metrics = {name: float(count) for name, count in row.asDict().items()}
    return StageResult({UNIFIED_EVENTS.name: version}, metrics, detail)


def _write_changed(context: RunContext, basis: Basis) -> tuple[int, str]:
    """Append new events where nothing else changed; else leave out the rows that do not hold any more, too."""
    store, released = context.store, context.read_released(UNIFIED_EVENTS)
    changed = checkpoint_and_count(read_changed(context, SOURCE_EVENTS, key=(c.EVENT_KEY,)))
    moved = checkpoint_and_count(read_changed(context, UNIFIED_IDS, key=(c.RECORD_KEY,), entity_types=(VISITOR,)))
    of_moved = released.join(moved.joinable, on=c.RECORD_KEY, how="left_semi").select(c.EVENT_KEY)
    of_changed = released.join(changed.joinable, on=c.EVENT_KEY, how="left_semi").select(c.EVENT_KEY)
    stale = checkpoint_and_count(of_moved.unionByName(of_changed))
    fresh = checkpoint_and_count(changed.rows.unionByName(of_moved).distinct())
    detail = f"incremental: {fresh.count:,} events are new, or their visitor has another id"
    if not fresh.count:
        return keep_table(context, UNIFIED_EVENTS, basis), detail
    events = store.read(SOURCE_EVENTS).join(fresh.joinable, on=c.EVENT_KEY, how="left_semi")
    stitched = build_unified_events(events, store.read(UNIFIED_IDS))
    if not stale.count:
        return extend_table(context, UNIFIED_EVENTS, stitched), detail
    others = released.join(stale.joinable, on=c.EVENT_KEY, how="left_anti").select(*stitched.columns)
    return store.overwrite(UNIFIED_EVENTS, others.unionByName(stitched)), detail
