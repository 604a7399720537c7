"""Clusters of records in frames: the driver and Spark's tasks find the same ones."""

from __future__ import annotations

import random
from dataclasses import replace

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from cdp_spark import limits
from cdp_spark.clustering.frames import Clusters, EvidenceRows, build_identifier_links, cluster_records
from cdp_spark.clustering.settings import ClusteringRules
from cdp_spark.config.match import ClusteringConfig
from cdp_spark.tables.rows import Rows, as_frame, as_table

RULES = ClusteringRules(ClusteringConfig(unique=("national_id",)), ("crm", "shop"), ("email", "card"), ("user_id",))


def drawn_evidence(*, seed: int, records: int, pairs: int) -> EvidenceRows:
    """Components of all sizes, with constraints that part them, doubles, and pairs that lead nowhere."""
    draw = random.Random(seed)
    keys = [f"k{place:03d}" for place in range(records)]
    ends = [sorted(draw.sample([*keys, "unknown"], 2)) for _ in range(pairs)]
    labelled = draw.sample(ends, 6)
    kinds = [draw.choice(("email", "card", "user_id")) for _ in range(records // 2)]
    return EvidenceRows(
        pa.table(
            {
                "record_key": keys,
                "source": [draw.choice(("crm", "shop", "web")) for _ in keys],
                "national_id": [draw.choice((None, None, "X", "Y")) for _ in keys],
            }
        ),
        pa.table(
            {
                "record_key_l": [pair[0] for pair in ends],
                "record_key_r": [pair[1] for pair in ends],
                "weight_log2": [draw.choice((-9.0, 0.5, 4.0, 8.0, 12.5)) for _ in ends],
                "deterministic": [draw.random() < 0.05 for _ in ends],
            }
        ),
        pa.table(
            {
                "record_key_l": [pair[0] for pair in labelled],
                "record_key_r": [pair[1] for pair in labelled],
                "label": [draw.choice(("must_link", "cannot_link")) for _ in labelled],
            }
        ),
        pa.table(
            {
                "record_key": [draw.choice(keys) for _ in kinds],
                "type": kinds,
                "value_hash": [draw.choice("abcdefgh") for _ in kinds],
            }
        ),
    )


def in_frames(spark: SparkSession, rows: EvidenceRows, *, partitions: int) -> EvidenceRows:
    frames = [as_frame(spark, it).repartition(partitions) for it in (rows.members, rows.scored, rows.identifiers)]
    return EvidenceRows(frames[0], frames[1], rows.labels, frames[2])


def rows_of(clusters: Clusters) -> list[list[tuple[object, ...]]]:
    found: list[Rows] = [clusters.clusters, clusters.cuts]
    return [sorted(zip(*as_table(it).to_pydict().values(), strict=True), key=str) for it in found]


def test_tables_frames_and_tasks_give_the_same_clusters(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = drawn_evidence(seed=2, records=60, pairs=80)
    here, told = cluster_records(spark, evidence, RULES)
    assert told.startswith("local engine, all on the driver: 60 records, ")
    frames = in_frames(spark, evidence, partitions=3)
    fetched, told_fetched = cluster_records(spark, frames, RULES)
    monkeypatch.setattr(limits, "PAIRS_CLUSTERED", -1)
    monkeypatch.setattr(limits, "GROUP_ROWS", 7)
    there, told_there = cluster_records(spark, frames, RULES)
    assert told_fetched == told
    assert "edges or vertices fit on the driver" in told_there
    assert rows_of(here) == rows_of(fetched) == rows_of(there)
    assert all(rows_of(here))


def test_an_engine_of_spark_that_was_asked_for_runs_even_for_little_in_memory(spark: SparkSession) -> None:
    evidence = drawn_evidence(seed=4, records=10, pairs=10)
    here, _ = cluster_records(spark, evidence, RULES)
    asked = replace(RULES, config=RULES.config.model_copy(update={"engine": "dataframe"}))
    there, told = cluster_records(spark, evidence, asked)
    assert told == "dataframe engine, asked for"
    assert rows_of(here) == rows_of(there)


def test_each_pair_is_linked_once_by_the_first_type(spark: SparkSession) -> None:
    rows = [("a", "user_id", "1"), ("b", "user_id", "1"), ("a", "card", "2"), ("b", "card", "2"), ("c", "cookie", "1")]
    frame = spark.createDataFrame(rows, "record_key string, type string, value_hash string")
    links = build_identifier_links(frame, ["user_id", "card"])
    assert list(map(tuple, links.collect())) == [("a", "b", "card")]
