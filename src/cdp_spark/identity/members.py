"""Clusters as identity sees them: each record with its cluster, its id of yesterday, and whether it is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_PART = "part"
_EXAMPLES_PER_CLUSTER = 5


def build_members(clusters: DataFrame, previous_ids: DataFrame, *, max_records: int) -> DataFrame:
    """Name each cluster by its smallest record key and put yesterday's id beside each record.

    A cluster of more than `max_records` is held: it falls into one part per id of yesterday, and its new records
    stay alone, so that nobody is merged before a person has looked at it.

    Args:
        clusters: one row per record; a record is in one cluster of one entity type.
        previous_ids: `unified_ids` of the last release.
        max_records: records; the largest cluster that is believed.

    Returns:
        one row per record of `clusters`; `first_key` names its cluster or held part, `previous_id` is null where
        the record, or the record under this entity type, is new.
    """
    cluster = Window.partitionBy(c.ENTITY_TYPE, c.CLUSTER)
    part = Window.partitionBy(c.ENTITY_TYPE, c.CLUSTER, _PART)
    previous = previous_ids.select(c.RECORD_KEY, c.ENTITY_TYPE, F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID))
    return (
        clusters.select(c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER)
        .join(previous, on=[c.RECORD_KEY, c.ENTITY_TYPE], how="left")
        .withColumn(c.HELD, F.count(F.lit(1)).over(cluster) > max_records)
        .withColumn(_PART, F.when(F.col(c.HELD), F.coalesce(c.PREVIOUS_ID, c.RECORD_KEY)))
        .withColumn(c.FIRST_KEY, F.min(c.RECORD_KEY).over(part))
        .select(c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER, c.PREVIOUS_ID, c.HELD, c.FIRST_KEY)
    )


def build_identity_issues(members: DataFrame, *, run_id: str) -> DataFrame:
    """List the held clusters.

    Args:
        members: from `build_members`.
        run_id: of this run.

    Returns:
        one row per held cluster with its number of records and the five smallest record keys.
    """
    by_key = Window.partitionBy(c.ENTITY_TYPE, c.CLUSTER).orderBy(c.RECORD_KEY)
    example = F.when(F.row_number().over(by_key) <= _EXAMPLES_PER_CLUSTER, F.col(c.RECORD_KEY))
    return (
        members.where(c.HELD)
        .select(c.ENTITY_TYPE, c.CLUSTER, example.alias(c.EXAMPLES))
        .groupBy(c.ENTITY_TYPE, c.CLUSTER)
        .agg(
            F.count(F.lit(1)).alias(c.RECORD_COUNT),
            F.sort_array(F.collect_list(c.EXAMPLES)).alias(c.EXAMPLES),
        )
        .select(
            F.lit(run_id).alias(c.RUN_ID),
            c.CLUSTER,
            c.ENTITY_TYPE,
            F.lit(c.RECORD_KEY).alias(c.IDENTIFIER_TYPE),
            F.col(c.RECORD_COUNT).alias(c.DISTINCT_VALUES),
            c.RECORD_COUNT,
            c.EXAMPLES,
        )
    )
