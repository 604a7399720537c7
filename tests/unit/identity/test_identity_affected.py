"""Whose ids a night can change, in Spark and on the driver."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from cdp_spark.identity.in_spark import plan as in_spark
from cdp_spark.identity.in_spark.rules import returns
from cdp_spark.identity.on_driver import affected as on_driver
from cdp_spark.tables.catalog import CLUSTERS, ID_CHANGES, ID_REGISTRY
from cdp_spark.tables.rows import tuples_of

Row = tuple[object, ...]
Keys = list[str]

REGISTRY: list[Row] = [
    ("a", "person", "merged", "b", None, 1, 3, "model"),
    ("b", "person", "live", None, None, 1, None, "new_record"),
    ("d", "person", "closed", None, None, 2, 4, "removed_record"),
]
CHANGES: list[Row] = [
    (1, "r1", "a", "person", None, "created", "new_record"),
    (2, "r2", "b", "person", "a", "moved", "model"),
    (3, "r1", "b", "person", "a", "merged", "model"),
    (2, "r3", "d", "person", "d", "removed", "removed_record"),
    (4, "r3", "d", "person", "d", "removed", "removed_record"),
    (2, "r5", "b", "person", "b", "removed", "removed_record"),
]
FORMER: list[Row] = [("r1", "person", "a", 1, 3), ("r3", "person", "d", 2, 4)]


def test_who_held_an_id_at_its_end_or_left_with_it_is_a_former_holder(spark: SparkSession) -> None:
    frames = [spark.createDataFrame(it, spec.schema) for it, spec in ((CHANGES, ID_CHANGES), (REGISTRY, ID_REGISTRY))]
    assert sorted(tuple(row) for row in returns.build_former_holders(*frames).collect()) == FORMER
    holders = on_driver.build_former_holders(ID_CHANGES.table(CHANGES), ID_REGISTRY.table(REGISTRY))
    assert sorted(tuples_of(holders)) == FORMER
    assert on_driver.build_former_holders(ID_CHANGES.table([]), ID_REGISTRY.table([])).num_rows == 0


def _returning_in_spark(spark: SparkSession, affected: Keys, former: list[Row], clusters: list[Row]) -> Keys:
    rows = in_spark.with_returning(
        spark.createDataFrame([(key,) for key in affected], "record_key string"),
        spark.createDataFrame(former, "record_key string, unified_id string"),
        spark.createDataFrame(clusters, "record_key string, cluster string"),
    )
    return sorted(row["record_key"] for row in rows.collect())


def _returning_on_driver(_: SparkSession, affected: Keys, former: list[Row], clusters: list[Row]) -> Keys:
    found = on_driver.with_returning(
        pa.array(affected), _strings(former, "record_key", "unified_id"), _strings(clusters, "record_key", "cluster")
    )
    return sorted(found.to_pylist())


def _strings(rows: list[Row], *names: str) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema)


@pytest.mark.parametrize("add", [_returning_in_spark, _returning_on_driver])
def test_the_clusters_of_an_ids_other_former_holders_are_looked_at(
    spark: SparkSession, add: Callable[[SparkSession, Keys, list[Row], list[Row]], Keys]
) -> None:
    clusters: list[Row] = [("r1", "one"), ("r2", "two"), ("r3", "three"), ("r4", "two")]
    former: list[Row] = [("r1", "a"), ("r2", "a"), ("gone", "a"), ("r3", "d")]
    assert add(spark, ["r1"], former, clusters) == ["r1", "r2", "r4"]
    assert add(spark, ["r1", "r2"], [("r1", "a"), ("r2", "a")], clusters) == ["r1", "r2"]
    assert add(spark, ["r4"], [], clusters) == ["r4"]


def _moved_in_spark(spark: SparkSession, reclustered: Keys, tonight: list[Row], last: list[Row]) -> Keys:
    clusters, last_clusters = (
        spark.createDataFrame([(key, kind, "-", cluster) for key, kind, cluster in rows], CLUSTERS.schema)
        for rows in (tonight, last)
    )
    keys = spark.createDataFrame([(key,) for key in reclustered], "record_key string")
    return sorted(row["record_key"] for row in in_spark.with_moved_visitors(keys, clusters, last_clusters).collect())


def _moved_on_driver(_: SparkSession, reclustered: Keys, tonight: list[Row], last: list[Row]) -> Keys:
    clusters, last_clusters = (_strings(rows, "record_key", "entity_type", "cluster") for rows in (tonight, last))
    found = on_driver.with_moved_visitors(pa.array(reclustered, pa.string()), clusters, last_clusters)
    return sorted(found.to_pylist())


@pytest.mark.parametrize("add", [_moved_in_spark, _moved_on_driver])
def test_who_is_or_was_with_a_visitor_that_moved_is_looked_at(
    spark: SparkSession, add: Callable[[SparkSession, Keys, list[Row], list[Row]], Keys]
) -> None:
    people: list[Row] = [("p1", "person", "p1"), ("p2", "person", "p2"), ("p3", "person", "p3"), ("p4", "person", "p4")]
    last: list[Row] = [*people, ("v1", "visitor", "p1"), ("v3", "visitor", "p3"), ("v4", "visitor", "p4")]
    tonight: list[Row] = [*people, ("v1", "visitor", "p2"), ("v3", "visitor", "p3"), ("v4", "visitor", "p4")]
    assert add(spark, [], tonight, last) == ["p1", "p2", "v1"]
    assert add(spark, ["p3", "gone"], last, last) == ["gone", "p3", "v3"]
    assert add(spark, [], last, last) == []
