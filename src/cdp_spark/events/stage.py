"""The events stage: source_events and tonight's ids → unified_events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.events.stitch import build_unified_events
from cdp_spark.tables.catalog import SOURCE_EVENTS, UNIFIED_EVENTS, UNIFIED_IDS
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from cdp_spark.tables.run import RunContext


def run(context: RunContext) -> StageResult:
    """Write `unified_events`, where there are events."""
    store = context.store
    if not store.exists(SOURCE_EVENTS):
        return StageResult(detail="no events yet")
    events = build_unified_events(store.read(SOURCE_EVENTS), store.read(UNIFIED_IDS))
    version = store.overwrite(UNIFIED_EVENTS, events)
    stitched = F.count(c.UNIFIED_ID).alias("events.stitched")
    row = store.read(UNIFIED_EVENTS).agg(F.count(F.lit(1)).alias("events.rows"), stitched).collect()[0]
    return StageResult({UNIFIED_EVENTS.name: version}, {name: float(count) for name, count in row.asDict().items()})
