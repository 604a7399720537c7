"""What a warehouse in a catalog's schema needs of a Connect server.

Usage: python -m tests.integration.connect.connect_schema ADDRESS

Prints what became of the table as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark.errors import StateError
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.tables.actions.removal import AnyOf, delete_matching, purge_deleted, vacuum
from cdp_spark.tables.checkpoint import checkpoint, checkpoint_and_count, run_checkpoints
from cdp_spark.tables.lock.lease import Lease, hold_lease
from cdp_spark.tables.spec import TableKind, TableSpec, columns
from cdp_spark.tables.store import Store

THINGS = TableSpec(
    name="things",
    grain="a thing of somebody's",
    schema=columns(name="string!", size="int"),
    keys=("name",),
    kind=TableKind.BATCH,
    constraints={"small": "size < 100"},
)


def main(address: str) -> None:
    """Write, repeat, rewind, delete, vacuum, hold, keep."""
    spark = get_session(SessionSettings(conf={"spark.remote": address}))
    spark.sql("CREATE SCHEMA IF NOT EXISTS cdp")
    store = Store(spark, "cdp", kind="schema")
    found: dict[str, object] = {}
    with hold_lease(store), run_checkpoints(store):
        found["held"] = _refusal(store)
        for _ in range(2):
            store.append(THINGS, THINGS.table([("a", 1), ("b", 2)]), application="run", step=0)
        version = store.append(THINGS, THINGS.table([("c", 3)]), application="run", step=1)
        store.overwrite(THINGS, THINGS.table([("d", 4)]))
        store.rewind(THINGS, version)
        kept = checkpoint(store.read(THINGS).withColumn("a b", F.lit(None)))
        delete_matching(store, THINGS, AnyOf(("name",), ("b",)))
        purge_deleted(store, THINGS)
        vacuum(store, THINGS)
        found["kept"] = sorted(tuple(row) for row in kept.collect())
        found["things"] = sorted(tuple(row) for row in store.read(THINGS).collect())
        found["counted"] = checkpoint_and_count(spark.range(4).mapInArrow(_in_a_worker, "id long")).count
        found["during"] = _checkpoints(store)
    found["after"] = _checkpoints(store)
    found["demanded"] = sorted(store.guard.read().tables)
    print(json.dumps(found))  # noqa: T201


def _in_a_worker(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from cdp_spark.version import __version__  # noqa: F401, PLC0415 - of the package that was sent

    yield from batches


def _refusal(store: Store) -> str:
    try:
        Lease(store, duration=timedelta(minutes=5)).renew()
    except StateError as error:
        return error.got
    return "not refused"


def _checkpoints(store: Store) -> int:
    return len(store.spark.sql("SHOW TABLES IN cdp LIKE 'cdp_checkpoint_*'").collect())


if __name__ == "__main__":
    main(sys.argv[1])
