"""The nightly job by a real spark-submit, with the built wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.integration.small_project import write_small_project

from cdp_spark.runs.releases import latest_release
from cdp_spark.runs.run_log import read_runs
from cdp_spark.session import DELTA_COORDINATE
from cdp_spark.session.jars import DELTA_JARS, cached_jars
from cdp_spark.tables.catalog import PROFILES
from cdp_spark.tables.store import Store

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without the network."""
    pytest.importorskip("hatchling", reason="hatchling builds the wheel; it is not installed")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(_ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return next(folder.glob("*.whl"))


def submit(job: str, *arguments: str, wheel: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    jars = cached_jars(Path.home() / ".ivy2.5.2" / "jars", DELTA_JARS)
    delta = ["--jars", ",".join(jars)] if jars else ["--packages", DELTA_COORDINATE]
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(folder),
    }
    conf = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    spark_submit = Path(sys.executable).with_name("spark-submit")
    command = [str(spark_submit), "--master", "local[2]", "--driver-memory", "1g", *delta, *conf]
    command += ["--py-files", str(wheel), str(_ROOT / "jobs" / job), *arguments]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.mark.slow
def test_spark_submit_runs_the_nightly_job_from_the_wheel(spark: SparkSession, tmp_path: Path, wheel: Path) -> None:
    project = write_small_project(tmp_path / "shop", people=100)
    done = submit("nightly.py", "--project", str(project), "--as-of", "2026-11-23T02:00", wheel=wheel, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "run 20261123T020000Z-1 finished: " in done.stdout
    store = Store(spark, str(project / "warehouse"))
    release = latest_release(store)
    assert release is not None
    assert 90 <= release.read(store, PROFILES).count() <= 110
    assert read_runs(store)[0].status == "finished"


@pytest.mark.slow
def test_a_wrong_project_is_one_message_and_its_exit_code(tmp_path: Path, wheel: Path) -> None:
    done = submit("nightly.py", "--project", str(tmp_path / "nowhere"), wheel=wheel, folder=tmp_path)
    assert done.returncode == 2
    told = done.stdout + done.stderr  # spark-submit sends a Python driver's errors to its own output
    assert "cdp: 1 configuration error" in told
