"""A run that is killed with SIGKILL in six stages, and started again each time, ends as one that never was."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.integration import killed_run
from tests.integration.small_project import write_small_project

from cdp_spark.config.load import load_project
from cdp_spark.pipeline import STAGES, RunOptions, nightly, read_runs
from cdp_spark.tables.catalog import RELEASES, RUN_METRICS, RUNS, TABLES
from cdp_spark.tables.store import Store

_OWN_CLOCK = {RUNS.name, RUN_METRICS.name, RELEASES.name}
"""Tables that say when something really happened."""
_KILLS = [("ingest", 1), ("standardise", 1), ("matching", 1), ("identity", 2), ("publish", 1), ("activation", 1)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_project(tmp_path_factory.mktemp("project") / "shop", people=200)


def assert_same_tables(left: Store, right: Store) -> None:
    for spec in TABLES.values():
        if spec.name in _OWN_CLOCK:
            continue
        assert left.exists(spec) == right.exists(spec), spec.name
        assert sorted_rows(left.read(spec)) == sorted_rows(right.read(spec)), spec.name


def sorted_rows(table: DataFrame) -> list[str]:
    """All rows as text in one order, whatever the order of the rows and of the entries of their maps."""
    return sorted(json.dumps(row.asDict(recursive=True), sort_keys=True, default=str) for row in table.collect())


def kill_in(project: Path, warehouse: Path, stage: str, writes: int) -> None:
    command = [sys.executable, killed_run.__file__, str(project), str(warehouse), stage, str(writes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


@pytest.mark.slow
def test_a_run_killed_in_six_stages_ends_as_one_never_killed(
    spark: SparkSession, project: Path, tmp_path: Path
) -> None:
    never = Store(spark, str(tmp_path / "never_killed"))
    killed = Store(spark, str(tmp_path / "killed"))
    checked, options = load_project(project), RunOptions(as_of=killed_run.AS_OF)
    for stage, writes in _KILLS:
        kill_in(project, Path(killed.location), stage, writes)
        assert list(read_runs(killed)[0].finished) == list(STAGES[: STAGES.index(stage)])
    resumed = nightly(killed, checked, options)
    whole = nightly(never, checked, options)
    assert (resumed.resumed, whole.resumed) == (True, False)
    assert [run.status for run in read_runs(killed)] == ["finished"]
    assert resumed.metrics == whole.metrics
    assert_same_tables(killed, never)


@pytest.mark.slow
def test_a_second_run_on_unchanged_input_changes_nothing(spark: SparkSession, project: Path, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    checked = load_project(project)
    first = nightly(store, checked, RunOptions(as_of=killed_run.AS_OF))
    before = {spec.name: store.version(spec) for spec in TABLES.values() if store.exists(spec)}
    second = nightly(store, checked, RunOptions(as_of=killed_run.AS_OF + timedelta(days=1)))
    assert second.profiles == first.profiles
    for name, version in before.items():
        if name not in _OWN_CLOCK:
            now, then = store.read(TABLES[name]), store.read(TABLES[name], version=version)
            assert sorted_rows(now) == sorted_rows(then), name
