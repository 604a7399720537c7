"""The parts of the identity stage that stand alone."""

from __future__ import annotations

import uuid

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp_spark.errors import StateError
from cdp_spark.identity.issuer import uuid5_expr
from cdp_spark.identity.resolved import ResolvedId, resolve_id, resolve_ids
from cdp_spark.tables.catalog import ID_REGISTRY

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


def test_merges_are_followed_to_their_end(spark: SparkSession) -> None:
    got = resolve_ids(spark.createDataFrame(REGISTRY, ID_REGISTRY.schema))
    expected = spark.createDataFrame(
        [
            ("a", "d", "live"),
            ("b", "d", "live"),
            ("c", "d", "live"),
            ("d", "d", "live"),
            ("e", "f", "closed"),
            ("f", "f", "closed"),
        ],
        "unified_id string, resolved_id string, resolved_status string",
    )
    assert_df_equality(got, expected, ignore_row_order=True, ignore_nullable=True)


def test_one_id_is_followed_with_its_path(spark: SparkSession) -> None:
    registry = spark.createDataFrame(REGISTRY, ID_REGISTRY.schema)
    assert resolve_id(registry, "a") == ResolvedId("a", ("a", "b", "c", "d"), "live", "label")
    assert resolve_id(registry, "e").resolved_id == "f"
    with pytest.raises(StateError, match="never issued"):
        resolve_id(registry, "z")
