"""Events of people where they are wanted: on the driver where they are few, else in a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.tables.catalog import PROFILES, UNIFIED_EVENTS
from cdp_spark.tables.increments.serving import count_rows_at_most
from cdp_spark.tables.rows import as_table, map_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.store import Store

EVENT_COLUMNS = (c.UNIFIED_ID, c.EVENT_TYPE, c.OCCURRED_AT, c.CATEGORY, c.VALUE)


def read_people_events(
    store: Store, *, until: datetime, event_types: Sequence[str] | None, people: CountedFrame | None = None
) -> Rows:
    """Read the events of profiles, with their entity type.

    Args:
        store: the warehouse.
        until: later events are left out.
        event_types: that are wanted; None for all.
        people: unified_id of those that are wanted; None for all.
    """
    few = people is None and count_rows_at_most(store, UNIFIED_EVENTS) <= limits.EVENTS_ON_DRIVER
    events = read_events(store, EVENT_COLUMNS, until=until, event_types=event_types, few=few)
    if not isinstance(events, DataFrame):
        return _with_kinds(store, events)
    if people is not None:
        events = events.join(people.joinable, on=c.UNIFIED_ID, how="left_semi")
    kinds = store.read(PROFILES).select(c.UNIFIED_ID, c.ENTITY_TYPE)
    return events.join(kinds, on=c.UNIFIED_ID, how="inner")


def apply_to_people(events: Rows, rule: Callable[[pa.Table], pa.Table], schema: pa.Schema, *, row_count: int) -> Rows:
    """Apply a rule to the events of whole people.

    Args:
        events: of people.
        rule: takes their events and gives rows of the schema.
        schema: of what it gives.
        row_count: of the events, about.
    """
    return map_groups([events], c.UNIFIED_ID, rule, schema, row_count=row_count)


def count_occurring(events: Rows) -> tuple[pa.Table, datetime | None]:
    """Count the events of each type and category, and those with a value; and find the first time (an action).

    Args:
        events: of people.
    """
    keys, first = [c.EVENT_TYPE, c.CATEGORY], "first"
    names = [*keys, c.EVENTS, c.VALUE, first]
    if isinstance(events, DataFrame):
        counts = [
            F.count(F.lit(1)).alias(c.EVENTS),
            F.count(c.VALUE).alias("valued"),
            F.min(c.OCCURRED_AT).alias(first),
        ]
        table = as_table(events.groupBy(*keys).agg(*counts))
    else:
        figures = [(c.UNIFIED_ID, "count"), (c.VALUE, "count"), (c.OCCURRED_AT, "min")]
        table = events.group_by(keys).aggregate(figures)
    table = table.rename_columns(names)
    return table, pc.min(table[first]).as_py()


def count_people(events: Rows) -> int:
    """Count the people who have an event (an action)."""
    if isinstance(events, DataFrame):
        return events.select(c.UNIFIED_ID).distinct().count()
    return len(pc.unique(events[c.UNIFIED_ID]))


def read_events(
    store: Store, columns: Sequence[str], *, until: datetime, event_types: Sequence[str] | None, few: bool
) -> Rows:
    """Read the events that have a profile.

    Args:
        store: the warehouse.
        columns: that are wanted, `unified_id` and `occurred_at_utc` among them.
        until: later events are left out.
        event_types: that are wanted; None for all.
        few: bring them to the driver.
    """
    if few:
        only = None if event_types is None else {c.EVENT_TYPE: pa.array(list(event_types), pa.string())}
        found = store.fetch(UNIFIED_EVENTS, columns, only=only)
        early = pc.less_equal(found[c.OCCURRED_AT], pa.scalar(until, found[c.OCCURRED_AT].type))
        return found.filter(pc.and_(early, found[c.UNIFIED_ID].is_valid()))
    events = store.read(UNIFIED_EVENTS).where((F.col(c.OCCURRED_AT) <= F.lit(until)) & F.col(c.UNIFIED_ID).isNotNull())
    if event_types is not None:
        events = events.where(F.col(c.EVENT_TYPE).isin(*event_types))
    return events.select(*columns)


def _with_kinds(store: Store, events: pa.Table) -> pa.Table:
    """Put the entity type beside events on the driver; those without a profile are left out."""
    kinds = store.fetch(PROFILES, (c.UNIFIED_ID, c.ENTITY_TYPE)).combine_chunks()
    place = pc.index_in(events[c.UNIFIED_ID], value_set=kinds[c.UNIFIED_ID].combine_chunks(), skip_nulls=True)
    return (
        events.append_column(c.ENTITY_TYPE, kinds[c.ENTITY_TYPE].take(place)).filter(place.is_valid()).combine_chunks()
    )
