"""Identifiers that join people's records, and those that keep them apart."""

from __future__ import annotations

from chispa import assert_df_equality
from pyspark.sql import SparkSession

from cdp_spark.clustering.identifiers.links import build_identifier_links, with_unique_values
from cdp_spark.clustering.records import cluster_records
from cdp_spark.config.match import ClusteringConfig

IDENTIFIERS = [
    ("r1", "loyalty_id", "L", True),
    ("r2", "loyalty_id", "L", True),
    ("r3", "loyalty_id", "L", True),
    ("r1", "user_id", "one", True),
    ("r3", "user_id", "two", True),
    ("r2", "cookie_id", "c", True),
    ("r4", "cookie_id", "c", True),
    ("r5", "loyalty_id", "default", False),
    ("r6", "loyalty_id", "default", False),
    ("r7", "user_id", "three", True),
    ("r8", "user_id", "three", True),
]


def test_a_shared_value_joins_and_a_unique_one_forbids(spark: SparkSession) -> None:
    identifiers = spark.createDataFrame(
        IDENTIFIERS, "record_key string, type string, value_hash string, usable boolean"
    )
    links = build_identifier_links(identifiers, ["user_id", "loyalty_id"])
    pairs = "record_key_l string, record_key_r string"
    expected = [("r1", "r2", "loyalty_id"), ("r1", "r3", "loyalty_id"), ("r7", "r8", "user_id")]
    frame = spark.createDataFrame(expected, f"{pairs}, identifier_type string")
    assert_df_equality(links, frame, ignore_row_order=True, ignore_nullable=True)

    records = spark.createDataFrame(
        [(f"r{number}", None) for number in range(1, 9)], "record_key string, exclusive_source string"
    )
    members = with_unique_values(records, identifiers, ["user_id"])
    scores = spark.createDataFrame([("r1", "r2", -5.0, False)], f"{pairs}, weight_log2 double, deterministic boolean")
    labels = spark.createDataFrame([("r7", "r8", "cannot_link")], f"{pairs}, label string")
    config = ClusteringConfig(unique=("user_id",))
    found, _ = cluster_records(members, scores, labels, config=config, links=links)
    clusters = {row.record_key: row.cluster for row in found.clusters.collect()}
    assert clusters == {**{f"r{number}": f"r{number}" for number in range(1, 9)}, "r2": "r1"}
    cuts = [
        ("r1", "r3", 12.0, "unique_value", "loyalty_id"),
        ("r7", "r8", 12.0, "cannot_link", "user_id"),
    ]
    told = spark.createDataFrame(cuts, f"{pairs}, weight_log2 double, reason string, identifier_type string")
    assert_df_equality(found.cuts, told, ignore_row_order=True, ignore_nullable=True)
