"""Deliveries in processes that kill themselves.

`python -m tests.unit.activation.killed_delivery FOLDER URL ROWS EVENTS…`

For each number a child delivers the same rows, and ends by SIGKILL at that many events: before and after each request,
and each write of the ledger. Its tables are real; what makes the audience of profiles is not part of it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pyarrow as pa
from tests.unit.activation.receiver import SECRET

from cdp_spark import limits
from cdp_spark.activation import stage_rows
from cdp_spark.activation.destinations.http import Poster
from cdp_spark.config.destination import DestinationsConfig, WebhookDestination
from cdp_spark.config.sending import SentColumn
from cdp_spark.tables.direct.create import create_in_folder
from cdp_spark.tables.direct.table import LocalTable
from cdp_spark.tables.direct.write import Write
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.spec import TableSpec

T = TypeVar("T")


class Fuse:
    """Kills the process at a number of events."""

    def __init__(self, events: int) -> None:
        self.left = events

    def around(self, action: Callable[..., T]) -> Callable[..., T]:
        def act(*arguments: Any, **settings: Any) -> T:
            self.burn()
            result = action(*arguments, **settings)
            self.burn()
            return result

        return act

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class LedgerStore:
    """The ledger's tables in a folder, without Spark."""

    spark = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def exists(self, spec: TableSpec) -> bool:
        return (self.folder / spec.name).is_dir()

    def version(self, spec: TableSpec) -> int:
        return self._open(spec).version

    def fetch(self, spec: TableSpec, columns: Sequence[str] | None = None, *, only: Any = None) -> pa.Table:
        names = list(columns or spec.schema.names)
        return self._open(spec).read(names, only=only) if self.exists(spec) else spec.table([]).select(names)

    def append(self, spec: TableSpec, rows: pa.Table, *, application: str | None) -> int:
        return self._write(spec, rows, Write("append", application))

    def overwrite(self, spec: TableSpec, rows: pa.Table) -> int:
        return self._write(spec, rows, Write("overwrite"))

    def _open(self, spec: TableSpec) -> LocalTable:
        table = LocalTable.open(spec, self.folder / spec.name)
        assert table is not None
        return table

    def _write(self, spec: TableSpec, rows: pa.Table, write: Write) -> int:
        if not self.exists(spec):
            create_in_folder(spec, self.folder / spec.name)
        return self._open(spec).write(spec.conform_table(rows), write)


def audience(count: int) -> pa.Table:
    ids = [f"id{number:05}" for number in range(count)]
    reasons = pa.nulls(count, pa.string())
    return pa.table({"withheld_reason": reasons, "unified_id": ids, "email": [f"{it}@x.org" for it in ids]})


def deliver(folder: Path, url: str, count: int, events: int) -> None:
    """Deliver rows; 0 events kill nothing."""
    fuse = Fuse(events)
    for owner, names in ((LedgerStore, ("append", "overwrite")), (Poster, ("post",))):
        for name in names:
            setattr(owner, name, fuse.around(getattr(owner, name)))
    replaced = {
        "run_together": lambda _spark, actions: {name: action() for name, action in actions.items()},
        "fetch_audience": lambda _context, _destination: audience(count),
        "_without_sending": lambda _context, _destination, _inputs: None,
        "inputs_checksum": lambda _context, _destination: 1.0,
    }
    for name, made in replaced.items():
        setattr(stage_rows, name, made)
    crm = WebhookDestination(
        name="crm",
        kind="webhook",
        segment="all",
        columns=(SentColumn(of="email"),),
        purpose="mail",
        url=url,
        secret=SECRET,
        batch_size=20,
        private_addresses=True,
    )
    settings = SimpleNamespace(time_zone="UTC")
    project = SimpleNamespace(destinations=DestinationsConfig(destinations=(crm,)), settings=settings)
    store = LedgerStore(folder)
    context = RunContext(cast("Any", store), cast("Any", project), "run-1", 1, datetime(2026, 1, 9, tzinfo=UTC))
    stage_rows.deliver_rows(context)


def main(folder: Path, url: str, count: int, kills: Sequence[int]) -> None:
    limits.DELIVERY_CHUNK_ROWS = 60
    for events in kills:
        child = os.fork()
        if child == 0:
            deliver(folder, url, count, events)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), [int(it) for it in sys.argv[4:]])
