"""Which components a night's changes can alter, found in Arrow memory; what `increment` finds in Spark."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.clustering.increment import LAST_CLUSTER
from cdp_spark.tables.rows import rows_with, unite_texts

_VALUE = [c.TYPE, c.VALUE_HASH]


def find_affected(touched: pa.Array, last_clusters: pa.Table) -> pa.Table:
    """What `build_affected` gives.

    Args:
        touched: record keys, each once, shape (touched,).
        last_clusters: record_key, component, cluster.
    """
    components = rows_with(last_clusters, c.RECORD_KEY, touched)[c.COMPONENT].unique()
    mates = rows_with(last_clusters, c.COMPONENT, components)
    new = touched.filter(pc.invert(pc.is_in(touched, value_set=mates[c.RECORD_KEY])))
    keys = pa.chunked_array([*mates[c.RECORD_KEY].chunks, new], pa.string())
    clusters = pa.chunked_array([*mates[c.CLUSTER].chunks, pa.nulls(len(new), pa.string())], pa.string())
    return pa.table({c.RECORD_KEY: keys, LAST_CLUSTER: clusters})


def find_reclustered(now: pa.Table, before: pa.Table) -> pa.Table:
    """What `build_reclustered` gives.

    Args:
        now: record_key, cluster (its smallest record_key) of the affected records that are there.
        before: from `find_affected`.
    """
    place = pc.index_in(before[c.RECORD_KEY], value_set=now[c.RECORD_KEY])
    cluster, last = now[c.CLUSTER].take(place), before[LAST_CLUSTER]
    stayed = pc.fill_null(pc.equal(cluster, last), False)
    moved = pc.invert(pc.or_(stayed, pc.and_(pc.is_null(cluster), pc.is_null(last))))
    changed = pc.drop_null(unite_texts(cluster.filter(moved), last.filter(moved)))
    either = pc.or_(pc.is_in(cluster, value_set=changed), pc.is_in(last, value_set=changed))
    return before.select([c.RECORD_KEY]).filter(either)


def find_changed_values(now: pa.Table, before: pa.Table) -> pa.Array:
    """What `build_changed_values` gives.

    Args:
        now: record_key, type, value_hash of tonight's usable identifiers that join records or keep them apart.
        before: the same of the last night.
    """
    key = [c.RECORD_KEY, *_VALUE]
    either = pa.concat_tables([rows.group_by(key).aggregate([]) for rows in (now, before)])
    held = either.group_by(key).aggregate([([], "count_all")])
    changed = held.filter(pc.equal(held["count_all"], 1)).group_by(_VALUE).aggregate([])
    holders = held.join(changed, keys=_VALUE, join_type="left semi")
    return holders[c.RECORD_KEY].unique()
