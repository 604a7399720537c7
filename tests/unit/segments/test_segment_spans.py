from __future__ import annotations

from datetime import UTC, datetime

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.segments.changes import (
    Evidence,
    build_erased_members,
    build_identity_reasons,
    build_moves,
    explain_moves,
)
from cdp_spark.segments.members import build_segment_members
from cdp_spark.tables.catalog import ID_CHANGES, SEGMENT_CHANGES, SEGMENT_MEMBERS

_CURRENT = "segment string, unified_id string, definition_hash string, distance double"


def night(number: int) -> datetime:
    return datetime(2026, 1, number, 2, tzinfo=UTC)


def members_of(spark: SparkSession, *rows: tuple[str, str, datetime, datetime | None, str]) -> DataFrame:
    return spark.createDataFrame([(*row, None) for row in rows], SEGMENT_MEMBERS.schema)


def ids_of(spark: SparkSession, *people: str) -> DataFrame:
    return spark.createDataFrame([(name,) for name in people], "unified_id string")


def test_spans_of_membership(spark: SparkSession) -> None:
    previous = members_of(
        spark,
        ("s", "stays", night(1), None, "h1"),
        ("s", "leaves", night(1), None, "h1"),
        ("s", "returns", night(1), night(2), "h1"),
        ("dropped", "stays", night(1), None, "h0"),
    )
    current = spark.createDataFrame([("s", who, "h2", None) for who in ("stays", "returns", "comes")], _CURRENT)
    expected = members_of(
        spark,
        ("s", "stays", night(1), None, "h2"),
        ("s", "leaves", night(1), night(3), "h2"),
        ("s", "returns", night(1), night(2), "h1"),
        ("s", "returns", night(3), None, "h2"),
        ("s", "comes", night(3), None, "h2"),
        ("dropped", "stays", night(1), night(3), "h0"),
    )
    once = build_segment_members(current, previous, definitions={"s": "h2"}, as_of=night(3)).localCheckpoint()
    again = build_segment_members(current, once, definitions={"s": "h2"}, as_of=night(3))
    for found in (once, again):
        assert_df_equality(found, expected, ignore_row_order=True, ignore_nullable=True)


def test_who_is_erased_leaves_the_segments_that_they_are_in(spark: SparkSession) -> None:
    members = members_of(
        spark,
        ("left", "erased", night(1), night(2), "h"),
        ("again", "erased", night(1), night(2), "h"),
        ("again", "erased", night(2), None, "h"),
    )
    expected = spark.createDataFrame([(3, "again", "erased", "exit", "erasure")], SEGMENT_CHANGES.schema)
    assert_df_equality(build_erased_members(members, release=3), expected, ignore_nullable=True)


def test_every_change_has_its_reason(spark: SparkSession) -> None:
    before = members_of(
        spark,
        ("kept", "gone", night(1), None, "h"),
        ("kept", "stays", night(1), None, "h"),
        ("kept", "loser", night(1), None, "h"),
        ("kept", "erased", night(1), None, "h"),
        ("kept", "refuser", night(1), None, "h"),
        ("kept", "quiet refuser", night(1), None, "h"),
        ("kept", "quiet", night(1), None, "h"),
        ("timed", "quiet", night(1), None, "h"),
        ("timed", "refuser", night(1), None, "h"),
        ("timed", "busy", night(1), None, "h"),
        ("empty", "data", night(1), night(2), "h"),
        ("changed", "stays", night(1), None, "old"),
        ("dropped", "stays", night(1), None, "h"),
    )
    now = members_of(
        spark,
        ("kept", "stays", night(1), None, "h"),
        ("kept", "created", night(3), None, "h"),
        ("kept", "absorber", night(3), None, "h"),
        ("empty", "data", night(3), None, "h"),
        ("changed", "created", night(3), None, "new"),
        ("fresh", "stays", night(3), None, "h"),
    )
    id_changes = spark.createDataFrame(
        [
            (3, "r1", "created", "person", None, "created", "new_record"),
            (3, "r2", "stays", "person", "loser", "merged", "model"),
            (3, "r3", "absorber", "person", None, "absorbed", "new_record"),
            (3, "r4", "erased", "person", "erased", "erased", "erasure"),
        ],
        ID_CHANGES.schema,
    )
    everyone = before.unionByName(now).select("unified_id")
    evidence = Evidence(
        unchanged={"kept", "timed", "empty"},
        clocked={"timed"},
        identities=build_identity_reasons(id_changes, everyone),
        profiles=ids_of(spark, "gone", "data", "created", "absorber", "loser", "erased"),
        consents=ids_of(spark, "refuser", "quiet refuser", "gone", "created", "absorber", "loser", "erased"),
        traits=ids_of(spark, "quiet refuser", "quiet", "busy"),
        events=ids_of(spark, "busy"),
    )
    expected = [
        (3, "kept", "gone", "exit", "data"),
        (3, "kept", "loser", "exit", "identity"),
        (3, "kept", "erased", "exit", "erasure"),
        (3, "kept", "refuser", "exit", "consent"),
        (3, "kept", "quiet refuser", "exit", "data"),
        (3, "kept", "quiet", "exit", "data"),
        (3, "timed", "quiet", "exit", "window"),
        (3, "timed", "refuser", "exit", "consent"),
        (3, "timed", "busy", "exit", "data"),
        (3, "kept", "created", "enter", "identity"),
        (3, "kept", "absorber", "enter", "data"),
        (3, "empty", "data", "enter", "data"),
        (3, "changed", "stays", "exit", "definition"),
        (3, "changed", "created", "enter", "definition"),
        (3, "dropped", "stays", "exit", "definition"),
        (3, "fresh", "stays", "enter", "definition"),
    ]
    found = explain_moves(build_moves(now, before), evidence, release=3)
    assert_df_equality(
        found, spark.createDataFrame(expected, SEGMENT_CHANGES.schema), ignore_row_order=True, ignore_nullable=True
    )
