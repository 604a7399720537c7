"""Processes that deliver and are killed at twenty points: no row is lost, and none arrives twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.unit.activation.killed_delivery import LedgerStore
from tests.unit.activation.receiver import Receiver, receiver

from cdp_spark.activation.ledger import Attempt, settle_all
from cdp_spark.activation.planning import entry_of
from cdp_spark.tables.catalog import DELIVERY_ATTEMPTS, TO_SEND

ROWS = 1_500
KILLS = range(1, 21)


def deliver(folder: Path, state: Receiver, *kills: int) -> list[int]:
    command = [sys.executable, "-m", "tests.unit.activation.killed_delivery", str(folder), state.url, str(ROWS)]
    done = subprocess.run([*command, *map(str, kills)], check=True, capture_output=True, text=True, timeout=600)
    return [int(line) for line in done.stdout.split()]


def statuses(folder: Path) -> dict[str, str]:
    """What the ledger says of each row, with the attempts that were recorded since it was written."""
    store = LedgerStore(folder)
    attempts = [
        (row["unified_id"], Attempt(row["idempotency_key"], row["attempt"], row["status"]))
        for row in store.fetch(DELIVERY_ATTEMPTS).to_pylist()
    ]
    by_id: dict[str, list[Attempt]] = {}
    for unified_id, attempt in attempts:
        by_id.setdefault(unified_id, []).append(attempt)
    entries = [entry_of(row) for row in store.fetch(TO_SEND).to_pylist()]
    return {it.unified_id: settle_all(it, by_id.get(it.unified_id, ()), max_refusals=5).status for it in entries}


@pytest.mark.slow
def test_deliveries_that_are_killed_lose_no_row_and_repeat_none(tmp_path: Path) -> None:
    with receiver() as state:
        assert deliver(tmp_path, state, *KILLS) == [-signal.SIGKILL] * len(KILLS)
        found = statuses(tmp_path)
        assert {found[unified_id] for unified_id in state.rows} <= {"acknowledged", "unknown"}
        assert {found[unified_id] for unified_id in found.keys() - state.rows.keys()} <= {"pending", "unknown"}
        assert 0 < len(state.rows) < ROWS
        assert deliver(tmp_path, state, 0) == [0]
    assert Counter(statuses(tmp_path).values()) == {"acknowledged": ROWS}
    assert {row["email"] for row in state.rows.values()} == {f"id{number:05}@x.org" for number in range(ROWS)}
    assert len(state.keys) == ROWS
    assert state.repeated > 0
