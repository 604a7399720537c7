"""Frames that serve several times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.tables.actions import held as held_module
from cdp_spark.tables.actions.held import hold, keep


@pytest.mark.parametrize("of", ["the head", "a version"])
def test_what_is_kept_stays_when_its_table_is_written(spark: SparkSession, tmp_path: Path, of: str) -> None:
    table = str(tmp_path / "table")
    spark.range(3).write.format("delta").save(table)
    reader = spark.read.format("delta")
    kept = keep((reader.option("versionAsOf", 0) if of == "a version" else reader).load(table))
    assert kept.count() == 3
    spark.range(10, 15).write.format("delta").mode("overwrite").save(table)
    assert sorted(row["id"] for row in kept.collect()) == [0, 1, 2]


def test_it_is_computed_once(spark: SparkSession) -> None:
    calls = spark.sparkContext.accumulator(0)

    def counted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            calls.add(batch.num_rows)
            yield batch

    held = hold(spark.range(20).mapInArrow(counted, "id long"))
    assert (held.count, held.rows.count(), held.joinable.count()) == (20, 20, 20)
    assert calls.value == 20


def test_few_rows_are_sent_to_every_task(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    held, ids = hold(spark.range(3)), spark.range(1000).repartition(2)
    assert "BroadcastHashJoin" in _plan(ids.join(held.joinable, "id"))
    monkeypatch.setattr(held_module, "BROADCAST_ROWS", 2)
    assert "BroadcastHashJoin" not in _plan(ids.join(held.joinable.hint("merge"), "id"))


def test_joining_nothing_leaves_out_what_it_is_joined_to(spark: SparkSession) -> None:
    nothing = hold(spark.range(0))
    assert "Join" not in _plan(spark.range(1000).join(nothing.joinable, "id"))


@pytest.mark.parametrize("limit", [100, 10])
def test_few_rows_join_and_group_without_a_shuffle(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(held_module, "GATHERED_ROWS", limit)
    one = hold(spark.range(100).repartition(2).selectExpr("id", "id % 3 AS part"))
    other = one.gather(spark.range(100).selectExpr("id", "id % 7 AS part"))
    joined = one.rows.hint("merge").join(other, ["id", "part"], "left").groupBy("part").count()
    assert ("Exchange" in _plan(joined)) == (limit < 100)
    assert sorted(map(tuple, joined.collect())) == [(0, 34), (1, 33), (2, 33)]


def _plan(rows: DataFrame) -> str:
    return str(rows._jdf.queryExecution().executedPlan().toString())
