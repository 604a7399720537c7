"""Each event to its profile, with what it is worth: on the driver where events are few, else in Spark's tasks.

1. Lines from a source of their own are put into their orders, and orders that were cancelled are marked.
2. What an event is worth is found, in the project's currency.
3. An event's visitor is a hash of the event's own identifiers, so one look at the visitors' ids is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type

from cdp_spark import columns as c
from cdp_spark.events.visitors import identifier_sets, visitor_keys
from cdp_spark.events.worth import LINES, WORTH, find_worth
from cdp_spark.groups import group_starts
from cdp_spark.normalise.batches import as_array
from cdp_spark.tables.catalog import SOURCE_EVENTS, UNIFIED_EVENTS
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr
from cdp_spark.tables.rows import join_left, map_groups, with_array, with_values

if TYPE_CHECKING:
    from pyspark.sql import Column

    from cdp_spark.events.worth import Rates
    from cdp_spark.tables.rows import Rows

VISITOR = "visitor"
SOURCE_COLUMNS = (
    *(name for name in UNIFIED_EVENTS.schema.names if name in SOURCE_EVENTS.schema.names),
    *(c.IDENTIFIERS, c.ORDER_KEY, c.LINES_KEY),
)
"""Columns of `source_events` that events are made from."""
LINE_COLUMNS = (c.ORDER_KEY, c.LINE_ID, c.LINE_KEY, c.PRODUCT_ID, c.CATEGORY, c.QUANTITY, c.VALUE_GIVEN)
"""Columns of `source_order_lines` that events are made from."""
_CANCELLED, _WORTH, _LATER_LINES = "is_cancelled", "worth", "later_lines"
_GIVEN = (c.EVENT_TYPE, _CANCELLED, c.VALUE_GIVEN, c.CURRENCY, c.QUANTITY, c.LINES, c.OCCURRED_AT)
_OF_ORDERS = pa.schema({c.LINES_KEY: pa.string(), _LATER_LINES: LINES})


@dataclass(frozen=True)
class OrderLines:
    """Lines of orders from sources of their own.

    Args:
        rows: of `source_order_lines`.
        count: of them, about.
    """

    rows: Rows
    count: int


def build_unified_events(
    source_events: Rows,
    ids: Rows,
    rates: Rates,
    *,
    cancelled: Rows | None = None,
    order_lines: OrderLines | None = None,
) -> Rows:
    """Put the unified id beside each event; what was anonymous once has its person's id from the first event on.

    Args:
        source_events: one row per event; the rows of an order are one already.
        ids: record_key and unified_id of visitors, each once; like all other rows, where the events are.
        rates: of the currencies.
        cancelled: order_key of the orders that are cancelled, each once; None where no source names orders.
        order_lines: lines of orders from sources of their own; None where there are none.

    Returns:
        one row per event, the table `unified_events`; the rows of an order are one event. An event without
        identifiers, or of a source that is no longer configured, has no unified_id.
    """
    of_orders = None if order_lines is None else _collect_lines(order_lines)
    if isinstance(source_events, DataFrame):
        keyed = source_events.withColumn(c.RECORD_KEY, visitor_key_expr(identifier_set_expr(F.col(c.IDENTIFIERS))))
        whole = cast("DataFrame", _with_orders(keyed, cancelled, of_orders))
        if of_orders is not None:
            whole = whole.withColumn(c.LINES, F.coalesce(c.LINES, _LATER_LINES))
        valued = whole.withColumn(_WORTH, worth_expr(rates))
        found = {it.name: F.col(f"{_WORTH}.{it.name}") for it in WORTH}
        return UNIFIED_EVENTS.conform(cast("DataFrame", join_left(valued.withColumns(found), c.RECORD_KEY, ids)))
    batches = [pa.Table.from_batches([it]) for it in source_events.to_batches()] or [source_events]
    made = [_unify_batch(it, cast("pa.Table", ids), rates, cancelled, of_orders) for it in batches]
    return pa.concat_tables(UNIFIED_EVENTS.conform_table(it) for it in made)


def worth_expr(rates: Rates) -> Column:
    """What an event is worth, as `find_worth` gives it; the event's own columns and `is_cancelled` are read."""

    def find(*columns: pa.Array) -> pa.Array:
        return find_worth(pa.table(list(columns), names=list(_GIVEN)), rates)

    valued = F.arrow_udf(find, from_arrow_type(WORTH))  # type: ignore[attr-defined] # Spark's stubs lack it
    return valued(*_GIVEN)  # type: ignore[no-any-return]


def _unify_batch(
    events: pa.Table, ids: pa.Table, rates: Rates, cancelled: Rows | None, of_orders: Rows | None
) -> pa.Table:
    keys = visitor_keys(identifier_sets(events[c.IDENTIFIERS].combine_chunks()))
    whole = cast("pa.Table", _with_orders(events.append_column(c.RECORD_KEY, keys), cancelled, of_orders))
    if of_orders is not None:
        own, later = (as_array(whole[it]).cast(LINES) for it in (c.LINES, _LATER_LINES))
        whole = with_array(whole, c.LINES, pc.coalesce(own, later))
    worth = find_worth(whole.select(_GIVEN), rates)
    for number, field in enumerate(WORTH):
        whole = with_array(whole, field.name, worth.field(number))
    return cast("pa.Table", join_left(whole, c.RECORD_KEY, ids))


def _with_orders(events: Rows, cancelled: Rows | None, of_orders: Rows | None) -> Rows:
    """Mark the events of cancelled orders, and add the lines that came from elsewhere."""
    whole = events if of_orders is None else join_left(events, c.LINES_KEY, of_orders)
    if cancelled is None:
        return with_values(whole, {_CANCELLED: False})
    return join_left(whole, c.ORDER_KEY, with_values(cancelled, {_CANCELLED: True}))


def _collect_lines(order_lines: OrderLines) -> Rows:
    """Gather lines of a source of their own by order, in order of their ids; longer numbers come later."""
    lines = order_lines.rows.select(list(LINE_COLUMNS))
    return map_groups([lines], c.ORDER_KEY, _lines_of_orders, _OF_ORDERS, row_count=order_lines.count)


def _lines_of_orders(lines: pa.Table) -> pa.Table:
    length = pc.fill_null(pc.utf8_length(lines[c.LINE_ID]), -1)
    placed = lines.append_column("length", length)
    order = [(name, "ascending") for name in (c.ORDER_KEY, "length", c.LINE_ID, c.LINE_KEY)]
    ordered = placed.take(pc.sort_indices(placed, sort_keys=order)).combine_chunks()
    keys = ordered[c.ORDER_KEY].combine_chunks()
    starts = group_starts(ordered, (c.ORDER_KEY,))
    values = {c.PRODUCT_ID: c.PRODUCT_ID, c.CATEGORY: c.CATEGORY, c.QUANTITY: c.QUANTITY, c.VALUE: c.VALUE_GIVEN}
    columns = [ordered[values[it.name]].combine_chunks().cast(it.type) for it in LINES.value_type]
    items = pa.StructArray.from_arrays(columns, fields=list(LINES.value_type))
    offsets = pa.array(np.append(starts, ordered.num_rows), pa.int32())
    lists = pa.ListArray.from_arrays(offsets, items, type=LINES)
    return pa.Table.from_arrays([keys.take(pa.array(starts)), lists], schema=_OF_ORDERS)
