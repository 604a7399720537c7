"""Which engine runs, and what a caller gets back."""

from __future__ import annotations

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp_spark.clustering.engines import components, graphframes, stars
from cdp_spark.clustering.engines.components import build_components, choose_engine
from cdp_spark.errors import StateError


@pytest.fixture(scope="module")
def graph(spark: SparkSession) -> tuple[DataFrame, DataFrame]:
    vertices = spark.createDataFrame([(key,) for key in "dcbae"], "record_key string")
    edges = [("c", "b"), ("b", "c"), ("d", "c"), ("a", "a"), ("a", None), ("e", "unknown")]
    return vertices, spark.createDataFrame(edges, "record_key_l string, record_key_r string")


@pytest.mark.parametrize(("local_max_edges", "engine"), [(6, "local"), (5, "dataframe")])
def test_auto_chooses_by_size_and_says_why(
    spark: SparkSession,
    graph: tuple[DataFrame, DataFrame],
    monkeypatch: pytest.MonkeyPatch,
    local_max_edges: int,
    engine: str,
) -> None:
    monkeypatch.setattr(components, "graphframes_available", lambda _: False)
    found = build_components(*graph, local_max_edges=local_max_edges)
    expected = [("a", "a"), ("b", "b"), ("c", "b"), ("d", "b"), ("e", "e")]
    assert_df_equality(
        found.components,
        spark.createDataFrame(expected, "record_key string, component string"),
        ignore_row_order=True,
        ignore_nullable=True,
    )
    assert found.engine == engine
    assert f"limit of {local_max_edges}" in found.reason or f"limit {local_max_edges}" in found.reason


def test_auto_prefers_graphframes_where_its_classes_are(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "graphframes_available", lambda _: True)
    assert choose_engine(spark, 11, local_max_edges=10) == (
        "graphframes",
        "11 edges or vertices are above the driver's limit of 10; GraphFrames is on the class path",
    )


def test_graphframes_without_its_jar_says_how_to_get_it(
    graph: tuple[DataFrame, DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphframes, "graphframes_available", lambda _: False)
    with pytest.raises(StateError, match="CDP_GRAPHFRAMES_JAR"):
        build_components(*graph, engine="graphframes")


def test_a_class_that_is_missing_is_no_error_and_logs_none(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(graphframes, "_JVM_CLASS", "org.example.Missing")
    assert graphframes.graphframes_available(spark) is False
    assert "org.example.Missing" not in capfd.readouterr().err


def test_vertices_that_share_a_hash_are_told_apart(
    graph: tuple[DataFrame, DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components, "_hash_expr", lambda name: F.lit(7).alias(f"{name}_hash"))
    found = build_components(*graph, engine="local")
    assert sorted(map(tuple, found.components.collect())) == [
        ("a", "a"),
        ("b", "b"),
        ("c", "b"),
        ("d", "b"),
        ("e", "e"),
    ]


def test_spark_connect_has_no_graphframes() -> None:
    connect_session = type("SparkSession", (), {"__module__": "pyspark.sql.connect.session"})()
    assert graphframes.graphframes_available(connect_session) is False


def test_rounds_that_never_settle_are_an_error(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stars, "_MAX_ROUNDS", 3)
    calls = iter(range(10))
    monkeypatch.setattr(stars, "checkpoint", lambda _: spark.range(next(calls), 10).selectExpr("id src", "0L dst"))
    with pytest.raises(StateError, match="no convergence in 3 rounds"):
        stars.build_stars(spark.range(0))
