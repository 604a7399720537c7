"""Held clusters and identifiers over a limit."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import SparkSession
from tests.identity_night import clusters_of

from cdp_spark.identity.frames import build_issues
from cdp_spark.identity.issues import find_kept_apart, list_held, list_kept_apart
from cdp_spark.identity.members import find_contest, find_former_holders, join_members
from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, UNIFIED_IDS
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
SCHEMA = pa.schema([(name, pa.string()) for name in PAIRS])


def pairs_of(unused: Pairs) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(PAIRS, it, strict=True)) for it in unused], SCHEMA)


def test_a_cluster_over_the_limit_is_an_issue() -> None:
    members = join_members(clusters_of(CLUSTERED), UNIFIED_IDS.table([]), [])
    nobody = find_former_holders(ID_CHANGES.table([]), ID_REGISTRY.table([]))
    contest = find_contest(members, nobody, max_records=MAX_RECORDS)
    assert tuples_of(list_held(contest, run_id="run")) == [EXPECTED[1]]
    assert list_held(find_contest(members, nobody, max_records=99), run_id="run").num_rows == 0


def test_what_a_limit_kept_apart_is_an_issue_of_the_people_on_the_other_side() -> None:
    found = find_kept_apart(clusters_of(CLUSTERED), pairs_of(UNUSED))
    assert sorted(tuples_of(list_kept_apart(found, run_id="run"))) == [EXPECTED[0], *EXPECTED[2:]]
    none = find_kept_apart(clusters_of(CLUSTERED), pairs_of([]))
    assert list_kept_apart(none, run_id="run").num_rows == 0


def test_spark_lists_the_same_of_what_a_limit_kept_apart(spark: SparkSession) -> None:
    clusters = spark.createDataFrame(clusters_of(CLUSTERED))
    found = build_issues(clusters, spark.createDataFrame(pairs_of(UNUSED)), run_id="run")
    assert sorted(tuple(row) for row in found.collect()) == [EXPECTED[0], *EXPECTED[2:]]
