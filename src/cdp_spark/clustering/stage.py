"""The clustering stage: scored pairs in, clusters and cuts out."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.clusters import Clusters, build_clusters
from cdp_spark.clustering.components import build_components
from cdp_spark.tables.catalog import CLUSTERS, CUTS, LABELS, PAIR_SCORES, RECORDS
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Collection

    from cdp_spark.config.match import ClusteringConfig

MUST_LINK = "must_link"
CANNOT_LINK = "cannot_link"
EXCLUSIVE_SOURCE = "exclusive_source"
_CERTAIN = 12.0


def run(context: RunContext) -> StageResult:
    """Cluster the records of every entity type by this run's pair scores and the labels."""
    store = context.store
    records, scores = store.read(RECORDS), store.read(PAIR_SCORES)
    labels = build_current_labels(store.read(LABELS))
    exclusive = [source.name for source in context.project.sources if source.duplicate_free]
    results, details = [], []
    for entity_type, match in context.project.match.entities.items():
        members = with_exclusive_source(records.where(F.col(c.ENTITY_TYPE) == entity_type), exclusive)
        pairs = scores.where(F.col(c.ENTITY_TYPE) == entity_type)
        result, detail = cluster_records(members, pairs, labels, config=match.clustering)
        results.append((entity_type, result))
        details.append(f"{entity_type}: {detail}")
    clusters = _united([(entity_type, result.clusters) for entity_type, result in results])
    cuts = _united([(entity_type, result.cuts) for entity_type, result in results])
    versions = {
        CLUSTERS.name: store.overwrite(CLUSTERS, clusters),
        CUTS.name: store.overwrite(CUTS, cuts.withColumn(c.RUN_ID, F.lit(context.run_id))),
    }
    return StageResult(versions, _metrics(store.read(CLUSTERS), store.read(CUTS)), "; ".join(details))


def cluster_records(
    members: DataFrame, pair_scores: DataFrame, labels: DataFrame, *, config: ClusteringConfig
) -> tuple[Clusters, str]:
    """Connected components of the edges, refined; and in words how the components were found.

    Args:
        members: one row per record_key, with `exclusive_source` and the columns that must be unique in a cluster.
        pair_scores: one row per pair: record_key_l, record_key_r, weight_log2, deterministic.
        labels: the newest label a pair: record_key_l, record_key_r, label.
        config: threshold, engine, limits.
    """
    pairs = with_must_links(pair_scores, labels)
    edges = pairs.where((F.col(c.WEIGHT_LOG2) >= config.threshold_log2) | F.col(c.DETERMINISTIC))
    components = build_components(
        members.select(c.RECORD_KEY),
        edges.select(c.RECORD_KEY_L, c.RECORD_KEY_R),
        engine=config.engine,
        local_max_edges=config.local_max_edges,
    )
    placed = members.join(components.components, on=c.RECORD_KEY, how="inner")
    cannot_links = labels.where(F.col(c.LABEL) == CANNOT_LINK).select(c.RECORD_KEY_L, c.RECORD_KEY_R)
    clusters = build_clusters(placed, pairs, cannot_links, config=config, unique_within=(EXCLUSIVE_SOURCE,))
    return clusters, f"{components.engine} engine, {components.reason}"


def build_current_labels(labels: DataFrame) -> DataFrame:
    """The newest label of each pair: record_key_l, record_key_r, label."""
    newest = Window.partitionBy(c.RECORD_KEY_L, c.RECORD_KEY_R).orderBy(F.col(c.AT).desc(), c.LABEL)
    ranked = labels.withColumn("rank", F.row_number().over(newest))
    return ranked.where(F.col("rank") == 1).select(c.RECORD_KEY_L, c.RECORD_KEY_R, c.LABEL)


def with_must_links(pair_scores: DataFrame, labels: DataFrame) -> DataFrame:
    """Let a must-link join its pair like a deterministic rule, whether or not the pair was compared."""
    keys = [c.RECORD_KEY_L, c.RECORD_KEY_R]
    must = labels.where(F.col(c.LABEL) == MUST_LINK).select(*keys)
    compared = pair_scores.select(*keys, c.WEIGHT_LOG2, c.DETERMINISTIC).join(must, on=keys, how="left_anti")
    linked = must.select(*keys, F.lit(_CERTAIN).alias(c.WEIGHT_LOG2), F.lit(True).alias(c.DETERMINISTIC))
    return compared.unionByName(linked)


def with_exclusive_source(records: DataFrame, sources: Collection[str]) -> DataFrame:
    """Add `exclusive_source`: the source where it has no duplicates inside, null elsewhere."""
    exclusive = F.col(c.SOURCE).isin(*sources) if sources else F.lit(False)
    return records.withColumn(EXCLUSIVE_SOURCE, F.when(exclusive, F.col(c.SOURCE)))


def _united(parts: list[tuple[str, DataFrame]]) -> DataFrame:
    typed = [frame.withColumn(c.ENTITY_TYPE, F.lit(entity_type)) for entity_type, frame in parts]
    return reduce(DataFrame.unionByName, typed)


def _metrics(clusters: DataFrame, cuts: DataFrame) -> dict[str, float]:
    sizes = clusters.groupBy(c.CLUSTER).agg(F.count(F.lit(1)).alias(c.RECORD_COUNT))
    row = sizes.agg(
        F.count(F.lit(1)).alias("clusters"),
        F.coalesce(F.sum(c.RECORD_COUNT), F.lit(0)).alias("records"),
        F.coalesce(F.max(c.RECORD_COUNT), F.lit(0)).alias("largest"),
    ).collect()[0]
    return {
        "clusters.count": float(row["clusters"]),
        "clusters.records": float(row["records"]),
        "clusters.largest": float(row["largest"]),
        "clusters.cuts": float(cuts.count()),
    }
