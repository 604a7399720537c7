"""Orders whose rows are their lines: one purchase, whatever counts purchases.

1. A source may deliver an order as several rows: it names the `order_id`, and its events are identified by more than
   that id and what happened.
2. The purchases of one order and currency are one, under the first row's key, time and visitor. It is worth the sum,
   and its lines are the rows. Rows of a negative value or quantity are returns, and stay events of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.normalise.event_types import PURCHASE
from cdp_spark.tables.catalog import SOURCE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.events import EventFields
    from cdp_spark.config.source import SourceConfig

_FIRST, _ROWS = "first", "order_rows"
_KEY = (c.ORDER_KEY, c.CURRENCY)
_SUMMED = "decimal(38,4)"


def find_sources_of_rows(sources: Iterable[SourceConfig]) -> tuple[str, ...]:
    """Name the sources that may deliver an order as several rows."""
    return tuple(sorted(it.name for it in sources if it.events and _may_repeat(it.events)))


def _may_repeat(events: EventFields) -> bool:
    named = {events.order_id, *events.event_type.from_}
    return events.order_id is not None and not (events.event_id and named.issuperset(events.event_id))


def unite_orders(events: DataFrame, sources: Collection[str]) -> DataFrame:
    """Make one purchase of the rows of each order.

    Args:
        events: rows of `source_events`, with all rows of an order or none.
        sources: from `find_sources_of_rows`.
    Returns: the same columns, one row per event and per order.
    """
    is_row = F.col(c.SOURCE).isin(*sources) & (F.col(c.EVENT_TYPE) == PURCHASE) & F.col(c.ORDER_KEY).isNotNull()
    for name in (c.VALUE_GIVEN, c.QUANTITY):
        is_row &= F.coalesce(F.col(name) >= 0, F.lit(True))
    return events.where(~is_row).unionByName(_united(events.where(is_row)))


def _united(rows: DataFrame) -> DataFrame:
    first = F.min_by(F.struct(*rows.columns), F.struct(c.OCCURRED_AT, c.EVENT_KEY)).alias(_FIRST)
    made = {
        c.VALUE_GIVEN: F.when(F.count(c.VALUE_GIVEN) == F.count(F.lit(1)), F.sum(c.VALUE_GIVEN)),
        c.QUANTITY: F.sum(F.col(c.QUANTITY).try_cast(_SUMMED)),
        c.LINES: F.nullif(F.flatten(_in_order(_lines())), F.array()),
        **{name: _same(name) for name in (c.PRODUCT_ID, c.CATEGORY)},
    }
    kinds = {it.name: it.dataType for it in SOURCE_EVENTS.schema}
    sums = [column.try_cast(kinds[name]).alias(name) for name, column in made.items()]
    orders = rows.groupBy(*_KEY).agg(first, F.count(F.lit(1)).alias(_ROWS), *sums)

    def chosen(name: str) -> Column:
        of_first = F.col(_FIRST)[name]
        return (F.when(F.col(_ROWS) > 1, F.col(name)).otherwise(of_first) if name in made else of_first).alias(name)

    return orders.select(*map(chosen, rows.columns))


def _lines() -> Column:
    """A row's lines: those that it has in a column, or itself where it names a product."""
    pieces = F.coalesce(c.QUANTITY, F.lit(1.0)).alias(c.QUANTITY)
    own = F.struct(c.PRODUCT_ID, c.CATEGORY, pieces, F.col(c.VALUE_GIVEN).alias(c.VALUE))
    is_line = F.coalesce(c.PRODUCT_ID, c.CATEGORY).isNotNull()
    return F.coalesce(c.LINES, F.when(is_line, F.array(own)), F.array())


def _in_order(lines: Column) -> Column:
    placed = F.collect_list(F.struct(c.OCCURRED_AT, c.EVENT_KEY, lines.alias(c.LINES)))
    return F.transform(F.sort_array(placed), lambda it: it[c.LINES])


def _same(name: str) -> Column:
    """The value that all rows have; null where they differ."""
    is_same = (F.min(name) == F.max(name)) & (F.count(name) == F.count(F.lit(1)))
    return F.when(is_same, F.min(name))
