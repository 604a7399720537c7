"""How the history of traits goes on by one run: a plain rule over Arrow tables of whole people.

1. What the history says of this run's clock and later is forgotten; it is written anew.
2. A span stays open where the value is the same now. It ends now where the value is another, or none.
3. A value that is new, or another than before, opens a span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.traits.finish import TRAIT_VALUES

if TYPE_CHECKING:
    from datetime import datetime

SPANS = TRAIT_VALUES.append(pa.field(c.VALID_FROM, pa.timestamp("us", "UTC"))).append(
    pa.field(c.VALID_TO, pa.timestamp("us", "UTC"))
)
"""Values of traits with the time from which, and until which, they hold; no end where they hold now."""
_COMPARED = (c.DEFINITION_HASH, c.VALUE_NUMBER, c.VALUE_TEXT, c.VALUE_TIME)
_BETWEEN = "\x1f"


def carry_on(values: pa.Table, previous: pa.Table, *, as_of: datetime) -> pa.Table:
    """Carry the history of traits on by one run, as `profile_history` is.

    Args:
        values: rows of TRAIT_VALUES, of all people and traits that were evaluated.
        previous: rows of SPANS of the same, at most one open per unified_id and trait.
        as_of: of the run.
    Returns: rows of SPANS, one per unified_id, trait and valid_from_utc.
    """
    now = pa.scalar(as_of, SPANS.field(c.VALID_FROM).type)
    past, opened = _as_before(previous, now)
    place = pc.index_in(_keys(values), value_set=_keys(opened))
    is_same = _same(values, opened.take(place))
    still = pc.is_in(pa.array(range(opened.num_rows)), value_set=place.filter(is_same))
    kept = _with_end(opened, pc.if_else(still, pa.scalar(None, now.type), now))
    fresh = values.select(TRAIT_VALUES.names).cast(TRAIT_VALUES).filter(pc.invert(is_same))
    begun = fresh.append_column(c.VALID_FROM, pa.repeat(now, fresh.num_rows))
    return pa.concat_tables([past, kept, _with_end(begun, pa.nulls(fresh.num_rows, now.type))])


def _as_before(previous: pa.Table, now: pa.Scalar) -> tuple[pa.Table, pa.Table]:
    """The spans as they were before the clock: those that had ended, and those that were open."""
    spans = previous.select(SPANS.names).cast(SPANS).filter(pc.field(c.VALID_FROM) < now)
    ended = pc.fill_null(pc.less(spans[c.VALID_TO], now), False)
    opened = spans.filter(pc.invert(ended)).drop_columns([c.VALID_TO])
    return spans.filter(ended), opened


def _keys(rows: pa.Table) -> pa.Array:
    keys = pc.binary_join_element_wise(rows[c.UNIFIED_ID], rows[c.TRAIT], _BETWEEN)
    return keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys


def _same(values: pa.Table, before: pa.Table) -> pa.Array:
    """Whether each value is that of the span beside it; a row of nulls stands for no span."""
    same = pc.and_(before[c.UNIFIED_ID].is_valid(), _equal(_joined(values), _joined(before)))
    for name in _COMPARED:
        same = pc.and_(same, _equal(values[name], before[name]))
    return same.combine_chunks()


def _joined(rows: pa.Table) -> pa.ChunkedArray:
    """Each list as one text that begins with its length."""
    lists = rows[c.VALUE_LIST]
    return pc.binary_join_element_wise(
        pc.list_value_length(lists).cast(pa.string()), pc.binary_join(lists, _BETWEEN), _BETWEEN
    )


def _equal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Compare values, of which null equals null."""
    return pc.or_(pc.fill_null(pc.equal(one, other), False), pc.and_(one.is_null(), other.is_null()))


def _with_end(spans: pa.Table, ends: pa.Array) -> pa.Table:
    return spans.append_column(SPANS.field(c.VALID_TO), ends).select(SPANS.names)
