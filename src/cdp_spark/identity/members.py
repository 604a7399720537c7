"""Clusters as identity sees them: each record with its cluster, its id of yesterday, and whether it is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import IDENTITY_ISSUES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VISITOR = "visitor"
_PART = "part"
_EXAMPLES_PER_CLUSTER = 5
_COUNTED = "counted"


def build_members(clusters: DataFrame, previous_ids: DataFrame, *, max_records: int) -> DataFrame:
    """Name each cluster by its smallest record key and put yesterday's id beside each record.

    A cluster of more than `max_records` is held: it falls into one part per id of yesterday, and its new records
    stay alone, so that nobody is merged before a person has looked at it. Visitors do not count: they join no people.

    Args:
        clusters: one row per record with its own entity type; a cluster of people may hold visitors, too.
        previous_ids: `unified_ids` of the last release.
        max_records: records; the largest cluster that is believed.

    Returns:
        one row per record of `clusters`; `first_key` names its cluster or held part, `previous_id` is null where
        the record, or the record under this entity type, is new.
    """
    is_account, is_visitor = F.col(c.ENTITY_TYPE) == "account", F.col(c.ENTITY_TYPE) == VISITOR
    cluster = Window.partitionBy(is_account, c.CLUSTER)
    part = Window.partitionBy(is_account, c.CLUSTER, _PART)
    previous = previous_ids.select(c.RECORD_KEY, c.ENTITY_TYPE, F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID))
    return (
        clusters.select(c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER)
        .join(previous, on=[c.RECORD_KEY, c.ENTITY_TYPE], how="left")
        .withColumn(c.HELD, F.count_if(~is_visitor).over(cluster) > max_records)
        .withColumn(_PART, F.when(F.col(c.HELD), F.coalesce(c.PREVIOUS_ID, c.RECORD_KEY)))
        .withColumn(c.FIRST_KEY, F.min(c.RECORD_KEY).over(part))
        .select(c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER, c.PREVIOUS_ID, c.HELD, c.FIRST_KEY)
    )


def build_identity_issues(members: DataFrame, unused: DataFrame, *, run_id: str) -> DataFrame:
    """List the held clusters, and the people whose identifiers were over a limit.

    Args:
        members: from `build_members`.
        unused: record_key_l, record_key_r, identifier_type, reason: what an identifier would have joined, but for a
            limit.
        run_id: of this run.

    Returns:
        one row per cluster, identifier type and reason: with the records that its limit concerned, the clusters that
        these are in (for a held cluster, its records), and the five smallest record keys.
    """
    held = members.where(c.HELD).select(
        *(c.CLUSTER, c.ENTITY_TYPE, c.RECORD_KEY, F.col(c.RECORD_KEY).alias(_COUNTED)),
        F.lit(c.RECORD_KEY).alias(c.IDENTIFIER_TYPE),
        F.lit("max_cluster_records").alias(c.REASON),
    )
    found = held.unionByName(_unused_of_clusters(members, unused))
    key = (c.CLUSTER, c.IDENTIFIER_TYPE, c.REASON)
    place = F.row_number().over(Window.partitionBy(*key).orderBy(c.RECORD_KEY))
    example = F.when(place <= _EXAMPLES_PER_CLUSTER, F.col(c.RECORD_KEY))
    return (
        found.withColumn(c.EXAMPLES, example)
        .groupBy(*key)
        .agg(
            F.min(c.ENTITY_TYPE).alias(c.ENTITY_TYPE),
            F.count_distinct(_COUNTED).alias(c.DISTINCT_VALUES),
            F.count(F.lit(1)).alias(c.RECORD_COUNT),
            F.sort_array(F.collect_list(c.EXAMPLES)).alias(c.EXAMPLES),
        )
        .withColumn(c.RUN_ID, F.lit(run_id))
        .select(*IDENTITY_ISSUES.schema.names)
    )


def _unused_of_clusters(members: DataFrame, unused: DataFrame) -> DataFrame:
    """Put each record that a limit kept apart beside the cluster of people that it was kept from."""
    ways = [(c.RECORD_KEY_L, c.RECORD_KEY_R), (c.RECORD_KEY_R, c.RECORD_KEY_L)]
    kept_from = [
        unused.select(F.col(mine).alias(c.RECORD_KEY), F.col(other).alias("other_key"), c.IDENTIFIER_TYPE, c.REASON)
        for mine, other in ways
    ]
    own = members.select(c.RECORD_KEY, F.col(c.CLUSTER).alias(_COUNTED))
    others = members.where(F.col(c.ENTITY_TYPE) != VISITOR).select(
        F.col(c.RECORD_KEY).alias("other_key"), c.CLUSTER, c.ENTITY_TYPE
    )
    return (
        kept_from[0]
        .unionByName(kept_from[1])
        .join(own, on=c.RECORD_KEY, how="inner")
        .join(others, on="other_key", how="inner")
        .select(c.CLUSTER, c.ENTITY_TYPE, c.RECORD_KEY, _COUNTED, c.IDENTIFIER_TYPE, c.REASON)
    )
