"""Each event to its profile, with what it is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type

from cdp_spark import columns as c
from cdp_spark.events.orders import unite_orders
from cdp_spark.events.worth import WORTH, find_worth
from cdp_spark.tables.catalog import UNIFIED_EVENTS
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyspark.sql import Column, DataFrame

    from cdp_spark.events.worth import Rates

VISITOR = "visitor"
_CANCELLED, _WORTH, _LATER_LINES = "is_cancelled", "worth", "later_lines"
_GIVEN = (c.EVENT_TYPE, _CANCELLED, c.VALUE_GIVEN, c.CURRENCY, c.QUANTITY, c.LINES, c.OCCURRED_AT)


def build_unified_events(
    source_events: DataFrame,
    unified_ids: DataFrame,
    rates: Rates,
    *,
    cancelled: DataFrame | None = None,
    order_lines: DataFrame | None = None,
    sources_of_rows: Collection[str] = (),
) -> DataFrame:
    """Put the unified id beside each event; what was anonymous once has its person's id from the first event on.

    An event's visitor is a hash of the event's own identifiers, so one join is enough.

    Args:
        source_events: one row per event_key.
        unified_ids: one row per record_key.
        rates: of the currencies.
        cancelled: order_key of the orders that are cancelled, each once; None where no source names orders.
        order_lines: lines of orders from sources of their own; None where there are none.
        sources_of_rows: those that may deliver an order as several rows.

    Returns:
        one row per event, the table `unified_events`; the rows of an order are one event. An event without
        identifiers, or of a source that is no longer configured, has no unified_id.
    """
    record_key = visitor_key_expr(identifier_set_expr(F.col(c.IDENTIFIERS)))
    ids = unified_ids.where(F.col(c.ENTITY_TYPE) == VISITOR).select(c.RECORD_KEY, c.UNIFIED_ID)
    events = unite_orders(source_events, sources_of_rows) if sources_of_rows else source_events
    keyed = events.withColumn(c.RECORD_KEY, record_key)
    whole = _with_cancelled(_with_lines(keyed, order_lines), cancelled)
    valued = whole.withColumn(_WORTH, worth_expr(rates))
    found = {it.name: F.col(f"{_WORTH}.{it.name}") for it in WORTH}
    return UNIFIED_EVENTS.conform(valued.withColumns(found).join(ids, on=c.RECORD_KEY, how="left"))


def worth_expr(rates: Rates) -> Column:
    """What an event is worth, as `find_worth` gives it; the event's own columns and `is_cancelled` are read."""

    def find(*columns: pa.Array) -> pa.Array:
        return find_worth(pa.table(list(columns), names=list(_GIVEN)), rates)

    valued = F.arrow_udf(find, from_arrow_type(WORTH))  # type: ignore[attr-defined] # Spark's stubs lack it
    return valued(*_GIVEN)  # type: ignore[no-any-return]


def _with_cancelled(events: DataFrame, cancelled: DataFrame | None) -> DataFrame:
    if cancelled is None:
        return events.withColumn(_CANCELLED, F.lit(False))
    marked = cancelled.withColumn(_CANCELLED, F.lit(True))
    return events.join(marked, on=c.ORDER_KEY, how="left")


def _with_lines(events: DataFrame, order_lines: DataFrame | None) -> DataFrame:
    """Put lines of a source of their own into their orders, in order of their ids; longer numbers come later."""
    if order_lines is None:
        return events
    line = F.struct(c.PRODUCT_ID, c.CATEGORY, c.QUANTITY, F.col(c.VALUE_GIVEN).alias(c.VALUE))
    placed = F.struct(F.length(c.LINE_ID).alias("length"), c.LINE_ID, c.LINE_KEY, line.alias("line"))
    in_order = F.sort_array(F.collect_list(placed))
    lines = F.transform(in_order, lambda it: it["line"]).alias(_LATER_LINES)
    of_orders = order_lines.groupBy(F.col(c.ORDER_KEY).alias(c.LINES_KEY)).agg(lines)
    return events.join(of_orders, on=c.LINES_KEY, how="left").withColumn(c.LINES, F.coalesce(c.LINES, _LATER_LINES))
