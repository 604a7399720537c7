"""Frames that serve several times: computed once, counted, and joined in the way that their size asks for.

A classic session keeps them in memory and on disk. A Connect server may refuse that (Databricks serverless does), so
there each is written to a temporary Delta table and read from it:

1. The table is beside the warehouse's tables: below `_cdp/checkpoints` of a folder that this process and the server
   share, else in the warehouse's schema; without such a warehouse, in the session's current schema.
2. It is removed when the stage, the run or the process that made it ends.
3. What a killed process left is removed by the warehouse's next run: at once what a run left, as it holds the warehouse
   now; after a day what a reading command left.
"""

from __future__ import annotations

import atexit
import hashlib
import itertools
import logging
import re
import shutil
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.storagelevel import StorageLevel

from cdp_spark.limits import BROADCAST_ROWS, GATHERED_ROWS
from cdp_spark.session.remote import is_gone, is_remote_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from cdp_spark.tables.store import Store

log = logging.getLogger(__name__)

_BELOW = "_cdp/checkpoints"
_PREFIX = "cdp_checkpoint"
_RUN, _READER = "run", "reader"
_READERS_END_AFTER = 86_400
"""Seconds after which a reading command has surely ended."""
_NO_BOUNDS = {"delta.dataSkippingNumIndexedCols": "0"}
_numbers = itertools.count()
_opening = threading.Lock()


@dataclass(frozen=True)
class CountedFrame:
    """A frame that is computed, and its size.

    Args:
        rows: as `checkpoint` keeps them.
        count: of them.
    """

    rows: DataFrame
    count: int

    @property
    def joinable(self) -> DataFrame:
        """The rows for the smaller side of a join: sent whole to every task where they are few.

        Where there are none the optimiser sees it, and leaves out what they are joined to.
        """
        if not self.count:
            return self.rows.limit(0)
        return F.broadcast(self.rows) if self.count <= BROADCAST_ROWS else self.rows


def checkpoint(rows: DataFrame) -> DataFrame:
    """Have a frame computed once, when it is used first; on a Connect server at once.

    A frame that is merely persisted is forgotten as soon as one of its tables is written, and then shows the new rows.
    This one stays as it is, and nothing before it is planned again; but a lost executor fails the run.
    """
    if is_remote_session(rows.sparkSession):
        return _write(rows)
    return rows.localCheckpoint(eager=False, storageLevel=StorageLevel.MEMORY_AND_DISK)


def checkpoint_and_count(rows: DataFrame) -> CountedFrame:
    """Compute a frame, count it (an action), and gather its rows where they are few."""
    kept = checkpoint(rows)
    count = kept.count()
    return CountedFrame(kept.coalesce(1) if count <= GATHERED_ROWS else kept, count)


def unite_distinct(parts: Sequence[DataFrame]) -> CountedFrame:
    """Keep the rows of frames of the same columns, each once (an action)."""
    return checkpoint_and_count(reduce(DataFrame.unionByName, parts).distinct())


def cache_frame(rows: DataFrame, *, on_disk: bool = False) -> DataFrame:
    """Keep a frame until `release_frame`; what an executor loses of it is computed anew.

    Args:
        rows: to be computed once, when they are used first.
        on_disk: only, as they are many.
    """
    if is_remote_session(rows.sparkSession):
        return _write(rows)
    return rows.persist(StorageLevel.DISK_ONLY if on_disk else StorageLevel.MEMORY_AND_DISK)


def release_frame(rows: DataFrame) -> None:
    """Free what `cache_frame` kept of a frame."""
    if not is_remote_session(rows.sparkSession):
        rows.unpersist()
    elif (table := _tables.pop(rows, None)) is not None:
        table.remove()


@contextmanager
def cached_frame(rows: DataFrame, *, on_disk: bool = False) -> Iterator[DataFrame]:
    """Keep a frame for a block, as of `cache_frame`."""
    kept = cache_frame(rows, on_disk=on_disk)
    try:
        yield kept
    finally:
        release_frame(kept)


@dataclass(frozen=True)
class _Place:
    """Where a session's checkpoints go.

    Args:
        spark: the session.
        folder: of them; None for tables of the catalog.
        schema: of those; None for the session's current one.
        owner: the beginning of their names: what they are beside, the kind of process, its start and a random number.
    """

    spark: SparkSession
    folder: Path | None
    schema: str | None
    owner: str

    @property
    def warehouse(self) -> str:
        """What the names of all checkpoints beside the same tables begin with."""
        return self.owner.rsplit("_", 3)[0]

    def table_name(self, name: str) -> str:
        return f"{self.schema}.{name}" if self.schema else name


@dataclass(frozen=True)
class _Table:
    place: _Place
    name: str

    def remove(self) -> bool:
        """Remove the table; what cannot be removed now is left to the next run. False where the server is gone."""
        if self.place.folder is not None:
            shutil.rmtree(self.place.folder / self.name, ignore_errors=True)
            return True
        try:
            self.place.spark.sql(f"DROP TABLE IF EXISTS {self.place.table_name(self.name)}")
        except Exception as error:
            log.debug("checkpoint %s was not removed (%s)", self.name, type(error).__name__)
            return not is_gone(error)
        return True


@dataclass
class _Scope:
    place: _Place
    tables: list[_Table] = field(default_factory=list)

    def end(self) -> None:
        for table in self.tables:
            if not table.remove():
                break  # each try takes a minute
        self.tables.clear()


_scopes: dict[str, list[_Scope]] = {}
"""Of each remote session; the last one is open."""
_stores: dict[str, Store] = {}
"""The warehouse that each remote session opened last."""
_tables: WeakKeyDictionary[DataFrame, _Table] = WeakKeyDictionary()


def beside(store: Store) -> None:
    """Have checkpoints of a session made beside a warehouse from now on, by a command that reads it."""
    if is_remote_session(store.spark):
        _stores[_session_id(store.spark)] = store
        _scopes.pop(_session_id(store.spark), None)


@contextmanager
def run_checkpoints(store: Store) -> Iterator[None]:
    """Remove leftovers for a run that holds the warehouse, and its own checkpoints when the block ends."""
    remove_leftovers(store)
    with stage_checkpoints(store):
        yield


@contextmanager
def stage_checkpoints(store: Store) -> Iterator[None]:
    """Remove the checkpoints that are made in a block of a run when it ends."""
    if not is_remote_session(store.spark):
        yield
        return
    scopes = _scopes.setdefault(_session_id(store.spark), [])
    scope = _Scope(_place(store.spark, store, _RUN))
    scopes.append(scope)
    try:
        yield
    finally:
        scopes.remove(scope)
        scope.end()


def remove_leftovers(store: Store, *, of_readers: bool = False) -> None:
    """Remove what killed processes left beside a warehouse that this process holds.

    Args:
        store: the warehouse.
        of_readers: whatever their age; one that is still reading fails.
    """
    place = _place(store.spark, store, _RUN)
    if place.folder is None and not is_remote_session(store.spark):
        return  # a classic session leaves none, and to look for others' takes a query
    _remove(place, kinds=(_RUN, _READER) if of_readers else (_RUN,))


def _remove(place: _Place, *, kinds: tuple[str, ...]) -> None:
    """Remove others' checkpoints of some kinds, and those of readers that have ended."""
    mine = {table.name for scopes in _scopes.values() for scope in scopes for table in scope.tables}
    for name in set(_names(place)) - mine:
        found = re.fullmatch(rf"{place.warehouse}_({_RUN}|{_READER})_(\d+)_\w+", name)
        if found and (found[1] in kinds or time.time() - int(found[2]) > _READERS_END_AFTER):
            _Table(place, name).remove()


def _names(place: _Place) -> list[str]:
    if place.folder is not None:
        return [path.name for path in place.folder.iterdir()] if place.folder.is_dir() else []
    where = f"IN {place.schema} " if place.schema else ""
    return [row["tableName"] for row in place.spark.sql(f"SHOW TABLES {where}LIKE '{place.warehouse}_*'").collect()]


def _write(rows: DataFrame) -> DataFrame:
    """Write a frame to a table of its own, its columns numbered: Delta takes few signs in names, and each name once."""
    spark, scope = rows.sparkSession, _open_scope(rows.sparkSession)
    fields = list(rows.schema)
    numbered = rows.toDF(*(f"c{number}" for number in range(len(fields))))
    written = numbered.drop(*(f"c{number}" for number, it in enumerate(fields) if it.dataType == T.NullType()))
    table = _Table(scope.place, f"{scope.place.owner}_{next(_numbers)}")
    scope.tables.append(table)
    writer = written.write.format("delta").options(**_NO_BOUNDS)
    if table.place.folder is not None:
        writer.save(str(table.place.folder / table.name))
        kept = spark.read.format("delta").load(str(table.place.folder / table.name))
    else:
        writer.saveAsTable(table.place.table_name(table.name))
        kept = spark.read.table(table.place.table_name(table.name))
    there = [
        (F.lit(None) if it.dataType == T.NullType() else F.col(f"c{number}")).alias(it.name)
        for number, it in enumerate(fields)
    ]
    kept = kept.select(*there)
    _tables[kept] = table
    return kept


def _open_scope(spark: SparkSession) -> _Scope:
    with _opening:
        return _open_or_last(spark, _scopes.setdefault(_session_id(spark), []))


def _open_or_last(spark: SparkSession, scopes: list[_Scope]) -> _Scope:
    if not scopes:
        place = _place(spark, _stores.get(_session_id(spark)), _READER)
        _remove(place, kinds=())
        scopes.append(_Scope(place))
        atexit.register(scopes[0].end)
    return scopes[-1]


def _place(spark: SparkSession, store: Store | None, kind: str) -> _Place:
    folder = store.folder if store else None
    schema = store.location if store and store.kind == "schema" else None
    warehouse = hashlib.sha256((store.location if store else "").encode()).hexdigest()[:8]
    owner = f"{_PREFIX}_{warehouse}_{kind}_{int(time.time())}_{uuid.uuid4().hex[:8]}"
    return _Place(spark, folder / _BELOW if folder else None, schema, owner)


def _session_id(spark: SparkSession) -> str:
    return str(spark.session_id)  # type: ignore[attr-defined]
