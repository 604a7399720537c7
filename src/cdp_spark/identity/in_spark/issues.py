"""Clusters over a limit, and the people whose identifiers were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.terms import EXAMPLES_AN_ISSUE, TOO_LARGE, VISITOR
from cdp_spark.tables.catalog import IDENTITY_ISSUES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_COUNTED = "counted"


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
        F.lit(TOO_LARGE).alias(c.REASON),
    )
    found = held.unionByName(_unused_of_clusters(members, unused))
    key = (c.CLUSTER, c.IDENTIFIER_TYPE, c.REASON)
    place = F.row_number().over(Window.partitionBy(*key).orderBy(c.RECORD_KEY))
    example = F.when(place <= EXAMPLES_AN_ISSUE, F.col(c.RECORD_KEY))
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


def build_kept_issues(last_issues: DataFrame, affected: DataFrame, *, run_id: str) -> DataFrame:
    """The clusters that were held for their size and still are, because nobody in them is affected.

    Args:
        last_issues: `identity_issues` of the last release; a held cluster is named by its smallest record.
        affected: record_key.
        run_id: of this run.
    """
    held = last_issues.where(F.col(c.IDENTIFIER_TYPE) == c.RECORD_KEY).withColumn(c.RUN_ID, F.lit(run_id))
    names = affected.select(F.col(c.RECORD_KEY).alias(c.CLUSTER))
    return held.join(names, on=c.CLUSTER, how="left_anti").select(*last_issues.columns)


def build_unaffected_ends(clusters: DataFrame, affected: DataFrame, unused: DataFrame) -> DataFrame:
    """The clusters of unaffected records that a limit kept apart, in the columns of `build_members`.

    Args:
        clusters: of tonight.
        affected: record_key.
        unused: record_key_l, record_key_r.
    """
    ends = unused.select(F.explode(F.array(c.RECORD_KEY_L, c.RECORD_KEY_R)).alias(c.RECORD_KEY)).distinct()
    others = ends.join(affected, on=c.RECORD_KEY, how="left_anti")
    none = F.lit(None).cast("string")
    return clusters.join(others, on=c.RECORD_KEY, how="left_semi").select(
        *(c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER, none.alias(c.PREVIOUS_ID)),
        F.lit(False).alias(c.HELD),
        none.alias(c.FIRST_KEY),
    )
