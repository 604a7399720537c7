"""Which of yesterday's ids, live or gone, a cluster could bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.terms import STRONG_TYPES, VISITOR

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.tables.actions.held import Held


def build_overlaps(members: DataFrame) -> DataFrame:
    """Count the records that a cluster and an id of yesterday share.

    Returns:
        one row per (first_key, unified_id) with at least one shared record; `contested` unless the cluster overlaps
        this id only and the id this cluster only; `of_visitors` where all the shared records are visitors.
    """
    ids_of_cluster = F.count(F.lit(1)).over(Window.partitionBy(c.FIRST_KEY))
    clusters_of_id = F.count(F.lit(1)).over(Window.partitionBy(c.UNIFIED_ID))
    return (
        members.where(F.col(c.PREVIOUS_ID).isNotNull())
        .groupBy(c.FIRST_KEY, F.col(c.PREVIOUS_ID).alias(c.UNIFIED_ID))
        .agg(F.count(F.lit(1)).alias(c.RECORD_OVERLAP), F.every(_is_visitor()).alias(c.OF_VISITORS))
        .withColumn(c.CONTESTED, (ids_of_cluster > 1) | (clusters_of_id > 1))
        .select(c.FIRST_KEY, c.UNIFIED_ID, c.RECORD_OVERLAP, c.OF_VISITORS, c.CONTESTED)
    )


def _is_visitor() -> Column:
    return F.col(c.ENTITY_TYPE) == VISITOR


def settled_ids(overlaps: DataFrame) -> DataFrame:
    """The clusters and ids that have only each other: (first_key, unified_id)."""
    return overlaps.where(~F.col(c.CONTESTED)).select(c.FIRST_KEY, c.UNIFIED_ID)


def with_identifier_overlap(
    candidates: Held, members: DataFrame, holders: DataFrame, identifiers: DataFrame
) -> DataFrame:
    """Count the strong identifiers that a cluster shares with the records that held the id.

    Args:
        candidates: one row per (first_key, unified_id).
        members: from `build_members`.
        holders: one row per (record_key, unified_id): who held which id.
        identifiers: of this run; a record that left has none any more.

    Returns:
        the candidates with `identifier_overlap`: distinct usable values.
    """
    value = [c.TYPE, c.VALUE_HASH]
    strong = identifiers.where(F.col(c.USABLE) & F.col(c.TYPE).isin(*STRONG_TYPES)).select(c.RECORD_KEY, *value)
    of_cluster = _identifiers_of(members, strong, candidates, key=c.FIRST_KEY)
    of_id = _identifiers_of(holders, strong, candidates, key=c.UNIFIED_ID)
    pair = [c.FIRST_KEY, c.UNIFIED_ID]
    shared = (
        candidates.joinable.select(*pair)
        .join(of_cluster, on=c.FIRST_KEY, how="inner")
        .join(of_id, on=[c.UNIFIED_ID, *value], how="inner")
        .groupBy(*pair)
        .agg(F.count(F.lit(1)).alias(c.IDENTIFIER_OVERLAP))
    )
    return candidates.rows.join(shared, on=pair, how="left").fillna(0, subset=[c.IDENTIFIER_OVERLAP])


def _identifiers_of(groups: DataFrame, strong: DataFrame, candidates: Held, *, key: str) -> DataFrame:
    wanted = groups.select(c.RECORD_KEY, key).join(candidates.joinable.select(key), on=key, how="left_semi")
    return wanted.join(strong, on=c.RECORD_KEY, how="inner").select(key, c.TYPE, c.VALUE_HASH).distinct()
