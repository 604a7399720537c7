"""A run that is killed with SIGKILL in stage after stage, and started again each time, ends as one that never was."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.integration.killed import killed_run
from tests.integration.small_project import write_small_project

from cdp_spark.config.load import load_project
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.run_log import read_runs
from cdp_spark.runs.runner import nightly
from cdp_spark.runs.stages import STAGES
from cdp_spark.runs.summary import RunSummary
from cdp_spark.tables.catalog import (
    DATA_QUALITY,
    DELIVERIES,
    RELEASES,
    RUN_METRICS,
    RUNS,
    SEGMENTS,
    TABLES,
    TOUCHED_RECORDS,
)
from cdp_spark.tables.store import Store

_OWN_CLOCK = {RUNS.name, RUN_METRICS.name, RELEASES.name}
"""Tables that say when something really happened."""
_OF_THE_NIGHT = {SEGMENTS.name}
"""Tables that say for which night they were made."""
_LOGS = {DATA_QUALITY.name, DELIVERIES.name, TOUCHED_RECORDS.name}
"""Tables to which every night adds what it measured, handed over or worked on."""
_OF_FITTING = "person.model.pairs"
"""A figure of the attempt that fitted the model; one that goes on with a model saved before the kill has none."""
_KILLS = [("ingest", 1), ("matching", 1), ("identity", 2), ("publish", 1), ("activation", 1)]


@dataclass(frozen=True)
class Night:
    """A night that was never killed; tests that go on from it copy its warehouse."""

    project: Path
    warehouse: Path
    summary: RunSummary


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("never_killed")
    project = write_small_project(folder / "shop", people=200)
    store = Store(spark, str(folder / "warehouse"))
    summary = nightly(store, load_project(project), RunOptions(as_of=killed_run.AS_OF))
    return Night(project, folder / "warehouse", summary)


def assert_same_tables(left: Store, right: Store) -> None:
    for spec in TABLES.values():
        if spec.name in _OWN_CLOCK:
            continue
        assert left.exists(spec) == right.exists(spec), spec.name
        assert sorted_rows(left.read(spec)) == sorted_rows(right.read(spec)), spec.name


def sorted_rows(table: DataFrame) -> list[str]:
    """All rows as text in one order, whatever the order of the rows and of the entries of their maps."""
    return sorted(json.dumps(row.asDict(recursive=True), sort_keys=True, default=str) for row in table.collect())


def without_times(metrics: dict[str, float]) -> dict[str, float]:
    """The figures that are the same however long the tasks took, and whatever versions a killed attempt left behind."""
    return {name: value for name, value in metrics.items() if not name.startswith(("skew.", "basis."))}


def kill_in(project: Path, warehouse: Path, stage: str, writes: int) -> None:
    command = [sys.executable, "-m", killed_run.__name__, str(project), str(warehouse), stage, str(writes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


@pytest.mark.slow
def test_a_run_killed_in_five_stages_ends_as_one_never_killed(
    spark: SparkSession, night: Night, tmp_path: Path
) -> None:
    killed = Store(spark, str(tmp_path / "killed"))
    for stage, writes in _KILLS:
        kill_in(night.project, Path(killed.location), stage, writes)
        assert list(read_runs(killed)[0].finished) == list(STAGES[: STAGES.index(stage)])
    resumed = nightly(killed, load_project(night.project), RunOptions(as_of=killed_run.AS_OF))
    assert (resumed.resumed, night.summary.resumed) == (True, False)
    assert [run.status for run in read_runs(killed)] == ["finished"]
    figures = [{**without_times(summary.metrics), _OF_FITTING: 0.0} for summary in (resumed, night.summary)]
    assert figures[0] == figures[1]
    assert_same_tables(killed, Store(spark, str(night.warehouse)))


@pytest.mark.slow
def test_a_second_run_on_unchanged_input_changes_nothing(spark: SparkSession, night: Night, tmp_path: Path) -> None:
    store = Store(spark, str(shutil.copytree(night.warehouse, tmp_path / "warehouse")))
    before = {spec.name: store.version(spec) for spec in TABLES.values() if store.exists(spec)}
    tomorrow = RunOptions(as_of=killed_run.AS_OF + timedelta(days=1))
    second = nightly(store, load_project(night.project), tomorrow)
    assert second.profiles == night.summary.profiles
    changed = {}
    for name, version in before.items():
        now, then = (Counter(sorted_rows(store.read(TABLES[name], version=it))) for it in (None, version))
        if name not in _OWN_CLOCK | _OF_THE_NIGHT and (then - now or now - then):
            changed[name] = sorted((then - now).elements())
    assert changed.keys() <= _LOGS
    assert not any(changed.values())
