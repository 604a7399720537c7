"""Which clusters other values change, and which changed."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c

PREVIOUS_CLUSTER = "previous_cluster"
_VALUE = [c.TYPE, c.VALUE_HASH]
_HELD = [c.RECORD_KEY, *_VALUE]


def find_changed_values(now: pa.Table, before: pa.Table) -> pa.Table:
    """Find who has, or had, a value of which the holders changed since the previous run.

    Args:
        now: record_key, type, value_hash of usable identifiers that join records or keep them apart; all of a value.
        before: the same of the previous run.
    Returns: record_key, once for each value.
    """
    either = pa.concat_tables([rows.group_by(_HELD).aggregate([]) for rows in (now, before)])
    held = either.group_by(_HELD).aggregate([([], "count_all")])
    changed = held.filter(pc.equal(held["count_all"], 1)).group_by(_VALUE).aggregate([])
    return held.join(changed, keys=_VALUE, join_type="left semi").select([c.RECORD_KEY])


def find_reclustered(now: pa.Table, before: pa.Table) -> pa.Table:
    """Find the records of the clusters that have other members than in the previous run.

    Args:
        now: record_key, cluster (its smallest record_key) of the affected records that are there.
        before: record_key, previous_cluster of all affected records; null for a new one.
    Returns: record_key, of records that are gone, too.
    """
    place = pc.index_in(before[c.RECORD_KEY], value_set=now[c.RECORD_KEY].combine_chunks())
    cluster, last = now[c.CLUSTER].take(place), before[PREVIOUS_CLUSTER]
    stayed = pc.fill_null(pc.equal(cluster, last), False)
    moved = pc.invert(pc.or_(stayed, pc.and_(pc.is_null(cluster), pc.is_null(last))))
    changed = pa.chunked_array([*cluster.filter(moved).chunks, *last.filter(moved).chunks], pa.string())
    named = pc.drop_null(changed.unique())
    either = pc.or_(pc.is_in(cluster, value_set=named), pc.is_in(last, value_set=named))
    return before.select([c.RECORD_KEY]).filter(either)
