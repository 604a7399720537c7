"""Ids that may come back: a merge undone, a person who left and returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.terms import ERASED, ERASURE, LIVE, REMOVED, VISITOR

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_HOME = "home_overlap"
_PARTS = "parts"
_RETURNING = "returning_id"


def build_former_holders(id_changes: DataFrame, id_registry: DataFrame) -> DataFrame:
    """Find who held an id that is gone: at the time when it was merged or closed, or when the record was removed.

    No id of somebody who was erased returns, and none returns to their records.

    Returns:
        one row per (record_key, unified_id) with the id's created and closed release.
    """
    gone = id_registry.where((F.col(c.STATUS) != LIVE) & (F.col(c.CAUSE) != ERASURE)).select(
        F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID), c.CREATED_RELEASE, c.CLOSED_RELEASE
    )
    at_its_end = F.col(c.RELEASE) == F.col(c.CLOSED_RELEASE)
    erased = F.broadcast(id_changes.where(F.col(c.CHANGE) == ERASED).select(c.RECORD_KEY).distinct())
    return (
        id_changes.where(F.col(c.PREVIOUS_ID).isNotNull())
        .join(erased, on=c.RECORD_KEY, how="left_anti")
        .select(c.RECORD_KEY, c.ENTITY_TYPE, c.PREVIOUS_ID, c.RELEASE, c.CHANGE)
        .join(gone, on=c.PREVIOUS_ID, how="inner")
        .where(at_its_end | (F.col(c.CHANGE) == REMOVED))
        .select(
            c.RECORD_KEY, c.ENTITY_TYPE, F.col(c.PREVIOUS_ID).alias(c.UNIFIED_ID), c.CREATED_RELEASE, c.CLOSED_RELEASE
        )
        .distinct()
    )


def build_returns(members: DataFrame, former_holders: DataFrame) -> DataFrame:
    """Offer an id that is gone to the cluster where most of its former holders are now.

    A cluster is offered one such id: that of most of its records; of several, the one that was closed first, so that
    a chain of merges comes apart from the inside.

    Returns:
        one row per (first_key, unified_id, previous_id): the former holders that are in the cluster
        (`record_overlap`, `of_visitors` where all are visitors), and those of them that held `previous_id` yesterday
        (`home_overlap`).
    """
    cluster = Window.partitionBy(c.UNIFIED_ID, c.FIRST_KEY)
    most = F.max(c.RECORD_OVERLAP).over(Window.partitionBy(c.UNIFIED_ID))
    best_first = (F.desc(c.RECORD_OVERLAP), c.CLOSED_RELEASE, c.CREATED_RELEASE, c.UNIFIED_ID)
    return (
        members.select(c.RECORD_KEY, c.ENTITY_TYPE, c.FIRST_KEY, c.PREVIOUS_ID)
        .join(former_holders, on=[c.RECORD_KEY, c.ENTITY_TYPE], how="inner")
        .groupBy(c.FIRST_KEY, c.UNIFIED_ID, c.PREVIOUS_ID, c.CREATED_RELEASE, c.CLOSED_RELEASE)
        .agg(F.count(F.lit(1)).alias(_HOME), F.every(F.col(c.ENTITY_TYPE) == VISITOR).alias(c.OF_VISITORS))
        .withColumn(c.RECORD_OVERLAP, F.sum(_HOME).over(cluster))
        .withColumn(c.OF_VISITORS, F.every(c.OF_VISITORS).over(cluster))
        .withColumn("most", most)
        .where(F.col(c.RECORD_OVERLAP) == F.col("most"))
        .withColumn("place", F.dense_rank().over(Window.partitionBy(c.FIRST_KEY).orderBy(*best_first)))
        .where(F.col("place") == 1)
        .select(c.FIRST_KEY, c.UNIFIED_ID, c.PREVIOUS_ID, c.RECORD_OVERLAP, c.OF_VISITORS, _HOME)
    )


def build_undone_merges(overlaps: DataFrame, returns: DataFrame) -> DataFrame:
    """Find the parts of a split id that came to it by a merge, where another part did not.

    A part came by a merge when more than half of its records of the split id held the merged id before.

    Returns:
        one row per (first_key, unified_id): the split id, with the id that the part gets back (`returning_id`).
    """
    split = overlaps.where(c.CONTESTED).withColumn(_PARTS, F.count(F.lit(1)).over(Window.partitionBy(c.UNIFIED_ID)))
    home = returns.select(
        c.FIRST_KEY, F.col(c.PREVIOUS_ID).alias(c.UNIFIED_ID), F.col(c.UNIFIED_ID).alias(_RETURNING), _HOME
    )
    came_by_merge = split.join(home, on=[c.FIRST_KEY, c.UNIFIED_ID], how="inner").where(
        2 * F.col(_HOME) > F.col(c.RECORD_OVERLAP)
    )
    returning_parts = F.count(F.lit(1)).over(Window.partitionBy(c.UNIFIED_ID))
    return (
        came_by_merge.withColumn("returning_parts", returning_parts)
        .where(F.col("returning_parts") < F.col(_PARTS))
        .select(c.FIRST_KEY, c.UNIFIED_ID, _RETURNING)
    )


def build_candidates(overlaps: DataFrame, returns: DataFrame) -> DataFrame:
    """Put the ids that a cluster could bear into tiers; a lower tier is served first.

    0: an id of yesterday, or the id that an undone merge gives back; 1: an id of yesterday, for the part that an
    undone merge takes away from it; 2: any other id that is gone. Clusters and ids that are settled are left out.

    Returns:
        one row per (first_key, unified_id) with `tier`, `record_overlap` and `of_visitors`.
    """
    undone = build_undone_merges(overlaps, returns)
    pair, shared = [c.FIRST_KEY, c.UNIFIED_ID], (c.RECORD_OVERLAP, c.OF_VISITORS)
    live = (
        overlaps.where(c.CONTESTED)
        .join(undone.select(*pair, _RETURNING), on=pair, how="left")
        .select(*pair, F.when(F.col(_RETURNING).isNull(), 0).otherwise(1).alias(c.TIER), *shared)
    )
    given_back = undone.select(c.FIRST_KEY, F.col(_RETURNING).alias(c.UNIFIED_ID), F.lit(0).alias(c.TIER)).distinct()
    settled = overlaps.where(~F.col(c.CONTESTED)).select(c.FIRST_KEY)
    gone = (
        returns.select(*pair, *shared)
        .distinct()
        .join(settled, on=c.FIRST_KEY, how="left_anti")
        .join(given_back, on=pair, how="left")
        .select(*pair, F.coalesce(c.TIER, F.lit(2)).alias(c.TIER), *shared)
    )
    return live.unionByName(gone)
