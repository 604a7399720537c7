"""What people looked at or put into a cart, and did not buy since.

1. An event is about a product, or a category: its own, and those of its lines.
2. A purchase settles all that came before it, and so does taking something out of the cart for the cart.
3. What was seen often enough since, within the days that count, is abandoned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.behaviour.journeys import UTC
from cdp_spark.groups import group_starts

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from cdp_spark.config.insights.behaviour import AbandonmentConfig

ABANDONED_ROWS = pa.schema(
    [
        (c.UNIFIED_ID, pa.string()),
        (c.KIND, pa.string()),
        (c.PRODUCT_ID, pa.string()),
        (c.CATEGORY, pa.string()),
        (c.TIMES, pa.int64()),
        (c.LAST_SEEN_AT, UTC),
        (c.VALUE, pa.decimal128(18, 4)),
    ]
)
_ABOUT = [c.UNIFIED_ID, c.EVENT_TYPE, c.OCCURRED_AT, c.EVENT_KEY, c.PRODUCT_ID, c.CATEGORY, c.VALUE]
_SETTLED = "settled_at"


@dataclass(frozen=True)
class Kind:
    """A way to leave something behind.

    Args:
        name: browse or cart.
        seen: event types that are it.
        settled: event types that end it.
        times: from which on it counts.
        since: events from this time on count.
    """

    name: str
    seen: tuple[str, ...]
    settled: tuple[str, ...]
    times: int
    since: datetime


def find_abandoned(events: pa.Table, kinds: tuple[Kind, ...], *, by: str, until: datetime) -> pa.Table:
    """Find what profiles left behind.

    Args:
        events: `unified_id`, `event_type`, `occurred_at_utc`, `event_key`, `product_id`, `category`, `value`, `lines`,
            in any order; whole profiles, from the earliest time that counts on.
        kinds: of leaving.
        by: `product_id` or `category`; an event without it is about nothing.
        until: clock of the run; later events do not count.
    Returns: ABANDONED_ROWS, by profile, kind and what it is about; by category without a product. The category and the
        value are those of the newest event that says them.
    """
    about = _things(events.filter(pc.less_equal(events[c.OCCURRED_AT].cast(UTC), pa.scalar(until, UTC))), by)
    parts = [_abandoned(about, kind, by) for kind in kinds]
    found = pa.concat_tables([ABANDONED_ROWS.empty_table(), *parts])
    return found.sort_by([(name, "ascending") for name in (c.UNIFIED_ID, c.KIND, by)])


def settles(config: AbandonmentConfig) -> dict[str, tuple[str, ...]]:
    """The event types that end each kind."""
    removed = config.cart.removed if config.cart else ()
    return {"browse": config.purchases, "cart": (*config.purchases, *removed)}


def _things(events: pa.Table, by: str) -> pa.Table:
    """One row an event and thing: of the event itself, and of each of its lines."""
    own = events.select(_ABOUT)
    lines = events[c.LINES].combine_chunks()
    rows, line = pc.list_parent_indices(lines), pc.list_flatten(lines)
    of_lines = {name: events[name].take(rows) for name in _ABOUT}
    if events.num_rows:
        of_lines |= {name: pc.struct_field(line, name).cast(own[name].type) for name in (c.PRODUCT_ID, c.CATEGORY)}
        of_lines[c.VALUE] = pc.struct_field(line, c.VALUE).cast(own[c.VALUE].type)
    both = pa.concat_tables([own, pa.table(of_lines).select(_ABOUT).cast(own.schema)])
    things = both.filter(pc.is_valid(both[by]))
    return (
        things.group_by([*_ABOUT[:4], by])
        .aggregate([(name, "max") for name in _ABOUT[4:] if name != by])
        .rename_columns(_ABOUT[:4] + [by] + [name for name in _ABOUT[4:] if name != by])
    )


def _abandoned(things: pa.Table, kind: Kind, by: str) -> pa.Table:
    of_type = things[c.EVENT_TYPE]
    seen = things.filter(pc.and_(pc.is_in(of_type, pa.array(kind.seen)), _since(things, kind)))
    settled = things.filter(pc.is_in(of_type, pa.array(kind.settled, pa.string())))
    last = settled.group_by([c.UNIFIED_ID, by]).aggregate([(c.OCCURRED_AT, "max")])
    last = last.rename_columns([c.UNIFIED_ID, by, _SETTLED])
    joined = seen.join(last, keys=[c.UNIFIED_ID, by], join_type="left outer")
    open_ = joined.filter(pc.fill_null(pc.greater(joined[c.OCCURRED_AT], joined[_SETTLED]), True))
    open_ = open_.sort_by([(name, "ascending") for name in (c.UNIFIED_ID, by, c.OCCURRED_AT, c.EVENT_KEY)])
    return _rows(open_.combine_chunks(), kind, by)


def _rows(open_: pa.Table, kind: Kind, by: str) -> pa.Table:
    """One row a profile and thing that was seen often enough, of events in the order of both and time."""
    starts = group_starts(open_, [c.UNIFIED_ID, by])
    ends = np.append(starts[1:], open_.num_rows)[: len(starts)]
    often = ends - starts >= kind.times
    starts, ends, number = starts[often], ends[often], int(often.sum())
    last = open_.take(pa.array(ends - 1))
    columns = {
        c.UNIFIED_ID: last[c.UNIFIED_ID],
        c.KIND: pa.repeat(kind.name, number),
        c.PRODUCT_ID: last[by] if by == c.PRODUCT_ID else pa.nulls(number, pa.string()),
        c.CATEGORY: _newest(open_, c.CATEGORY, starts, ends),
        c.TIMES: ends - starts,
        c.LAST_SEEN_AT: last[c.OCCURRED_AT],
        c.VALUE: _newest(open_, c.VALUE, starts, ends),
    }
    return pa.table(columns).cast(ABANDONED_ROWS)


def _newest(rows: pa.Table, name: str, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.ChunkedArray:
    """The last value of each group that is not null."""
    valid = rows[name].is_valid().to_numpy()
    latest = np.maximum.accumulate(np.where(valid, np.arange(len(valid)), -1)) if len(valid) else np.empty(0, np.int64)
    found = latest[ends - 1]
    return rows[name].take(pa.array(found, mask=found < starts))


def _since(things: pa.Table, kind: Kind) -> pa.ChunkedArray:
    return pc.greater_equal(things[c.OCCURRED_AT].cast(UTC), pa.scalar(kind.since, UTC))
