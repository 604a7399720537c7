"""Rows out of a table, and out of its older versions."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyspark.sql import Column, DataFrame, SparkSession

    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

    Agree = Callable[[Callable[[str], Column]], Column]
    """Gives a condition, of a function that gives a column of the table."""

_REWRITE = {"spark.databricks.delta.merge.deletionVectors.persistent": "false"}
"""A deletion vector hides rows and leaves them in the file."""
_AT_ONCE = {
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    "spark.databricks.delta.vacuum.logging.enabled": "false",
}
_GONE = "gone_value"
_REWRITTEN_ROWS = 300_000
"""Rows of a table that the driver reads and writes in a second, or two of wide ones."""


@dataclass(frozen=True)
class AnyOf:
    """Rows that have one of some values in one of some columns.

    Args:
        columns: of type string.
        values: each once.
    """

    columns: tuple[str, ...]
    values: tuple[str, ...]

    def as_arrays(self) -> dict[str, pa.Array]:
        """The values by column."""
        return dict.fromkeys(self.columns, pa.array(self.values, pa.string()))


@dataclass(frozen=True)
class Joined:
    """Rows that agree with one of some others; never more than the table has, however many agree.

    Args:
        rows: few, on the driver; their columns are none of the table's.
        agree: gives the condition, of a function that gives a column of the table.
    """

    rows: pa.Table
    agree: Agree


Matching = AnyOf | Joined
"""Which rows; neither the plan nor the log of the table tells their values, however many there are."""


def count_matching(store: Store, spec: TableSpec, matching: Matching, *, version: int | None = None) -> int:
    """Count rows, dated ones whether they are in force or not (an action)."""
    if isinstance(matching, AnyOf) and (table := store.open_local(spec, version)) is not None:
        return table.count_any(matching.as_arrays())
    count, rest = 0, store.read_all(spec, version=version)
    for gone, agree in _joins(store, matching):
        count += rest.join(F.broadcast(gone), on=agree(F.col), how="left_semi").count()
        rest = rest.join(F.broadcast(gone), on=agree(F.col), how="left_anti")
    return count


def delete_matching(store: Store, spec: TableSpec, matching: Matching) -> None:
    """Write the files anew that hold such rows, without them.

    A small table that the driver can reach is written anew by it, which takes a thirtieth of what Spark takes. delta-rs
    could do that, too, but writes texts in a form (string_view) that pyarrow then cannot filter by.
    """
    if (
        isinstance(matching, AnyOf)
        and (table := store.open_local(spec)) is not None
        and table.count() <= _REWRITTEN_ROWS
    ):
        store.overwrite(spec, table.read_others(matching.as_arrays()))
        return
    for gone, agree in _joins(store, matching):
        condition = agree(lambda name: F.col(f"rows.{name}"))
        with _settings(store.spark, _REWRITE):
            merge = store.delta(spec).alias("rows").merge(F.broadcast(gone), condition)
            merge.whenMatchedDelete().execute()
    store.guard.note_newest(spec.name)


def _joins(store: Store, matching: Matching) -> list[tuple[DataFrame, Agree]]:
    if isinstance(matching, Joined):
        return [(store.spark.createDataFrame(matching.rows), matching.agree)]
    gone = store.spark.createDataFrame(pa.table({_GONE: pa.array(matching.values, pa.string())}))
    return [(gone, _equals(name)) for name in matching.columns]


def _equals(name: str) -> Agree:
    return lambda column: column(name) == F.col(_GONE)


def purge_deleted(store: Store, spec: TableSpec) -> None:
    """Write the files anew of which deletion vectors only hide rows."""
    if "deletionVectors" in (store.delta(spec).detail().select("tableFeatures").collect()[0][0] or ()):
        name = store.identifier(spec)
        quoted = f"delta.`{name}`" if store.kind == "path" else name
        store.spark.sql(f"REORG TABLE {quoted} APPLY (PURGE)")
        store.guard.note_newest(spec.name)


def vacuum(store: Store, spec: TableSpec, *, older_than: float = 0.0) -> None:
    """Delete the files that the newest version does not name.

    Nobody can read an older version afterwards, and who reads one now may fail.

    Args:
        store: the warehouse.
        spec: a table.
        older_than: seconds; younger files that no version ever named stay. 0 only where nobody else may be writing:
            what they have written and not committed yet would go, too. Delta's own VACUUM counts from when a file left
            the table, so where it has to be asked it is asked after that time.
    """
    table = store.open_local(spec)
    if table is not None:
        table.delete_old_files(older_than=older_than)
        return
    time.sleep(older_than)
    with _settings(store.spark, _AT_ONCE):
        store.delta(spec).vacuum(older_than / 3600)


@contextmanager
def _settings(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: spark.conf.get(name, None) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            spark.conf.unset(name) if old is None else spark.conf.set(name, old)
