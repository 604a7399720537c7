"""Frames that serve several times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.tables import checkpoint as checkpoint_module
from cdp_spark.tables.checkpoint import checkpoint, checkpoint_and_count, remove_leftovers
from cdp_spark.tables.store import Store


@pytest.mark.parametrize("of", ["the head", "a version"])
def test_what_is_kept_stays_when_its_table_is_written(spark: SparkSession, tmp_path: Path, of: str) -> None:
    table = str(tmp_path / "table")
    spark.range(3).write.format("delta").save(table)
    reader = spark.read.format("delta")
    kept = checkpoint((reader.option("versionAsOf", 0) if of == "a version" else reader).load(table))
    assert kept.count() == 3
    spark.range(10, 15).write.format("delta").mode("overwrite").save(table)
    assert sorted(row["id"] for row in kept.collect()) == [0, 1, 2]


def test_it_is_computed_once(spark: SparkSession) -> None:
    calls = spark.sparkContext.accumulator(0)

    def counted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            calls.add(batch.num_rows)
            yield batch

    held = checkpoint_and_count(spark.range(20).mapInArrow(counted, "id long"))
    assert (held.count, held.rows.count(), held.joinable.count()) == (20, 20, 20)
    assert calls.value == 20


def test_few_rows_are_sent_to_every_task(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    held, ids = checkpoint_and_count(spark.range(3)), spark.range(1000).repartition(2)
    assert "BroadcastHashJoin" in _plan(ids.join(held.joinable, "id"))
    monkeypatch.setattr(checkpoint_module, "BROADCAST_ROWS", 2)
    assert "BroadcastHashJoin" not in _plan(ids.join(held.joinable.hint("merge"), "id"))


def test_joining_nothing_leaves_out_what_it_is_joined_to(spark: SparkSession) -> None:
    nothing = checkpoint_and_count(spark.range(0))
    assert "Join" not in _plan(spark.range(1000).join(nothing.joinable, "id"))


@pytest.mark.parametrize("limit", [100, 10])
def test_few_rows_join_and_group_without_a_shuffle(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(checkpoint_module, "GATHERED_ROWS", limit)
    one = checkpoint_and_count(spark.range(100).repartition(2).selectExpr("id", "id % 3 AS part"))
    other = checkpoint_and_count(spark.range(100).repartition(2).selectExpr("id", "id % 7 AS part"))
    joined = one.rows.hint("merge").join(other.rows, ["id", "part"], "left").groupBy("part").count()
    assert ("Exchange" in _plan(joined)) == (limit < 100)
    assert sorted(map(tuple, joined.collect())) == [(0, 34), (1, 33), (2, 33)]


def _plan(rows: DataFrame) -> str:
    return str(rows._jdf.queryExecution().executedPlan().toString())


def test_a_run_removes_what_a_killed_one_left_and_a_reader_of_two_days_ago(tmp_path: Path) -> None:
    store = cast("Store", SimpleNamespace(spark=None, folder=tmp_path, location="wh", kind="path"))
    ours, other = (checkpoint_module._place(store.spark, it, "run").warehouse for it in (store, None))
    now = int(time.time())
    left = [f"{ours}_run_{now}_0a_1", f"{ours}_reader_{now - 172_800}_0b_7"]
    kept = [f"{ours}_reader_{now}_0c_1", f"{other}_run_{now}_0d_1"]
    for name in (*left, *kept):
        (tmp_path / "_cdp" / "checkpoints" / name / "_delta_log").mkdir(parents=True)
    remove_leftovers(store)
    assert sorted(it.name for it in (tmp_path / "_cdp" / "checkpoints").iterdir()) == sorted(kept)
    remove_leftovers(store, of_readers=True)
    assert [it.name for it in (tmp_path / "_cdp" / "checkpoints").iterdir()] == kept[1:]
