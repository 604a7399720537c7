"""One writer at a time, tried with real processes and with the lease that other warehouses use."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession

from cdp_spark.errors import StateError
from cdp_spark.tables.catalog import RUNS
from cdp_spark.tables.lock import hold_warehouse
from cdp_spark.tables.lock.file import hold_file
from cdp_spark.tables.lock.lease import LEASES, Lease, hold_lease
from cdp_spark.tables.store import Store

_HOLD = """
import sys, time
from pathlib import Path
from cdp_spark.tables.lock.file import hold_file
with hold_file(Path(sys.argv[1])) as lock:
    lock.announce("20261123T020000Z-1")
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path) -> Store:
    store = Store(spark, str(tmp_path))
    store.create(RUNS)
    return store


def test_a_second_run_is_refused_and_told_the_first_ones_id(store: Store, tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        wanted = rf"a second run: run 20261123T020000Z-1 holds it \(host .*, process {process.pid}, since 20"
        with pytest.raises(StateError, match=wanted), hold_warehouse(store):
            pass


def test_a_killed_run_frees_the_warehouse_at_once(store: Store, tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with hold_warehouse(store) as lock:
            lock.announce("20261124T020000Z-2")
            lock.check()
            assert json.loads((tmp_path / "_lock").read_text())["run_id"] == "20261124T020000Z-2"


def test_a_lock_that_vanished_or_was_replaced_ends_the_run(tmp_path: Path) -> None:
    with hold_file(tmp_path) as lock:
        lock.check()
        (tmp_path / "_lock").unlink()
        with pytest.raises(StateError, match="_lock: got a lock that vanished while this run held it"):
            lock.check()
        (tmp_path / "_lock").touch()
        with pytest.raises(StateError, match="got a lock that vanished"):
            lock.check()


@pytest.mark.parametrize("kind", ["link", "link to nothing", "hard link", "folder", "pipe"])
def test_a_lock_is_a_file_by_itself(tmp_path: Path, kind: str) -> None:
    folder, other = tmp_path / "warehouse", tmp_path / "other"
    folder.mkdir()
    other.write_text("a file of somebody")
    make: dict[str, Callable[[Path], object]] = {
        "link": lambda path: path.symlink_to(other),
        "link to nothing": lambda path: path.symlink_to(tmp_path / "nothing"),
        "hard link": lambda path: path.hardlink_to(other),
        "folder": Path.mkdir,
        "pipe": os.mkfifo,
    }
    make[kind](folder / "_lock")
    wanted = "_lock: got a link, a folder or a pipe; allowed: a plain file, the lock of a run. Fix: .* rm -r"
    with pytest.raises(StateError, match=wanted), hold_file(folder):
        pass
    assert other.read_text() == "a file of somebody"
    assert not (tmp_path / "nothing").exists()


def test_a_held_lock_with_garbage_in_it_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with holder(tmp_path):
        for garbage in (b"{", b"\xff\x00", b"[1]", b'{"run_id": 1, "more": 2}'):
            (tmp_path / "_lock").write_bytes(garbage)
            wanted = r"_lock: got a lock that another process holds and that names no run\. Fix: .*fuser"
            with pytest.raises(StateError, match=wanted), hold_file(tmp_path):
                pass


def test_a_free_lock_with_garbage_in_it_is_taken(tmp_path: Path) -> None:
    (tmp_path / "_lock").write_bytes(b"\xff{ a run was killed while it wrote")
    with hold_file(tmp_path) as lock:
        lock.announce("20261124T020000Z-2")
        assert json.loads((tmp_path / "_lock").read_text())["run_id"] == "20261124T020000Z-2"


def test_another_process_is_refused_while_this_one_holds(store: Store, tmp_path: Path) -> None:
    with hold_warehouse(store):
        done = subprocess.run(
            [sys.executable, "-c", _HOLD, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
        )
    assert "a second run: run starting holds it" in done.stderr


def test_a_lease_refuses_a_second_run_until_it_ends(store: Store) -> None:
    with hold_lease(store) as lease:
        lease.announce("20261123T020000Z-1")
        with pytest.raises(StateError, match="run 20261123T020000Z-1 holds it"), hold_lease(store):
            pass
    with hold_lease(store) as lease:
        lease.check()
    assert store.read(LEASES).count() == 1


def test_a_lease_that_expired_is_taken_over_and_its_owner_stops(store: Store) -> None:
    store.create(LEASES)
    killed = Lease(store, duration=timedelta(0))
    killed.renew()
    with hold_lease(store):
        with pytest.raises(StateError, match="got a lease that could not be renewed"):
            killed.check()
        with pytest.raises(StateError, match="a second run: run starting holds it"):
            killed.renew()


class Impatient(threading.Event):
    """An event for which nobody waits long."""

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout == 75, "four times in the lease's five minutes"
        return super().wait(0.1)


def test_a_lease_is_renewed_while_it_is_held(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = SimpleNamespace(Event=Impatient, Lock=threading.Lock, Thread=threading.Thread)
    monkeypatch.setattr("cdp_spark.tables.lock.lease.threading", quick)
    with hold_lease(store) as lease:
        before = store.version(LEASES)
        deadline = time.monotonic() + 60
        while store.version(LEASES) == before and time.monotonic() < deadline:
            time.sleep(0.1)
        assert store.version(LEASES) > before
        lease.check()
