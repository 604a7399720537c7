"""Clusters on the driver: where all evidence fits there, one look at it replaces several rounds of Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.clustering.batch import CANNOT_LINK, REFINED_SCHEMA, refine_batch
from cdp_spark.clustering.clusters import Clusters, as_clusters
from cdp_spark.clustering.engines.local import label_components
from cdp_spark.session import shuffle_partitions
from cdp_spark.tables.actions.together import fetch_together

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.config.match import ClusteringConfig

MAX_RECORDS, MAX_PAIRS = 200_000, 500_000
"""What the driver clusters in a few seconds, on one core; of more each core of a cluster should have its share."""


def build_clusters_on_driver(
    members: DataFrame, evidence: DataFrame, *, config: ClusteringConfig, unique_within: tuple[str, ...] = ()
) -> Clusters:
    """Find the components and refine them: what `build_components` and then `build_clusters` make of the same.

    Args:
        members: one row per record: record_key, and the columns that the constraints name, as text.
        evidence: from `unite_evidence`.
        config: threshold, weights and sizes.
        unique_within: as `build_clusters` takes it.
    Raises: DataError: a pair that is not deterministic has no weight.
    """
    spark = members.sparkSession
    found = fetch_together(spark, {"members": members, "evidence": evidence})
    refined = refine_all(found["members"], found["evidence"], config=config, unique_within=unique_within)
    frame = spark.createDataFrame(refined, REFINED_SCHEMA)
    return as_clusters(frame.coalesce(shuffle_partitions(spark)))  # else one partition for every 10,000 rows


def refine_all(
    members: pa.Table, evidence: pa.Table, *, config: ClusteringConfig, unique_within: tuple[str, ...]
) -> pa.Table:
    """Label the components of the edges in Arrow memory, and refine them.

    Args:
        members: one row per record: record_key, and the columns that the constraints name, as text.
        evidence: record_key_l, record_key_r, weight_log2, deterministic, cannot_link.
        config: threshold, weights and sizes.
        unique_within: columns of which a cluster may hold no value twice.
    Returns: a table of REFINED_SCHEMA, one row per member.
    """
    heavy = pc.greater_equal(evidence[c.WEIGHT_LOG2], config.threshold_log2)
    is_edge = pc.and_not(pc.or_kleene(heavy, evidence[c.DETERMINISTIC]), evidence[CANNOT_LINK])
    edges = evidence.filter(is_edge).select([c.RECORD_KEY_L, c.RECORD_KEY_R])
    keys = members[c.RECORD_KEY]
    components, _ = label_components(keys, keys, edges)
    ordered = members.take(pc.sort_indices(keys))
    placed = ordered.append_column(c.COMPONENT, components[c.COMPONENT])
    return refine_batch(placed, evidence, config=config, unique_within=unique_within)
