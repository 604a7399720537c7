"""How unevenly the tasks of a stage were loaded, from what Spark itself counts."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from py4j.java_gateway import JavaObject
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

_FEWEST_TASKS = 3
"""Of one or two tasks the median says nothing."""
_SHORTEST_MEDIAN = 100
"""Milliseconds; what tasks below it take depends on the weather, and empty ones take none."""
_PATIENCE = 5000
"""Milliseconds in which Spark has to have counted the tasks that have ended; it counts them on the side."""
_NOT_HERE = (AttributeError, TypeError, Py4JError, PySparkException)
"""What is raised where Spark's Java is out of reach (Spark Connect), or is of another make."""


@dataclass(frozen=True)
class _SparkStage:
    """A finished stage of a Spark job.

    Args:
        number: its id; later ones are higher.
        attempt: the last one.
        tasks: that ended well.
        milliseconds: of all its tasks together.
    """

    number: int
    attempt: int
    tasks: int
    milliseconds: int


def newest_spark_stage(spark: SparkSession) -> int | None:
    """The id of the last stage that Spark finished, -1 before the first; None where Spark's Java is out of reach."""
    try:
        return next((it.number for it in _newest_first(spark)), -1)
    except _NOT_HERE:
        return None


def read_skew(spark: SparkSession, stage: str, *, after: int | None) -> dict[str, float]:
    """The figure `skew.STAGE`: the longest task over the median one in the Spark stage that took most task time.

    Spark keeps the newest `spark.ui.retainedStages`, a thousand unless set, with or without its UI.

    Args:
        spark: the session of the stage.
        stage: of the run.
        after: as `newest_spark_stage` gave it before the stage; later Spark stages count.
    Returns: the figure, at least 1; empty where no Spark stage had tasks enough, or Spark's Java is out of reach.
    """
    if after is None:
        return {}
    try:
        skew = _read_skew(spark, after)
    except _NOT_HERE as error:
        log.debug("no skew of %s (%s)", stage, type(error).__name__)
        return {}
    return {} if skew is None else {f"skew.{stage}": skew}


def _read_skew(spark: SparkSession, after: int) -> float | None:
    found = []
    for it in _newest_first(spark):
        if it.number <= after:
            break
        found.append(it)
    counted = [it for it in found if it.tasks >= _FEWEST_TASKS]
    if not counted:
        return None
    slowest = max(counted, key=lambda it: (it.milliseconds, it.number))
    median, longest = _quantiles(spark, slowest, 0.5, 1.0)
    return max(longest / max(median, _SHORTEST_MEDIAN), 1.0)


def _newest_first(spark: SparkSession) -> Iterator[_SparkStage]:
    """The finished stages that Spark remembers, in the order in which its store gives them."""
    context, jvm = spark.sparkContext, spark.sparkContext._jvm
    context._jsc.sc().listenerBus().waitUntilEmpty(_PATIENCE)
    complete = jvm.org.apache.spark.status.api.v1.StageStatus.COMPLETE  # type: ignore[union-attr]
    listed = _store(spark).stageList([complete], False, False, _doubles(spark), []).iterator()
    while listed.hasNext():
        it = listed.next()
        yield _SparkStage(it.stageId(), it.attemptId(), it.numCompleteTasks(), it.executorRunTime())


def _quantiles(spark: SparkSession, stage: _SparkStage, *wanted: float) -> list[float]:
    """Of the milliseconds of a stage's tasks."""
    summary = _store(spark).taskSummary(stage.number, stage.attempt, _doubles(spark, *wanted)).get()
    return [float(summary.executorRunTime().apply(place)) for place in range(len(wanted))]


def _store(spark: SparkSession) -> JavaObject:
    return spark.sparkContext._jsc.sc().statusStore()


def _doubles(spark: SparkSession, *values: float) -> JavaObject:
    gateway = spark.sparkContext._gateway
    array = gateway.new_array(gateway.jvm.double, len(values))  # type: ignore[union-attr]
    for place, value in enumerate(values):
        array[place] = value
    return array
