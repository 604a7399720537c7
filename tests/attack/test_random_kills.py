"""A night with changed data, an erasure and a rollback are killed at ten random moments each, and started again."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.attack import killable
from tests.integration.killed.erasure_shop import Shop, build_shop, copy_of, deliver

from cdp_spark.tables.catalog import (
    DELIVERIES,
    ERASURES,
    RELEASES,
    RUN_METRICS,
    RUNS,
    SUPPRESSIONS,
    TABLES,
    TOUCHED_RECORDS,
)
from cdp_spark.tables.store import Store

pytestmark = pytest.mark.attack

_KILLS = 10
_OWN_CLOCK = {it.name for it in (RUNS, RUN_METRICS, RELEASES, ERASURES, SUPPRESSIONS)}
"""Tables that say when something really happened."""
_LOGS = {DELIVERIES.name, TOUCHED_RECORDS.name}
"""Tables to which each start may add once more."""


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("random_kills")
    return build_shop(Store(spark, str(folder / "warehouse")), folder / "shop")


@pytest.mark.parametrize("what", ["night", "rollback", "erasure"])
def test_whatever_is_killed_at_random_moments_ends_as_if_it_never_was(shop: Shop, what: str, tmp_path: Path) -> None:
    asked = shop.id_of("Zoe") if what == "erasure" else what
    never, killed = (copy_of(shop, tmp_path / name) for name in ("never", "killed"))
    if what == "night":
        for it in (never, killed):
            _change(it)
    began = time.monotonic()
    _finish(never, asked)
    seconds = time.monotonic() - began
    for moment in random.Random(what).choices(range(1, 100), k=_KILLS):
        _kill(killed, asked, after=seconds * moment / 100)
    _finish(killed, asked)
    for spec in TABLES.values():
        if spec.name not in _OWN_CLOCK | _LOGS:
            rows, expected = (_rows(it, spec.name) for it in (killed, never))
            assert rows == expected, spec.name


def _change(shop: Shop) -> None:
    """Deliver another address of every fifth customer, and leave every seventh out."""
    deliver(shop.folder, night=2)
    file = shop.folder / "data" / "customers.csv"
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    moved = [line.replace("Springfield", "Shelbyville") if at % 5 == 0 else line for at, line in enumerate(lines)]
    file.write_text("\n".join([header, *(line for at, line in enumerate(moved) if at % 7)]) + "\n", encoding="utf-8")


def _start(shop: Shop, what: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", killable.__name__, str(shop.folder), shop.store.location, what]
    with (shop.folder / "killable.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _finish(shop: Shop, what: str) -> None:
    assert _start(shop, what).wait() == 0, (shop.folder / "killable.log").read_text("utf-8")[-2000:]


def _kill(shop: Shop, what: str, *, after: float) -> None:
    process = _start(shop, what)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _rows(shop: Shop, name: str) -> list[str]:
    """All rows but for the run's id and the project's folder, which differ."""
    rows = [{**row, "run_id": None} for row in shop.store.fetch(TABLES[name]).to_pylist()]
    return sorted(json.dumps(row, default=str, sort_keys=True).replace(str(shop.folder), "") for row in rows)
