"""Python workers of a local session, started before a query waits for them."""

from __future__ import annotations

import contextlib
from functools import partial
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

from cdp_spark.session.builder import is_on_this_machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from pyspark.sql import SparkSession


def start_worker_meanwhile(spark: SparkSession, *modules: str) -> Thread | None:
    """Have Spark start a Python worker, which imports the modules, while the driver plans the query that needs it.

    The worker stays for later queries. A module that cannot be imported is left to the query that needs it.

    Returns:
        The thread that waits for the worker; None on a cluster, where workers are started where the tasks are.
    """
    if not is_on_this_machine(spark):
        return None
    thread = Thread(target=_start_worker, args=[spark, modules], daemon=True)
    thread.start()
    return thread


def _start_worker(spark: SparkSession, modules: tuple[str, ...]) -> None:
    with contextlib.suppress(Exception):  # an ended session
        spark.range(1, numPartitions=1).mapInArrow(partial(import_all, modules=modules), "id bigint").collect()


def import_all(batches: Iterator[pa.RecordBatch], *, modules: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Import the modules that can be imported, and give the batches back."""
    import_each(modules)
    yield from batches


def import_each(modules: Iterable[str]) -> None:
    """Import the modules that can be imported; the import that needs another will raise why, where it can be told."""
    for module in modules:
        with contextlib.suppress(Exception):
            import_module(module)
