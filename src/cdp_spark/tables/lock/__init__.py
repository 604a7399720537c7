"""One writer of the batch tables at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cdp_spark.tables.catalog import RUNS
from cdp_spark.tables.checkpoint import run_checkpoints
from cdp_spark.tables.lock.file import UnsupportedError, hold_file
from cdp_spark.tables.lock.lease import hold_lease

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cdp_spark.tables.lock.holder import Lock
    from cdp_spark.tables.store import Store


@contextmanager
def hold_warehouse(store: Store) -> Iterator[Lock]:
    """Hold the warehouse for one run.

    A folder of this machine is held by a locked file, so that the next start takes over at once from a killed run;
    any other warehouse by a lease, which a killed run leaves behind for some minutes.

    Raises:
        StateError: another run holds the warehouse, the warehouse cannot be written, or a table that was written is
            lost or damaged.
    """
    store.guard.check_all()
    store.create(RUNS)
    folder = _local_folder(store)
    if folder is not None:
        try:
            with hold_file(folder) as lock, run_checkpoints(store):
                yield lock
                return
        except UnsupportedError:
            pass
    with hold_lease(store) as lease, run_checkpoints(store):
        yield lease


def _local_folder(store: Store) -> Path | None:
    """The warehouse's folder if this machine sees it: a bare path may as well be on a cluster's file system."""
    folder = store.folder
    return folder if folder is not None and (folder / RUNS.name / "_delta_log").is_dir() else None
