"""A lease in a Delta table, for warehouses that no file lock reaches; a killed run's lease expires."""

from __future__ import annotations

import logging
import threading
import uuid
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.errors import StateError
from cdp_spark.tables.failures import is_conflict
from cdp_spark.tables.lock.holder import Holder
from cdp_spark.tables.spec import TableKind, TableSpec, columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import Row

    from cdp_spark.tables.store import Store

log = logging.getLogger(__name__)

LEASES = TableSpec(
    name="leases",
    grain="the right to write the warehouse",
    schema=columns(
        name="string!",
        token="string!",
        run_id="string!",
        host="string!",
        pid="long!",
        since="string!",
        renewed_at_utc="timestamp!",
        expires_at_utc="timestamp!",
    ),
    keys=("name",),
    kind=TableKind.APPEND,
)
_ATTEMPTS = 5
_MINE = "mine_"
_FREE_OR_MINE = f"expires_at_utc <= {_MINE}renewed_at_utc OR token = {_MINE}token"


class Lease:
    """The one row of `leases`, written with Delta's optimistic concurrency and renewed by a daemon thread.

    Args:
        store: the warehouse.
        duration: how long the lease outlives the last renewal; the machines' clocks must agree better than this.
    """

    def __init__(self, store: Store, *, duration: timedelta) -> None:
        self._store = store
        self._duration = duration
        self._token = uuid.uuid4().hex
        self._holder = Holder.this_process()
        self._expires_at = datetime.now(UTC)
        self._ended = threading.Event()
        self._writing = threading.Lock()

    def announce(self, run_id: str) -> None:
        """Write the run's id into the lease."""
        self._holder = self._holder.named(run_id)
        self.renew()

    def check(self) -> None:
        """Raise when the lease ran out unrenewed: another run may have taken the warehouse.

        Raises:
            StateError: the lease is lost.
        """
        if datetime.now(UTC) >= self._expires_at:
            fix = "start again: the run continues where it stopped"
            raise StateError(f"warehouse {self._store.shown}", got="a lease that could not be renewed", fix=fix)

    def renew(self) -> None:
        """Take the lease if it is free, prolong it if it is this run's.

        Raises:
            StateError: another run holds it.
        """
        with self._writing:
            expires_at = datetime.now(UTC) + self._duration
            held = self._write(expires_at)
            if held["token"] != self._token:
                raise Holder(held["run_id"], held["host"], held["pid"], held["since"]).refusal(self._store.shown)
            self._expires_at = expires_at

    def keep_renewing(self) -> None:
        """Renew four times in a lease's duration until `end` is called."""
        while not self._ended.wait(self._duration.total_seconds() / 4):
            try:
                self.renew()
            except StateError:
                self._expires_at = datetime.now(UTC)
                return
            except Exception as error:  # the next renewal may succeed; if none does, check() stops the run
                log.warning("the warehouse's lease was not renewed (%s)", type(error).__name__)

    def end(self) -> None:
        """Stop renewing and let the next run start at once."""
        self._ended.set()
        with self._writing:
            self._write(datetime.now(UTC))

    def _write(self, expires_at: datetime) -> Row:
        """Merge this run's row where the lease is free or its own; return the row that then holds."""
        for attempt in range(_ATTEMPTS):
            try:
                self._merge(expires_at)
                break
            except Exception as error:
                if not is_conflict(error) or attempt == _ATTEMPTS - 1:
                    raise
        return self._store.read(LEASES).collect()[0]

    def _merge(self, expires_at: datetime) -> None:
        mine_is = {"name": "writer", "token": self._token, **asdict(self._holder)}
        row = {**mine_is, "renewed_at_utc": datetime.now(UTC), "expires_at_utc": expires_at}
        names = LEASES.schema.names
        mine = self._store.spark.createDataFrame([tuple(row[name] for name in names)], LEASES.schema)
        values = {name: F.col(f"{_MINE}{name}") for name in names}
        merge = mine.toDF(*(f"{_MINE}{name}" for name in names)).mergeInto(
            self._store.name_to_change(LEASES), F.col("name") == values["name"]
        )
        merge.whenMatched(F.expr(_FREE_OR_MINE)).update(values).whenNotMatched().insert(values).merge()


@contextmanager
def hold_lease(store: Store, *, duration: timedelta = timedelta(minutes=5)) -> Iterator[Lease]:
    """Hold the warehouse's lease until the block ends.

    Raises:
        StateError: another run holds it.
    """
    store.create(LEASES)
    lease = Lease(store, duration=duration)
    lease.renew()
    threading.Thread(target=lease.keep_renewing, name="cdp-lease", daemon=True).start()
    try:
        yield lease
    finally:
        lease.end()
