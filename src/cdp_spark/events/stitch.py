"""Each event to its profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import UNIFIED_EVENTS
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VISITOR = "visitor"


def build_unified_events(source_events: DataFrame, unified_ids: DataFrame) -> DataFrame:
    """Put the unified id beside each event; what was anonymous once has its person's id from the first event on.

    An event's visitor is a hash of the event's own identifiers, so one join is enough.

    Args:
        source_events: one row per event_key.
        unified_ids: one row per record_key.

    Returns:
        one row per event_key, the table `unified_events`; an event without identifiers, or of a source that is no
        longer configured, has no unified_id.
    """
    record_key = visitor_key_expr(identifier_set_expr(F.col(c.IDENTIFIERS)))
    ids = unified_ids.where(F.col(c.ENTITY_TYPE) == VISITOR).select(c.RECORD_KEY, c.UNIFIED_ID)
    keyed = source_events.withColumn(c.RECORD_KEY, record_key)
    unknown = {name: F.lit(None) for name in UNIFIED_EVENTS.schema.names if name not in (*keyed.columns, c.UNIFIED_ID)}
    return UNIFIED_EVENTS.conform(keyed.withColumns(unknown).join(ids, on=c.RECORD_KEY, how="left"))
