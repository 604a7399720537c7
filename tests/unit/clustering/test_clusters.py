"""Whole frames: one component per behaviour."""

from __future__ import annotations

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.clustering import clusters as clusters_module
from cdp_spark.clustering.clusters import build_clusters
from cdp_spark.config.match import ClusteringConfig

CONFIG = ClusteringConfig(unique=("national_id",))

MEMBERS = [
    ("a1", "a1", None, None),
    ("a2", "a1", None, None),
    ("a3", "a1", None, None),
    ("b1", "b1", None, None),
    ("b2", "b1", None, None),
    ("d1", "d1", "X", None),
    ("d2", "d1", None, None),
    ("d3", "d1", "Y", None),
    ("e1", "e1", None, "crm"),
    ("e2", "e1", None, "crm"),
    ("e3", "e1", None, "shop"),
    ("f1", "f1", None, None),
    ("f2", "f1", None, None),
    ("f3", "f1", None, None),
    ("g1", "g1", None, None),
]
PAIRS = [
    ("a1", "a2", 8.0, False),
    ("a2", "a3", 5.0, False),
    ("a1", "a3", -12.0, False),
    ("b1", "b2", 30.0, True),
    ("d1", "d2", 9.0, False),
    ("d2", "d3", 8.0, False),
    ("e1", "e3", 7.0, False),
    ("e2", "e3", 6.0, False),
    ("e1", "e2", 5.0, False),
    ("f1", "f2", None, True),
    ("f2", "f3", 3.0, True),
    ("f1", "f3", -12.0, False),
    ("a1", "b1", 11.0, False),
    ("g1", "unknown", 11.0, False),
    ("unknown", "g1", 11.0, False),
]
CLUSTERS = [
    ("a1", "a1", "a1"),
    ("a2", "a1", "a1"),
    ("a3", "a1", "a3"),
    ("b1", "b1", "b1"),
    ("b2", "b1", "b2"),
    ("d1", "d1", "d1"),
    ("d2", "d1", "d1"),
    ("d3", "d1", "d3"),
    ("e1", "e1", "e1"),
    ("e2", "e1", "e2"),
    ("e3", "e1", "e1"),
    ("f1", "f1", "f1"),
    ("f2", "f1", "f1"),
    ("f3", "f1", "f1"),
    ("g1", "g1", "g1"),
]
CUTS = [
    ("a2", "a3", 5.0, "average_linkage"),
    ("b1", "b2", 30.0, "cannot_link"),
    ("d2", "d3", 8.0, "unique_value"),
    ("e1", "e2", 5.0, "unique_source"),
    ("e2", "e3", 6.0, "unique_source"),
]


def frames(spark: SparkSession, *, partitions: int) -> tuple[DataFrame, DataFrame, DataFrame]:
    members = "record_key string, component string, national_id string, crm_source string"
    pairs = "record_key_l string, record_key_r string, weight_log2 double, deterministic boolean"
    return (
        spark.createDataFrame(MEMBERS, members).repartition(partitions),
        spark.createDataFrame(PAIRS, pairs).repartition(partitions),
        spark.createDataFrame([("b2", "b1"), ("a1", "b2")], "record_key_l string, record_key_r string"),
    )


@pytest.mark.parametrize(("partitions", "batch_records"), [(1, 20_000), (3, 2)])
def test_every_behaviour_whatever_the_partitions_and_batches(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, partitions: int, batch_records: int
) -> None:
    monkeypatch.setattr(clusters_module, "_BATCH_RECORDS", batch_records)
    found = build_clusters(*frames(spark, partitions=partitions), config=CONFIG, unique_within=("crm_source",))
    clusters = spark.createDataFrame(CLUSTERS, "record_key string, component string, cluster string")
    cuts = spark.createDataFrame(CUTS, "record_key_l string, record_key_r string, weight_log2 double, reason string")
    assert_df_equality(found.clusters, clusters, ignore_row_order=True, ignore_nullable=True)
    assert_df_equality(found.cuts, cuts, ignore_row_order=True, ignore_nullable=True)


def test_no_records_no_clusters(spark: SparkSession) -> None:
    members, pairs, links = (frame.limit(0) for frame in frames(spark, partitions=1))
    found = build_clusters(members, pairs, links, config=CONFIG)
    assert (found.clusters.count(), found.cuts.count()) == (0, 0)
