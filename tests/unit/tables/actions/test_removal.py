"""Rows taken out of a table are in none of its files, nor in its log."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp_spark.tables.actions.removal import AnyOf, Joined, count_matching, delete_matching, purge_deleted, vacuum
from cdp_spark.tables.spec import TableKind, TableSpec, columns
from cdp_spark.tables.store import Store

PAIRS = TableSpec(
    name="pairs",
    grain="a pair",
    schema=columns(left="string!", right="string!", size="long"),
    keys=("size",),
    kind=TableKind.BATCH,
    constraints={"ordered": "left < right"},
)
SECRETS = AnyOf(("left", "right"), ("secret-1", "secret-2"))


@pytest.fixture(params=[True, False], ids=["direct", "through Spark"])
def store(spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    store = Store(spark, str(tmp_path / "warehouse"), direct=request.param)
    for rows in ([("a", "secret-1", 1), ("a", "b", 2)], [("c", "d", 3)], [("secret-2", "z", 4), ("x", "y", None)]):
        store.append(PAIRS, PAIRS.table(rows), application=None)
    return store


def _files(store: Store) -> list[Path]:
    return sorted(Path(store.location, PAIRS.name).glob("*.parquet"))


def test_rows_with_a_value_in_any_column_go(store: Store) -> None:
    assert count_matching(store, PAIRS, SECRETS) == 2
    assert count_matching(store, PAIRS, SECRETS, version=1) == 1
    assert count_matching(store, PAIRS, AnyOf(("left",), ())) == 0
    delete_matching(store, PAIRS, SECRETS)
    left = [(row.left, row.right, row.size) for row in store.read(PAIRS).orderBy("left").collect()]
    assert left == [("a", "b", 2), ("c", "d", 3), ("x", "y", None)]
    vacuum(store, PAIRS)
    assert not [path for path in _files(store) if b"secret" in path.read_bytes()]
    assert _files(store)
    newest = sorted(Path(store.location, PAIRS.name, "_delta_log").glob("*.json"))[4:]
    assert newest
    assert not [path for path in newest if "secret" in path.read_text()]


def test_rows_that_agree_with_others_go(store: Store) -> None:
    some = pa.table({"length": [1, 1, 8], "most": [2, 1, 9]})
    few = Joined(some, lambda column: (F.length(column("left")) == F.col("length")) & (column("size") < F.col("most")))
    assert count_matching(store, PAIRS, few) == 2
    delete_matching(store, PAIRS, few)
    assert {row.left for row in store.read(PAIRS).collect()} == {"a", "c", "x"}


def test_rows_that_deletion_vectors_hide_are_written_away(store: Store) -> None:
    hidden = "delta.enableDeletionVectors"
    store.spark.sql(f"ALTER TABLE delta.`{store.identifier(PAIRS)}` SET TBLPROPERTIES ('{hidden}' = 'true')")
    store.append(PAIRS, PAIRS.table([("n", "secret-3", 5), ("n", "o", 6)]), application=None)
    store.spark.sql(f"DELETE FROM {store.sql_name(PAIRS)} WHERE right = 'secret-3'")
    assert [path for path in _files(store) if b"secret-3" in path.read_bytes()]
    purge_deleted(store, PAIRS)
    vacuum(store, PAIRS)
    assert not [path for path in _files(store) if b"secret-3" in path.read_bytes()]
    assert store.read(PAIRS).count() == 6


def test_files_that_somebody_may_be_about_to_commit_stay(store: Store) -> None:
    young = Path(store.location, PAIRS.name, "part-of-a-writer.parquet")
    young.write_bytes(b"not committed yet")
    old = Path(store.location, PAIRS.name, "old.parquet")
    old.write_bytes(b"came to nothing")
    os.utime(old, (0, 0))
    vacuum(store, PAIRS, older_than=1.0 if store.direct else 0.1)
    assert not old.exists()
    assert young.exists() is store.direct  # Spark is asked after that time, so it is old by then
    assert store.read(PAIRS).count() == 5


def test_settings_are_put_back(store: Store) -> None:
    names = ("spark.databricks.delta.retentionDurationCheck.enabled", "spark.databricks.delta.vacuum.logging.enabled")
    before = [store.spark.conf.get(name, None) for name in names]
    delete_matching(store, PAIRS, SECRETS)
    vacuum(store, PAIRS)
    assert [store.spark.conf.get(name, None) for name in names] == before
