"""Clusters as identity sees them: each record with its cluster, its id of yesterday, and whether it is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.terms import VISITOR

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_PART = "part"


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
