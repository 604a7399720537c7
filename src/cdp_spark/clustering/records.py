"""Records, their pairs and what people said about them in, clusters out."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.clusters import Clusters, build_clusters, guard_exprs, unite_evidence
from cdp_spark.clustering.components import GraphSize, build_components
from cdp_spark.clustering.labels import CANNOT_LINK, MUST_LINK, as_certain_pairs
from cdp_spark.clustering.on_driver.cluster import MAX_PAIRS, MAX_RECORDS, build_clusters_on_driver
from cdp_spark.tables.actions.held import keep
from cdp_spark.tables.actions.together import run_together

if TYPE_CHECKING:
    from pyspark.sql import Column, Row

    from cdp_spark.config.match import ClusteringConfig

EXCLUSIVE_SOURCE = "exclusive_source"
_UNIQUE_WITHIN = (EXCLUSIVE_SOURCE,)


def cluster_records(
    members: DataFrame,
    pair_scores: DataFrame,
    labels: DataFrame,
    *,
    config: ClusteringConfig,
    links: DataFrame | None = None,
) -> tuple[Clusters, str]:
    """Connected components of the edges, refined; and in words how the components were found.

    Members and pairs are counted and then used, so pass tables or frames that are held.

    Args:
        members: one row per record_key, with `exclusive_source` and the columns that must be unique in a cluster.
        pair_scores: one row per pair: record_key_l, record_key_r, weight_log2, deterministic.
        labels: the newest label a pair: record_key_l, record_key_r, label.
        config: threshold, engine, limits.
        links: record_key_l, record_key_r, identifier_type: pairs that an identifier joins, whatever they weigh.
    """
    if links is not None:
        links = keep(links)  # all that follows reads them
    certain = [as_certain_pairs(labels.where(F.col(c.LABEL) == MUST_LINK))]
    certain += [] if links is None else [as_certain_pairs(links)]
    compared = pair_scores.select(c.RECORD_KEY_L, c.RECORD_KEY_R, c.WEIGHT_LOG2, c.DETERMINISTIC)
    pairs = reduce(DataFrame.unionByName, certain, compared)  # of a pair that stands twice the larger weight counts
    cannot_links = labels.where(F.col(c.LABEL) == CANNOT_LINK).select(c.RECORD_KEY_L, c.RECORD_KEY_R)
    needed = members.select(c.RECORD_KEY, *guard_exprs((*config.unique, *_UNIQUE_WITHIN)))
    pair_count, size = _count(needed, pairs, config)
    if config.engine in ("auto", "local") and size.vertices <= MAX_RECORDS and pair_count <= MAX_PAIRS:
        evidence = unite_evidence(pairs, cannot_links)
        clusters = build_clusters_on_driver(needed, evidence, config=config, unique_within=_UNIQUE_WITHIN)
        told = f"local engine, all on the driver: {size.vertices:,} records, {pair_count:,} pairs"
    else:
        clusters, told = _cluster_in_spark(needed, pairs, cannot_links, config=config, size=size)
    return Clusters(clusters.clusters, with_identifier_type(clusters.cuts, links)), told


def _count(members: DataFrame, pairs: DataFrame, config: ClusteringConfig) -> tuple[int, GraphSize]:
    """How many pairs there are, and how large the graph of the edges among them is."""
    both = pairs.agg(F.count(F.lit(1)), F.count_if(_edge_expr(config)))
    found = run_together(members.sparkSession, {"members": members.count, "pairs": lambda: both.collect()[0]})
    pair_count, edge_count = cast("Row", found["pairs"])
    return pair_count, GraphSize(cast("int", found["members"]), edge_count)


def _edge_expr(config: ClusteringConfig) -> Column:
    return (F.col(c.WEIGHT_LOG2) >= config.threshold_log2) | F.col(c.DETERMINISTIC)


def _cluster_in_spark(
    members: DataFrame, pairs: DataFrame, cannot_links: DataFrame, *, config: ClusteringConfig, size: GraphSize
) -> tuple[Clusters, str]:
    components = build_components(
        members.select(c.RECORD_KEY),
        pairs.where(_edge_expr(config)).select(c.RECORD_KEY_L, c.RECORD_KEY_R),
        engine=config.engine,
        local_max_edges=config.local_max_edges,
        size=size,
    )
    placed = members.join(components.components, on=c.RECORD_KEY, how="inner").persist()
    clusters = build_clusters(placed, pairs, cannot_links, config=config, unique_within=_UNIQUE_WITHIN)
    placed.unpersist()
    return clusters, f"{components.engine} engine, {components.reason}"


def with_identifier_type(cuts: DataFrame, links: DataFrame | None) -> DataFrame:
    """Add the type of the identifier that would have joined a pair; null for a pair of the model."""
    if links is None:
        return cuts.withColumn(c.IDENTIFIER_TYPE, F.lit(None).cast("string"))
    return cuts.join(links, on=[c.RECORD_KEY_L, c.RECORD_KEY_R], how="left")
