"""Clusters of records: the driver and Spark find the same ones."""

from __future__ import annotations

import random

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.clustering import records as records_module
from cdp_spark.clustering.clusters import Clusters
from cdp_spark.clustering.records import cluster_records
from cdp_spark.config.match import ClusteringConfig
from cdp_spark.errors import DataError

CONFIG = ClusteringConfig(unique=("national_id",))
MEMBERS = "record_key string, exclusive_source string, national_id string"
PAIRS = "record_key_l string, record_key_r string, weight_log2 double, deterministic boolean"
LABELS = "record_key_l string, record_key_r string, label string"
LINKS = "record_key_l string, record_key_r string, identifier_type string"


def cluster_in_spark(monkeypatch: pytest.MonkeyPatch, frames: tuple[DataFrame, ...]) -> tuple[Clusters, str]:
    with monkeypatch.context() as patched:
        patched.setattr(records_module, "MAX_PAIRS", -1)
        return cluster(frames)


def cluster(frames: tuple[DataFrame, ...]) -> tuple[Clusters, str]:
    members, pairs, labels, links = frames
    return cluster_records(members, pairs, labels, config=CONFIG, links=links)


def drawn_frames(spark: SparkSession, *, seed: int, records: int, pairs: int) -> tuple[DataFrame, ...]:
    """Components of all sizes, with constraints that part them, doubles, and pairs that lead nowhere."""
    draw = random.Random(seed)
    keys = [f"k{place:03d}" for place in range(records)]
    ends = [tuple(sorted(draw.sample([*keys, "unknown"], 2))) for _ in range(pairs)]
    members = [(key, draw.choice((None, "crm", "shop")), draw.choice((None, None, "X", "Y"))) for key in keys]
    weighed = [(*pair, draw.choice((-9.0, 0.5, 4.0, 8.0, 12.5)), draw.random() < 0.05) for pair in ends]
    labels = [(*pair, draw.choice(("must_link", "cannot_link"))) for pair in draw.sample(ends, 6)]
    links = [(*pair, "email") for pair in dict.fromkeys(draw.sample(ends, 5))]
    tables = ((members, MEMBERS), (weighed + weighed[:5], PAIRS), (labels, LABELS), (links, LINKS))
    return tuple(spark.createDataFrame(rows, schema).repartition(3) for rows, schema in tables)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_driver_and_spark_agree(spark: SparkSession, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    frames = drawn_frames(spark, seed=seed, records=60, pairs=80)
    here, told = cluster(frames)
    there, told_there = cluster_in_spark(monkeypatch, frames)
    assert told.startswith("local engine, all on the driver: 60 records, ")
    assert "edges or vertices fit on the driver" in told_there
    assert_df_equality(here.clusters, there.clusters, ignore_row_order=True, ignore_nullable=True)
    assert_df_equality(here.cuts, there.cuts, ignore_row_order=True, ignore_nullable=True)
    assert here.cuts.count() > 0


def test_the_whole_result_on_the_driver(spark: SparkSession) -> None:
    members = [("a1", None, "X"), ("a2", None, None), ("a3", None, "Y"), ("b1", "crm", None), ("b2", "crm", None)]
    pairs = [
        ("a1", "a2", 9.0, False),
        ("a2", "a3", 8.0, False),
        ("b1", "b2", 7.0, False),
        ("b1", "unknown", 9.0, True),
    ]
    frames = (
        spark.createDataFrame(members, MEMBERS),
        spark.createDataFrame(pairs, PAIRS),
        spark.createDataFrame([("a3", "b1", "must_link")], LABELS),
        spark.createDataFrame([], LINKS),
    )
    found, _ = cluster(frames)
    clusters = [("a1", "a1", "a1"), ("a2", "a1", "a1"), ("a3", "a1", "a3"), ("b1", "a1", "a3"), ("b2", "a1", "b2")]
    expected = spark.createDataFrame(clusters, "record_key string, component string, cluster string")
    assert_df_equality(found.clusters, expected, ignore_row_order=True, ignore_nullable=True)
    cuts = [("a2", "a3", 8.0, "unique_value", None), ("b1", "b2", 7.0, "unique_source", None)]
    schema = "record_key_l string, record_key_r string, weight_log2 double, reason string, identifier_type string"
    assert_df_equality(found.cuts, spark.createDataFrame(cuts, schema), ignore_row_order=True, ignore_nullable=True)


def test_no_records(spark: SparkSession) -> None:
    frames = tuple(spark.createDataFrame([], schema) for schema in (MEMBERS, PAIRS, LABELS, LINKS))
    found, told = cluster(frames)
    assert told == "local engine, all on the driver: 0 records, 0 pairs"
    assert (found.clusters.count(), found.cuts.count()) == (0, 0)


def test_a_pair_without_weight_is_refused(spark: SparkSession) -> None:
    frames = (
        spark.createDataFrame([("a1", None, None), ("a2", None, None)], MEMBERS),
        spark.createDataFrame([("a1", "a2", 9.0, False), ("a2", "a1", None, False)], PAIRS),
        spark.createDataFrame([], LABELS),
        spark.createDataFrame([], LINKS),
    )
    with pytest.raises(DataError, match="weight"):
        cluster(frames)


def test_an_engine_of_spark_that_was_asked_for_runs(spark: SparkSession) -> None:
    members, pairs, labels, links = drawn_frames(spark, seed=4, records=10, pairs=10)
    config = CONFIG.model_copy(update={"engine": "dataframe"})
    _, told = cluster_records(members, pairs, labels, config=config, links=links)
    assert told == "dataframe engine, asked for"
