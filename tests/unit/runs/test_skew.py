"""The skew of a stage, from a real session with one slow task."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest
from pyspark.errors import PySparkAttributeError
from pyspark.sql import SparkSession
from tests.unit.runs.fakes import MONDAY, FakeStages, make_project

from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.run_log import read_runs
from cdp_spark.runs.runner import run_stages
from cdp_spark.runs.stages import Work
from cdp_spark.session.skew import newest_spark_stage, read_skew
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.store import Store


def run_tasks(spark: SparkSession, tasks: int, seconds: float = 2) -> None:
    """As many tasks, of which the first one sleeps."""

    # inside, so that it travels by value: workers do not find the tests' own modules
    def sleep_on_zero(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if 0 in batch.column(0).to_pylist():
                time.sleep(seconds)
            yield batch

    spark.range(tasks, numPartitions=tasks).mapInArrow(sleep_on_zero, "id long").write.format("noop").mode(
        "overwrite"
    ).save()


def test_one_slow_task_is_told(spark: SparkSession) -> None:
    run_tasks(spark, 6, seconds=0)
    before = newest_spark_stage(spark)
    assert read_skew(spark, "matching", after=before) == {}, "what ran before does not count"
    spark.range(6, numPartitions=6).write.format("noop").mode("overwrite").save()
    run_tasks(spark, 6)
    figures = read_skew(spark, "matching", after=before)
    assert figures.keys() == {"skew.matching"}
    assert figures["skew.matching"] > 1.5
    run_tasks(spark, 2, seconds=0)
    assert read_skew(spark, "matching", after=before) == figures, "two tasks have no median"


def test_short_tasks_are_even(spark: SparkSession) -> None:
    spark.range(1).write.format("noop").mode("overwrite").save()
    before = newest_spark_stage(spark)
    assert before is not None
    spark.range(8, numPartitions=8).write.format("noop").mode("overwrite").save()
    [skew] = read_skew(spark, "ingest", after=before).values()
    assert skew >= 1.0


def test_without_java_there_is_no_figure(monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> None:
    def refuse(_: SparkSession) -> None:
        raise PySparkAttributeError(errorClass="JVM_ATTRIBUTE_NOT_SUPPORTED", messageParameters={"attr_name": "_jsc"})

    monkeypatch.setattr(SparkSession, "sparkContext", property(refuse))
    assert newest_spark_stage(spark) is None
    assert read_skew(spark, "matching", after=None) == {}
    assert read_skew(spark, "matching", after=0) == {}


def test_a_run_records_the_skew_of_a_stage(store: Store, stages: FakeStages) -> None:
    def load(name: str) -> Work:
        def run(context: RunContext) -> StageResult:
            run_tasks(context.store.spark, 4)
            return StageResult(metrics={"person.pairs.compared": 3.0})

        return run if name == "matching" else stages.load(name)

    options = replace(RunOptions(as_of=MONDAY, report=False), find_work=load)
    run_stages(store, make_project(), options, first="matching", last="clustering")
    [run] = read_runs(store)
    figures = {name: dict(run.finished[name].metrics) for name in ("matching", "clustering")}
    told = {stage: {name for name in of if not name.startswith("basis.")} for stage, of in figures.items()}
    assert told == {"matching": {"person.pairs.compared", "skew.matching"}, "clustering": set()}
    assert figures["matching"]["skew.matching"] > 1.5
    assert run.finished["matching"].rows == 3
