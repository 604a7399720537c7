"""A night, a rollback, an erasure and `cdp resolve` on Spark's own Connect server make what a classic session makes.

The server goes away in the middle of the night; another one continues it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from tests.integration.connect import connect_schema
from tests.integration.connect.connect_server import ConnectServer, connect_server
from tests.integration.small_project import write_small_project

from cdp_spark.cli import main as cli
from cdp_spark.demo.receiver import NAME as RECEIVER
from cdp_spark.tables.catalog import ERASURES, PROFILES, RELEASES, RUN_METRICS, RUNS, SCORE_MODELS, SUPPRESSIONS, TABLES
from cdp_spark.tables.store import Store

pytest.importorskip("grpc", reason="the extra `connect` is not installed")

_ROOT = Path(__file__).resolve().parents[3]
_OWN_CLOCK = {it.name for it in (RUNS, RUN_METRICS, RELEASES, ERASURES, SUPPRESSIONS, SCORE_MODELS)}
_KEY = {"CDP_TEST_SUPPRESSION_KEY": "0123456789abcdef-not-shown"}
_DEMO = ("demo", "--people", "300", "--json")
_ONE_RETRY = "import sys, cdp_spark.session.remote as remote; remote.RETRIES = 1; from cdp_spark.cli.main import main; "


@dataclass(frozen=True)
class Retailer:
    """The demo's project in a folder of its own, with a key for erasures."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Retailer:
        shutil.copytree(_ROOT / "conf", folder / "conf")
        settings = folder / "conf" / "project.yaml"
        secret = 'suppression: {secret_key: "${CDP_TEST_SUPPRESSION_KEY}"}'
        settings.write_text(f"{settings.read_text('utf-8')}\n{secret}\n", "utf-8")
        return cls(folder)

    @property
    def warehouse(self) -> Path:
        return self.folder / "demo" / "warehouse"

    def demo(self) -> tuple[str, ...]:
        return (*_DEMO, "--out", str(self.folder / "demo"))

    def steps(self) -> list[tuple[str, ...]]:
        """What follows the night; whom to erase is known then."""
        customers = str(write_small_project(self.folder / "small", people=100) / "data" / "customers.csv")
        out = str(self.folder / "clusters.parquet")
        return [
            ("run", "--from", "publish", "--to", "publish", "--as-of", "2026-02-02T02:00"),
            ("rollback", "--reason", "the second release", "--author", "kim"),
            ("erase", self.somebody(), "--reason", "request 7", "--author", "kim", "--yes"),
            ("resolve", customers, "--engine", "spark", "--id", "customer_id", "--out", out),
        ]

    def somebody(self) -> str:
        [newest] = [it for it in self._rows(RELEASES.name) if it["release"] == 1]
        ids = _read(self.warehouse / PROFILES.name, dict(newest["versions"])[PROFILES.name])
        return min(str(row["unified_id"]) for row in ids if row["entity_type"] == "person")

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return _read(self.warehouse / table)


def _read(place: Path, version: int | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = DeltaTable(place, version=version).to_pyarrow_table().to_pylist()
    return rows


def on_server(retailer: Retailer, address: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", f"{_ONE_RETRY}main()", "--project", str(retailer.folder / "conf"), *arguments]
    environment = {**os.environ, **_KEY, "SPARK_REMOTE": address}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    out, error = process.communicate(timeout=1800)
    assert process.returncode == 0, error[-3000:]
    return out


def kill_in_the_night(server: ConnectServer, retailer: Retailer) -> subprocess.Popen[str]:
    """Start a night, and kill the server once ids are written."""
    night = on_server(retailer, server.address, *retailer.demo())
    while night.poll() is None and "identity" not in finished_stages(retailer):
        time.sleep(0.2)
    server.kill()
    return night


def finished_stages(retailer: Retailer) -> set[object]:
    try:
        return {row["stage"] for row in _read(retailer.warehouse / RUNS.name) if row["status"] == "finished"}
    except Exception:  # not there yet
        return set()


def classic(retailer: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*next(iter(_KEY.items())))

    def call(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["cdp", "--project", str(retailer.folder / "conf"), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code

    call(*retailer.demo())
    for step in retailer.steps():
        call(*step)


_OF_THE_RECEIVER = {"at_utc", "idempotency_key", "target", "location"}
"""What tells at which port the demo's receiver listened, or when it answered."""


def contents(store: Store, retailer: Retailer) -> dict[str, list[str]]:
    found = {}
    for spec in TABLES.values():
        if spec.name not in _OWN_CLOCK:
            rows = (json.dumps(_ordered(row), default=str, sort_keys=True) for row in store.fetch(spec).to_pylist())
            found[spec.name] = sorted(row.replace(str(retailer.folder), "FOLDER") for row in rows)
    return found


def _ordered(row: dict[str, Any]) -> dict[str, Any]:
    """With the entries of maps, which have no order, in one."""
    left_out = _OF_THE_RECEIVER if row.get("destination") == RECEIVER else set()
    return {
        name: sorted(it) if isinstance(it, list) and it and isinstance(it[0], tuple) else it
        for name, it in row.items()
        if name not in left_out
    }


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectServer]:
    with connect_server(tmp_path_factory.mktemp("lasting")) as server:
        yield server


@pytest.mark.connect
def test_a_warehouse_in_a_schema_is_written_by_sql_alone(lasting: ConnectServer) -> None:
    command = [sys.executable, "-m", connect_schema.__name__, lasting.address]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found.pop("held").startswith("a second run: ")
    assert found == {
        "kept": [["a", 1, None], ["b", 2, None], ["c", 3, None]],
        "things": [["a", 1], ["c", 3]],
        "counted": 4,
        "during": 2,
        "after": 0,
        "demanded": ["leases", "things"],
    }


@pytest.mark.connect
def test_a_server_that_goes_away_is_followed_by_one_that_ends_with_a_classic_sessions_tables(
    spark: SparkSession, lasting: ConnectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote, local = Retailer.at(tmp_path / "remote"), Retailer.at(tmp_path / "local")
    with connect_server(tmp_path / "first") as server:
        night = kill_in_the_night(server, remote)
        _, error = night.communicate(timeout=600)
    assert night.returncode == 5, error[-3000:]
    last = error.splitlines()[-1]
    assert last.startswith("cdp: stage ")
    assert "got a Spark Connect server that does not answer, or has ended the session" in last
    assert json.loads(finish(on_server(remote, lasting.address, *remote.demo())))["resumed"] is True
    for step in remote.steps():
        finish(on_server(remote, lasting.address, *step))
    classic(local, monkeypatch)
    stores = [Store(spark, str(it.warehouse)) for it in (remote, local)]
    found, expected = (contents(store, it) for store, it in zip(stores, (remote, local), strict=True))
    for name in expected:
        assert found[name] == expected[name], name
    assert not list((remote.warehouse / "_cdp" / "checkpoints").iterdir())
    clusters = [
        pq.read_table(it.folder / "clusters.parquet").sort_by("record_id").to_pylist() for it in (remote, local)
    ]
    assert clusters[0] == clusters[1]
