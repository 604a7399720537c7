"""Independent actions at the same time."""

import threading
import time

import pytest
from pyspark.sql import SparkSession

from cdp_spark.tables.actions.together import run_together


def test_actions_run_at_the_same_time_and_keep_their_order(spark: SparkSession) -> None:
    meeting = threading.Barrier(2, timeout=60)

    def meet(rows: int) -> int:
        meeting.wait()
        return spark.range(rows).count()

    results = run_together(spark, {"b": lambda: meet(3), "a": lambda: meet(5)})
    assert list(results.items()) == [("b", 3), ("a", 5)]


def test_the_first_failure_is_raised_after_all_have_ended(spark: SparkSession) -> None:
    ended = []

    def fail(name: str) -> None:
        raise ValueError(name)

    actions = {"one": lambda: ended.append("one"), "two": lambda: fail("two"), "three": lambda: fail("three")}
    with pytest.raises(ValueError, match="two"):
        run_together(spark, actions)
    assert ended == ["one"]
    assert run_together(spark, {}) == {}


def test_nothing_is_left_of_the_jobs_that_ran_side_by_side(spark: SparkSession) -> None:
    jobs = spark.sparkContext._jsc.sc().dagScheduler().jobIdToQueryExecutionId()
    frame = spark.range(10).groupBy("id").count()

    run_together(spark, dict.fromkeys("abcd", lambda: [frame.collect() for _ in range(5)]))

    patience = time.monotonic() + 30  # a query's jobs are let go in the background
    while jobs.size() and time.monotonic() < patience:
        time.sleep(0.1)
    assert jobs.size() == 0
