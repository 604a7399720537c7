"""Orders whose rows are their lines: one purchase, whatever counts purchases.

1. A source may deliver an order as several rows: it names the `order_id`, and its events are identified by more than
   that id and what happened.
2. The purchases of one order and currency are one, under the first row's key, time and visitor. It is worth the sum,
   and its lines are the rows. Rows of a negative value or quantity are returns, and stay events of their own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from cdp_spark import columns as c
from cdp_spark.events.worth import AMOUNT, LINES
from cdp_spark.groups import group_numbers, group_starts
from cdp_spark.normalise.amounts import MAX_AMOUNT
from cdp_spark.normalise.batches import as_array
from cdp_spark.normalise.event_types import PURCHASE
from cdp_spark.tables.catalog import SOURCE_EVENTS
from cdp_spark.tables.rows import field_of, is_given, map_groups, with_array

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    from cdp_spark.config.events import EventFields
    from cdp_spark.config.source import SourceConfig
    from cdp_spark.tables.rows import Rows

_ORDER = (c.ORDER_KEY, c.CURRENCY, c.OCCURRED_AT, c.EVENT_KEY)
_NOTHING = Decimal(0)
_PLACES = 4
"""Decimal places of a quantity."""


def find_sources_of_rows(sources: Iterable[SourceConfig]) -> tuple[str, ...]:
    """Name the sources that may deliver an order as several rows."""
    return tuple(sorted(it.name for it in sources if it.events and _may_repeat(it.events)))


def _may_repeat(events: EventFields) -> bool:
    named = {events.order_id, *events.event_type.from_}
    return events.order_id is not None and not (events.event_id and named.issuperset(events.event_id))


def split_orders(events: Rows, sources: Collection[str]) -> tuple[Rows, Rows]:
    """Part the rows of orders from all other events.

    Args:
        events: rows of `source_events`.
        sources: from `find_sources_of_rows`.
    Returns: rows of orders, others.
    """
    is_row = field_of(events, c.SOURCE).isin(list(sources)) & (field_of(events, c.EVENT_TYPE) == PURCHASE)
    is_row &= is_given(events, c.ORDER_KEY)
    for name in (c.VALUE_GIVEN, c.QUANTITY):
        is_row &= ~is_given(events, name) | (field_of(events, name) >= _NOTHING)
    return events.filter(is_row), events.filter(~is_row)


def unite_orders(rows: Rows, *, row_count: int) -> Rows:
    """Make one purchase of the rows of each order.

    Args:
        rows: from `split_orders`, with all rows of an order or none.
        row_count: of them at most, about.
    Returns: the same columns, one row per order and currency.
    """
    names = rows.columns if isinstance(rows, DataFrame) else rows.column_names
    return map_groups([rows], c.ORDER_KEY, _unite, SOURCE_EVENTS.fetched_schema(names), row_count=row_count)


def _unite(rows: pa.Table) -> pa.Table:
    """The rows of one order follow each other; what is made of them stands in the place of the first."""
    if not rows.num_rows:
        return rows
    ordered = rows.take(pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in _ORDER])).combine_chunks()
    starts = group_starts(ordered, (c.ORDER_KEY, c.CURRENCY))
    firsts = ordered.take(pa.array(starts))
    sizes = np.diff(np.append(starts, ordered.num_rows))
    made = {
        c.VALUE_GIVEN: _sums_of_values(ordered[c.VALUE_GIVEN].combine_chunks(), starts),
        c.QUANTITY: _sums_of_quantities(ordered[c.QUANTITY].combine_chunks(), starts),
        c.LINES: _collect_lines(ordered, starts),
        **{name: _same(ordered[name].combine_chunks(), starts, sizes) for name in (c.PRODUCT_ID, c.CATEGORY)},
    }
    for name, values in made.items():
        own = as_array(firsts[name]).cast(values.type)
        firsts = with_array(firsts, name, pc.if_else(pa.array(sizes > 1), values, own))
    return firsts.cast(rows.schema)


def _sums_of_values(values: pa.Array, starts: NDArray[np.int64]) -> pa.Array:
    """The sum where all rows have a value, and it is not beyond what an amount can be."""
    orders = pa.table({"order": group_numbers(starts, len(values)), "value": values, "is_missing": values.is_null()})
    sums = orders.group_by("order", use_threads=False).aggregate([("value", "sum"), ("is_missing", "any")])
    is_known = pc.invert(sums["is_missing_any"])
    is_known = pc.and_(is_known, pc.less(pc.fill_null(sums["value_sum"], 0), MAX_AMOUNT))
    return pc.if_else(is_known, sums["value_sum"], None).combine_chunks().cast(AMOUNT)


def _sums_of_quantities(quantities: pa.Array, starts: NDArray[np.int64]) -> pa.Array:
    given = np.asarray(quantities.is_valid())
    sums = np.add.reduceat(np.asarray(pc.fill_null(quantities, 0.0)), starts).round(_PLACES)
    return pa.array(sums, mask=~np.logical_or.reduceat(given, starts))


def _same(values: pa.Array, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> pa.Array:
    """The value that all rows of an order have; null where they differ."""
    codes = np.asarray(values.dictionary_encode(null_encoding="encode").indices)
    differs = np.logical_or.reduceat(codes != np.repeat(codes[starts], sizes), starts)
    return pc.if_else(pa.array(differs), None, values.take(pa.array(starts)))


def _collect_lines(ordered: pa.Table, starts: NDArray[np.int64]) -> pa.Array:
    """A row's lines are those that it has in a column, or itself where it names a product."""
    lists = ordered[c.LINES].combine_chunks().cast(LINES)
    is_line = np.asarray(pc.is_valid(pc.coalesce(ordered[c.PRODUCT_ID], ordered[c.CATEGORY])).combine_chunks())
    has_lists = np.asarray(lists.is_valid())
    sizes = np.where(has_lists, np.asarray(pc.fill_null(pc.list_value_length(lists), 0)), is_line)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    items = pa.concat_arrays([lists.flatten(), _own_lines(ordered)])
    is_of_list = np.repeat(has_lists, sizes)
    places = np.empty(ends[-1], np.int64)
    places[is_of_list] = np.arange(is_of_list.sum())
    places[~is_of_list] = is_of_list.sum() + np.repeat(np.arange(len(sizes)), sizes)[~is_of_list]
    offsets = ends[np.append(starts, ordered.num_rows)]
    is_empty = np.append(offsets[1:] == offsets[:-1], [False])
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32(), mask=is_empty), items.take(pa.array(places)), type=LINES
    )


def _own_lines(ordered: pa.Table) -> pa.Array:
    pieces = pc.fill_null(ordered[c.QUANTITY], 1.0)
    values = (ordered[c.PRODUCT_ID], ordered[c.CATEGORY], pieces, ordered[c.VALUE_GIVEN])
    fields = list(LINES.value_type)
    arrays = [as_array(it).cast(field.type) for it, field in zip(values, fields, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=fields)
