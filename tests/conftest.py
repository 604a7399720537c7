"""One Spark session for the whole test run, and how the tests are dealt out to workers.

Files whose tests use Spark come first, and files that share a session's fixture go to one worker, so that it is made
once. The many short files without Spark come last and leave the workers little to wait for each other.
"""

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
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, Scheduling

from cdp_spark.session import SMALL_DATA, SessionSettings, get_session

settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")
# Spark's workers find the package, not its tests: functions of tests travel by value.
cloudpickle.register_pickle_by_value(tests)  # type: ignore[no-untyped-call]
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
# Tiny frames: compiling code for them costs more than it saves.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m")

_TOGETHER = {
    "tests/unit/cli/": "the matched shop",
    "tests/unit/explain/": "the matched shop",
    "tests/unit/privacy/test_forgotten_values.py": "the matched shop",
    "tests/unit/privacy/": "the warehouse of every table",
    "tests/unit/profiles/": "frames of profiles",
    "tests/unit/view/": "the released warehouse",
}
"""Beginnings of paths, the first that fits, and the fixture that their tests share."""


class SharedFixtures(LoadFileScheduling):  # type: ignore[misc]
    """Deal out files in the order of the collection; those that share a fixture go together."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (fixture for path, fixture in _TOGETHER.items() if nodeid.startswith(path))
        return next(shared, super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Replace the scheduler of `--dist loadfile`."""
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return SharedFixtures(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files whose tests use Spark before all others."""
    with_spark = {item.path for item in items if "spark" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in with_spark)


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
