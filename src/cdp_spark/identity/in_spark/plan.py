"""Whose ids a night can change: the records of the clusters that were made anew, and of those that they came from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.in_spark.night import Night, Yesterday
from cdp_spark.identity.in_spark.rules.returns import build_former_holders
from cdp_spark.identity.increment import find_base, has_visitors
from cdp_spark.identity.key_moves import MAX_MOVES, find_key_moves, tell_moves
from cdp_spark.identity.terms import VISITOR
from cdp_spark.tables.actions.held import hold, keep
from cdp_spark.tables.catalog import CLUSTERS, ID_CHANGES, ID_REGISTRY, IDENTIFIERS, UNIFIED_IDS
from cdp_spark.tables.increments.touched import CLUSTERING, read_touched

_NEW = "new_record_key"

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.tables.run import RunContext


def plan_night(context: RunContext) -> Night:
    """Find the records whose ids have to be worked out; all of them where what was made since cannot be told."""
    store = context.store
    yesterday = Yesterday(*[context.read_released(spec) for spec in (UNIFIED_IDS, ID_REGISTRY, ID_CHANGES)])
    clusters, identifiers = store.read(CLUSTERS), store.read(IDENTIFIERS)
    yesterday, told = _with_new_keys(context, yesterday, clusters)
    former_holders = hold(build_former_holders(yesterday.id_changes, yesterday.id_registry))
    reclustered = _read_reclustered(context, clusters)
    if reclustered is None:
        return Night(clusters, yesterday, yesterday.unified_ids, identifiers, former_holders, told=told)
    if former_holders.count:
        reclustered = with_returning(reclustered, former_holders.joinable, clusters)
    affected = hold(reclustered.select(c.RECORD_KEY))
    mine = {
        name: rows.join(affected.joinable, on=c.RECORD_KEY, how="left_semi")
        for name, rows in {"clusters": clusters, "ids": yesterday.unified_ids, "identifiers": identifiers}.items()
    }
    return Night(
        clusters=affected.gather(mine["clusters"]),
        yesterday=replace(yesterday, unified_ids=affected.gather(mine["ids"])),
        released_ids=yesterday.unified_ids,
        identifiers=keep(mine["identifiers"]),
        former_holders=former_holders,
        affected=affected,
        told=told,
    )


def _with_new_keys(
    context: RunContext, yesterday: Yesterday, clusters: DataFrame
) -> tuple[Yesterday, DataFrame | None]:
    """Put the last release's ids under the keys that records have now; and what there is to tell of it."""
    columns = (c.RECORD_KEY, c.ENTITY_TYPE)
    before, now = yesterday.unified_ids, clusters.select(*columns)
    left, came = (
        rows.where(F.col(c.ENTITY_TYPE) != VISITOR).join(other, on=list(columns), how="left_anti").limit(MAX_MOVES + 1)
        for rows, other in ((before, now), (now, before))
    )
    gone = left.toArrow()
    moves = find_key_moves(context, gone, came.select(*columns).toArrow()) if gone.num_rows else []
    if not moves:
        return yesterday, None
    spark = before.sparkSession
    told = spark.createDataFrame(ID_CHANGES.table(tell_moves(moves, gone, release=context.ordinal)))
    names = spark.createDataFrame(
        [(kind, old, new) for kind, old, new in moves], f"{c.ENTITY_TYPE} string, {c.RECORD_KEY} string, {_NEW} string"
    )
    renamed = before.join(F.broadcast(names), on=list(columns), how="left").withColumn(
        c.RECORD_KEY, F.coalesce(_NEW, c.RECORD_KEY)
    )
    return replace(yesterday, unified_ids=renamed.select(*before.columns)), told


def _read_reclustered(context: RunContext, clusters: DataFrame) -> DataFrame | None:
    """The records of the clusters that were made anew since the last release's ids; None where these may be all."""
    base = find_base(context)
    if base is None:
        return None
    parts = []
    for entity_type in context.project.match.entities:
        touched = read_touched(context, CLUSTERING, since=base.ordinal, entity_type=entity_type)
        if touched is None:
            return None
        parts.append(touched)
    reclustered = parts[0]
    for part in parts[1:]:
        reclustered = reclustered.unionByName(part)
    if not has_visitors(context):
        return reclustered
    last_clusters = context.store.read(CLUSTERS, version=base.versions[CLUSTERS.name])
    return with_moved_visitors(reclustered, clusters, last_clusters)


def with_moved_visitors(reclustered: DataFrame, clusters: DataFrame, last_clusters: DataFrame) -> DataFrame:
    """Add the visitors that are in another cluster than before, and whoever is, or was, with them or with the others.

    Args:
        reclustered: record_key of records of people and accounts.
        clusters: of tonight: record_key, entity_type, cluster.
        last_clusters: likewise, of when ids were assigned last.
    Returns: one row per record_key.
    """
    columns = (c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER)
    either = clusters.select(*columns).unionByName(last_clusters.select(*columns))
    visitors = either.where(F.col(c.ENTITY_TYPE) == VISITOR).groupBy(c.RECORD_KEY, c.CLUSTER)
    moved = visitors.agg(F.count(F.lit(1)).alias("times")).where(F.col("times") == 1).select(c.CLUSTER)
    of_people = either.join(reclustered, on=c.RECORD_KEY, how="left_semi").select(c.CLUSTER)
    changed = moved.unionByName(of_people).distinct()
    mates = either.join(changed, on=c.CLUSTER, how="left_semi").select(c.RECORD_KEY)
    return mates.unionByName(reclustered.select(c.RECORD_KEY)).distinct()


def with_returning(affected: DataFrame, former_holders: DataFrame, clusters: DataFrame) -> DataFrame:
    """Add the clusters to which an id may return that an affected record once had.

    Where such an id goes is decided among all its former holders, so their clusters have to be known, too; their own
    ids do not change.

    Args:
        affected: record_key of the records of whole clusters.
        former_holders: record_key, unified_id: who held an id that is gone.
        clusters: of tonight: record_key, cluster.
    Returns: one row per record_key.
    """
    ids = former_holders.join(affected, on=c.RECORD_KEY, how="left_semi").select(c.UNIFIED_ID).distinct()
    others = former_holders.join(ids, on=c.UNIFIED_ID, how="left_semi").select(c.RECORD_KEY)
    others = others.join(affected, on=c.RECORD_KEY, how="left_anti").distinct().localCheckpoint()
    if others.isEmpty():
        return affected.select(c.RECORD_KEY)
    of_others = clusters.join(others, on=c.RECORD_KEY, how="left_semi").select(c.CLUSTER).distinct()
    mates = clusters.join(of_others, on=c.CLUSTER, how="left_semi").select(c.RECORD_KEY)
    return affected.select(c.RECORD_KEY).unionByName(mates).distinct()
