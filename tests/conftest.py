"""One Spark session for the whole test run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tests
from hypothesis import settings
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from cdp_spark.session import SMALL_DATA, SessionSettings, get_session

settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")
# Spark's workers find the package, not its tests: functions of tests travel by value.
cloudpickle.register_pickle_by_value(tests)  # type: ignore[no-untyped-call]
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
# Tiny frames: compiling code for them costs more than it saves.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    folder = tmp_path_factory.mktemp("spark")
    session = get_session(
        SessionSettings(
            app_name="cdp-spark-tests",
            master="local[2]",
            driver_memory="2g",
            shuffle_partitions=2,
            conf={
                **SMALL_DATA,
                "spark.sql.warehouse.dir": str(folder / "warehouse"),
                "spark.local.dir": str(folder / "local"),
                "spark.sql.adaptive.coalescePartitions.enabled": "false",
                # What the UI would show is kept without a UI, too: a thousand plans fill the memory of a long test run.
                "spark.sql.ui.retainedExecutions": "20",
            },
        )
    )
    yield session
    session.stop()


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The public data sets with truth; tests that need them skip without `CDP_DATA_DIR`."""
    folder = os.environ.get("CDP_DATA_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("CDP_DATA_DIR names no folder with the public data sets")
    return Path(folder)
