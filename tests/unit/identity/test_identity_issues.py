"""Held clusters and identifiers over a limit, in Spark and on the driver."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from cdp_spark.identity.in_spark import issues as in_spark
from cdp_spark.identity.in_spark.rules import members as members_in_spark
from cdp_spark.identity.on_driver import issues as on_driver
from cdp_spark.identity.on_driver.rules.members import build_members
from cdp_spark.identity.on_driver.rules.rows import Member
from cdp_spark.tables.catalog import CLUSTERS, IDENTITY_ISSUES, UNIFIED_IDS
from cdp_spark.tables.rows import tuples_of

Row = tuple[object, ...]
Pairs = list[tuple[str, ...]]

CLUSTERED: list[tuple[str, str, str]] = [
    *[(f"r{number}", "person", "big") for number in range(7)],
    *[("s", "person", "small"), ("v1", "visitor", "small"), ("v2", "visitor", "v2")],
    *[(f"w{number}", "visitor", "small") for number in range(7)],
    ("x", "account", "small"),
]
MAX_RECORDS = 6
UNUSED: Pairs = [
    ("r1", "s", "loyalty_id", "unique_value"),
    ("s", "v2", "device_id", "max_people"),
    ("r2", "gone", "loyalty_id", "unique_value"),
]
PAIRS = ("record_key_l", "record_key_r", "identifier_type", "reason")
EXPECTED: list[Row] = [
    ("run", "big", "person", "loyalty_id", "unique_value", 1, 1, ["s"]),
    ("run", "big", "person", "record_key", "max_cluster_records", 7, 7, ["r0", "r1", "r2", "r3", "r4"]),
    ("run", "small", "person", "device_id", "max_people", 1, 1, ["v2"]),
    ("run", "small", "person", "loyalty_id", "unique_value", 1, 1, ["r1"]),
]
ISSUES: list[Row] = [
    ("last", "r0", "person", "record_key", "max_cluster_records", 7, 7, ["r0"]),
    ("last", "s0", "person", "record_key", "max_cluster_records", 8, 8, ["s0"]),
    ("last", "t0", "person", "loyalty_id", "unique_value", 1, 1, ["t0"]),
]


def _issues_in_spark(spark: SparkSession, unused: Pairs) -> list[Row]:
    rows = [(record, kind, "-", cluster) for record, kind, cluster in CLUSTERED]
    clusters = spark.createDataFrame(rows, CLUSTERS.schema)
    nobody = spark.createDataFrame([], UNIFIED_IDS.schema)
    members = members_in_spark.build_members(clusters, nobody, max_records=MAX_RECORDS)
    pairs = spark.createDataFrame(unused, ", ".join(f"{name} string" for name in PAIRS))
    found = in_spark.build_identity_issues(members, pairs, run_id="run")
    return sorted(tuple(row) for row in found.collect())


def _issues_on_driver(_: SparkSession, unused: Pairs) -> list[Row]:
    clusters = pa.Table.from_pylist(
        [dict(zip(("record_key", "entity_type", "cluster"), it, strict=True)) for it in CLUSTERED]
    )
    members = build_members(CLUSTERED, {}, max_records=MAX_RECORDS)
    held = pa.array([it.record_key for it in members if it.is_held], pa.string())
    schema = pa.schema([(name, pa.string()) for name in PAIRS])
    pairs = pa.Table.from_pylist([dict(zip(PAIRS, it, strict=True)) for it in unused], schema)
    return sorted(tuples_of(on_driver.build_identity_issues(clusters, held, pairs, run_id="run")))


@pytest.mark.parametrize("build", [_issues_in_spark, _issues_on_driver])
def test_a_cluster_over_the_limit_is_an_issue_and_so_is_what_a_limit_kept_apart(
    spark: SparkSession, build: Callable[[SparkSession, Pairs], list[Row]]
) -> None:
    assert build(spark, UNUSED) == EXPECTED
    assert build(spark, []) == [EXPECTED[1]]


def test_a_cluster_that_is_held_stays_an_issue_where_nobody_in_it_is_affected(spark: SparkSession) -> None:
    frame = spark.createDataFrame(ISSUES, IDENTITY_ISSUES.schema)
    affected = spark.createDataFrame([("s0",), ("z",)], "record_key string")
    kept = in_spark.build_kept_issues(frame, affected, run_id="run")
    expected = [("run", *ISSUES[0][1:])]
    assert [tuple(row) for row in kept.collect()] == expected
    assert (
        tuples_of(on_driver.keep_issues(IDENTITY_ISSUES.table(ISSUES), pa.array(["s0", "z"]), run_id="run")) == expected
    )


def test_the_unaffected_ends_of_a_limit_are_found(spark: SparkSession) -> None:
    rows = [(record, kind, "-", cluster) for record, kind, cluster in CLUSTERED]
    pairs = spark.createDataFrame(UNUSED, ", ".join(f"{name} string" for name in PAIRS))
    affected = spark.createDataFrame([("s",)], "record_key string")
    ends = in_spark.build_unaffected_ends(spark.createDataFrame(rows, CLUSTERS.schema), affected, pairs)
    assert sorted(tuple(row) for row in ends.collect()) == [
        ("r1", "person", "big", None, False, None),
        ("r2", "person", "big", None, False, None),
        ("v2", "visitor", "v2", None, False, None),
    ]


def test_a_held_cluster_falls_into_parts_and_visitors_do_not_count(spark: SparkSession) -> None:
    clusters = [
        *[("b", "person", "one"), ("a", "visitor", "one"), ("c", "person", "one"), ("d", "account", "one")],
        *[("h2", "person", "big"), ("h1", "person", "big"), ("h0", "person", "big"), ("h3", "visitor", "big")],
    ]
    before = {("h1", "person"): "x", ("h2", "person"): "x", ("b", "account"): "y", ("c", "person"): "z"}
    expected = [
        Member("b", "person", None, "a"),
        Member("a", "visitor", None, "a"),
        Member("c", "person", "z", "a"),
        Member("d", "account", None, "d"),
        Member("h2", "person", "x", "h1", is_held=True),
        Member("h1", "person", "x", "h1", is_held=True),
        Member("h0", "person", None, "h0", is_held=True),
        Member("h3", "visitor", None, "h3", is_held=True),
    ]
    assert build_members(clusters, before, max_records=2) == expected
    frame = spark.createDataFrame([(*it[:2], "-", it[2]) for it in clusters], CLUSTERS.schema)
    ids = spark.createDataFrame([(*key, held) for key, held in before.items()], UNIFIED_IDS.schema)
    members = members_in_spark.build_members(frame, ids, max_records=2)
    rows = members.select("record_key", "entity_type", "previous_id", "first_key", "held").collect()
    assert sorted(map(tuple, rows), key=str) == sorted(map(tuple, expected), key=str)
