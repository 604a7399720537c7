"""Whole profiles' events, where the rules want them: few on the driver, many in Spark's tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.limits import EVENTS_A_PROFILE, GATHERED_ROWS
from cdp_spark.normalise.text import plural
from cdp_spark.tables.catalog import UNIFIED_EVENTS
from cdp_spark.tables.increments.basis import empty_tables
from cdp_spark.tables.increments.difference import read_changed
from cdp_spark.tables.increments.keys import count_keys, rows_among
from cdp_spark.tables.rows import as_table, is_given
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.tables.increments.keys import Keys
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec

_PLACE = "place"


@dataclass(frozen=True)
class Histories:
    """Events of whole profiles.

    Args:
        rows: on the driver where they are few.
        count: of them.
        capped: profiles with more events than count, of which the newest are here.
    """

    rows: Rows
    count: int
    capped: int


def read_histories(events: Rows, affected: Keys | None, *, most: int = EVENTS_A_PROFILE) -> Histories:
    """Take the newest events of each profile (an action, of a frame).

    Args:
        events: `unified_id`, `occurred_at_utc`, `event_key` and others; without a unified id they are left out.
        affected: the profiles; None for all.
        most: events of a profile.
    """
    owned = events.filter(is_given(events, c.UNIFIED_ID))
    chosen = owned if affected is None else rows_among(owned, c.UNIFIED_ID, affected)
    if not isinstance(chosen, DataFrame):
        return _newest_on_driver(chosen, most)
    sizes = chosen.groupBy(c.UNIFIED_ID).agg(F.count(F.lit(1)).alias(c.EVENTS))
    is_large = F.col(c.EVENTS) > most
    counted = F.sum(F.least(c.EVENTS, F.lit(most))).alias("rows")
    row = sizes.agg(counted, F.count_if(is_large).alias("capped")).collect()[0]
    count, capped = int(row["rows"] or 0), int(row["capped"])
    rows = _newest(chosen, sizes.where(is_large).select(c.UNIFIED_ID), most) if capped else chosen
    return Histories(as_table(rows) if count <= GATHERED_ROWS else rows, count, capped)


def _newest_on_driver(events: pa.Table, most: int) -> Histories:
    counts = events[c.UNIFIED_ID].value_counts()
    large = counts.field("values").filter(pc.greater(counts.field("counts"), most))
    if not len(large):
        return Histories(events, events.num_rows, 0)
    is_large = pc.is_in(events[c.UNIFIED_ID], value_set=large)
    order = [(c.UNIFIED_ID, "ascending"), (c.OCCURRED_AT, "descending"), (c.EVENT_KEY, "descending")]
    of_large = events.filter(is_large).sort_by(order)
    ids = of_large[c.UNIFIED_ID].combine_chunks().dictionary_encode().indices.to_numpy()
    place = np.arange(len(ids)) - np.searchsorted(ids, ids)  # ids are numbered in the order in which they come
    rows = pa.concat_tables([events.filter(pc.invert(is_large)), of_large.filter(pa.array(place < most))])
    return Histories(rows, rows.num_rows, len(large))


def _newest(events: DataFrame, large: DataFrame, most: int) -> DataFrame:
    """The events of large profiles up to a number, and those of all others."""
    large = F.broadcast(large)
    newest_first = Window.partitionBy(c.UNIFIED_ID).orderBy(F.desc(c.OCCURRED_AT), F.desc(c.EVENT_KEY))
    of_large = events.join(large, on=c.UNIFIED_ID, how="left_semi").withColumn(
        _PLACE, F.row_number().over(newest_first)
    )
    newest = of_large.where(F.col(_PLACE) <= most).drop(_PLACE)
    return events.join(large, on=c.UNIFIED_ID, how="left_anti").unionByName(newest)


def find_changed_profiles(context: RunContext, columns: Sequence[str]) -> DataFrame:
    """The profiles with new, changed, moved or lost events since the stage's basis.

    Args:
        context: of a stage with a basis.
        columns: of the events, whose values count.
    Returns: unified_id, each once.
    """
    changed = read_changed(context, UNIFIED_EVENTS, key=(c.UNIFIED_ID,), columns=columns)
    return changed.where(F.col(c.UNIFIED_ID).isNotNull())


def extent(affected: Keys | None, capped: int, *, most: int = EVENTS_A_PROFILE) -> str:
    """Say what a stage worked on."""
    told = (
        "full"
        if affected is None
        else f"incremental: {plural(count_keys(affected), 'profile')} with new or changed events"
    )
    return f"{told}; {plural(capped, 'profile')} capped at their newest {most:,} events" if capped else told


def not_configured(context: RunContext, specs: Sequence[TableSpec]) -> StageResult:
    """Report that nothing is configured; what an earlier configuration made is emptied."""
    return StageResult(empty_tables(context, specs), detail="not configured")
