"""Records whose ids a change elsewhere can move."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.terms import ERASED, ERASURE, LIVE, REMOVED, VISITOR
from cdp_spark.tables.rows import rows_with, rows_without, unite_texts


def build_former_holders(id_changes: pa.Table, id_registry: pa.Table) -> pa.Table:
    """Find who held an id that is gone: at the time when it was merged or closed, or when the record was removed.

    No id of somebody who was erased returns, and none returns to their records.

    Args:
        id_changes: release, record_key, entity_type, previous_id, change; at least those of ids that are gone.
        id_registry: at least the ids that are gone.

    Returns:
        one row per (record_key, unified_id) with the id's created and closed release.
    """
    is_gone = (pc.field(c.STATUS) != LIVE) & (pc.field(c.CAUSE) != ERASURE)
    of_id = id_registry.filter(is_gone).select([c.UNIFIED_ID, c.CREATED_RELEASE, c.CLOSED_RELEASE])
    left = id_changes.select([c.RELEASE, c.RECORD_KEY, c.ENTITY_TYPE, c.PREVIOUS_ID, c.CHANGE])
    erased = left.filter(pc.field(c.CHANGE) == ERASED)[c.RECORD_KEY].combine_chunks()
    left = rows_without(left, c.RECORD_KEY, erased)
    lost = left.join(of_id, keys=c.PREVIOUS_ID, right_keys=c.UNIFIED_ID, join_type="inner")
    at_its_end = pc.field(c.RELEASE) == pc.field(c.CLOSED_RELEASE)
    held = lost.filter(at_its_end | (pc.field(c.CHANGE) == REMOVED)).rename_columns({c.PREVIOUS_ID: c.UNIFIED_ID})
    names = [c.RECORD_KEY, c.ENTITY_TYPE, c.UNIFIED_ID, c.CREATED_RELEASE, c.CLOSED_RELEASE]
    return held.group_by(names).aggregate([]).select(names)


def with_moved_visitors(reclustered: pa.Array, clusters: pa.Table, last_clusters: pa.Table) -> pa.Array:
    """Add the visitors that are in another cluster than before, and whoever is, or was, with them or with the others.

    Args:
        reclustered: record_key of records of people and accounts.
        clusters: of tonight: record_key, entity_type, cluster.
        last_clusters: likewise, of when ids were assigned last.
    Returns: each record_key once.
    """
    either = pa.concat_tables([clusters, last_clusters], promote_options="default")
    places = either.filter(pc.field(c.ENTITY_TYPE) == VISITOR).group_by([c.RECORD_KEY, c.CLUSTER])
    moved = places.aggregate([([], "count_all")]).filter(pc.field("count_all") == 1)[c.CLUSTER]
    of_people = rows_with(either, c.RECORD_KEY, reclustered)[c.CLUSTER]
    mates = rows_with(either, c.CLUSTER, unite_texts(moved, of_people))[c.RECORD_KEY]
    return unite_texts(mates, reclustered)


def with_returning(affected: pa.Array, former_holders: pa.Table, clusters: pa.Table) -> pa.Array:
    """Add the clusters to which an id may return that an affected record once had.

    Where such an id goes is decided among all its former holders, so their clusters have to be known, too; their own
    ids do not change.

    Args:
        affected: record_key of the records of whole clusters.
        former_holders: record_key, unified_id: who held an id that is gone.
        clusters: of tonight: record_key, cluster.
    Returns: each record_key once.
    """
    ids = rows_with(former_holders, c.RECORD_KEY, affected)[c.UNIFIED_ID].unique()
    others = rows_without(rows_with(former_holders, c.UNIFIED_ID, ids), c.RECORD_KEY, affected)[c.RECORD_KEY]
    if not len(others):
        return affected.unique()
    of_others = rows_with(clusters, c.RECORD_KEY, others.unique())[c.CLUSTER].unique()
    return unite_texts(rows_with(clusters, c.CLUSTER, of_others)[c.RECORD_KEY], affected)
