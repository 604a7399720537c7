"""The parts of the identity stage that stand alone."""

from __future__ import annotations

import uuid

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp_spark.errors import StateError
from cdp_spark.identity import frames
from cdp_spark.identity.changes import build_erased_changes, close_erased
from cdp_spark.identity.frames import match_one_to_one, uuid5_expr
from cdp_spark.identity.frames_tables import ResolvedId, resolve_id
from cdp_spark.identity.groups import group_places
from cdp_spark.tables.catalog import ID_REGISTRY, UNIFIED_IDS
from cdp_spark.tables.rows import tuples_of

REGISTRY = [
    ("a", "person", "merged", "b", None, 1, 2, "label"),
    ("b", "person", "merged", "c", None, 1, 3, "model"),
    ("c", "person", "merged", "d", None, 1, 4, "model"),
    ("d", "person", "live", None, None, 1, None, "new_record"),
    ("e", "person", "merged", "f", None, 1, 2, "model"),
    ("f", "person", "closed", None, None, 1, 5, "removed_record"),
]


def test_uuid5_is_pythons(spark: SparkSession) -> None:
    namespace = uuid.UUID("5d0c2a52-9c1f-4f0e-8d5c-0d3f5a3c1b11")
    names = ["", "1:00ab", "17:ffff", "Zoë 漢字", *[f"{number}:{number:032x}" for number in range(100)], None]
    rows = spark.createDataFrame([(name,) for name in names], "name string")
    got = rows.withColumn("id", uuid5_expr(namespace, F.col("name")))
    expected = [(name, None if name is None else str(uuid.uuid5(namespace, name))) for name in names]
    assert_df_equality(got, spark.createDataFrame(expected, "name string, id string"), ignore_nullable=True)


def test_one_id_is_followed_with_its_path(spark: SparkSession) -> None:
    registry = spark.createDataFrame(REGISTRY, ID_REGISTRY.schema)
    assert resolve_id(registry, "a") == ResolvedId("a", ("a", "b", "c", "d"), "live", "label")
    assert resolve_id(registry, "e").resolved_id == "f"
    with pytest.raises(StateError, match="never issued"):
        resolve_id(registry, "z")


def test_the_ids_of_erased_people_are_closed_and_their_records_told_of() -> None:
    entries = ID_REGISTRY.table([REGISTRY[3]])
    records = UNIFIED_IDS.table([("r1", "person", "d"), ("v1", "visitor", "d")])
    assert tuples_of(close_erased(entries, release=7)) == [("d", "person", "closed", None, None, 1, 7, "erasure")]
    assert tuples_of(build_erased_changes(records, release=7)) == [
        (7, "r1", "d", "person", "d", "erased", "erasure"),
        (7, "v1", "d", "visitor", "d", "erased", "erasure"),
    ]


CLAIMS = [
    ("g1", "alone", 1, 1),
    ("g2", "x", 2, 2),
    ("g2", "y", 3, 2),
    ("g3", "y", 3, 2),
    ("g3", "x", 1, 2),
    ("g4", "x", 2, 2),
    ("g4", "old", 2, 1),
    ("g5", "old", 1, 1),
]


def test_groups_get_the_ids_with_which_they_have_most_in_common_once(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = "first_key string, unified_id string, record_overlap long, created_release long"
    claims = spark.createDataFrame(CLAIMS, schema)
    expected = [("g1", "alone"), ("g2", "y"), ("g3", "x"), ("g4", "old")]
    assert sorted(map(tuple, match_one_to_one(claims).collect())) == expected
    monkeypatch.setattr(frames, "CONTESTED_ON_DRIVER_RECORDS", -1)  # group by group, in Spark
    assert sorted(map(tuple, match_one_to_one(claims).collect())) == expected


def test_places_that_claim_the_same_ids_are_one_group() -> None:
    claims = pa.table({"place": [5, 3, 3, 9, 7], "id": [50, 50, 30, 90, 30]})
    groups = group_places(claims).to_pydict()
    assert groups == {"place": [3, 5, 7, 9], "contest_group": [3, 3, 3, 9]}
