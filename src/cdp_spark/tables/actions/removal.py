"""Rows out of a table, and out of its older versions."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import Column, SparkSession

    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

_REWRITE = {
    "spark.databricks.delta.delete.deletionVectors.persistent": "false",
    "spark.databricks.delta.merge.deletionVectors.persistent": "false",
}
"""A deletion vector hides rows and leaves them in the file."""
_AT_ONCE = {
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    "spark.databricks.delta.vacuum.logging.enabled": "false",
}
_GONE = "gone_value"


@dataclass(frozen=True)
class AnyOf:
    """Rows that have one of some values in one of some columns.

    Args:
        columns: of type string.
        values: each once.
    """

    columns: tuple[str, ...]
    values: tuple[str, ...]

    def as_condition(self) -> Column:
        """The same as a condition."""
        return reduce(or_, (F.col(name).isin(*self.values) for name in self.columns))


def count_matching(store: Store, spec: TableSpec, matching: AnyOf | Column, *, version: int | None = None) -> int:
    """Count rows, dated ones whether they are in force or not (an action)."""
    if not isinstance(matching, AnyOf):
        return store.read_all(spec, version=version).where(matching).count()
    if not matching.values:
        return 0
    table = store.open_local(spec, version)
    if table is None:
        return store.read_all(spec, version=version).where(matching.as_condition()).count()
    return table.count_any(dict.fromkeys(matching.columns, pa.array(matching.values, pa.string())))


def delete_matching(store: Store, spec: TableSpec, matching: AnyOf | Column) -> None:
    """Write the files anew that hold such rows, without them; the table's log tells no value of an `AnyOf`."""
    if not isinstance(matching, AnyOf):
        with _settings(store.spark, _REWRITE):
            store.delta(spec).delete(matching)
        return
    values = pa.array(matching.values, pa.string())
    for column in matching.columns:
        table = store.open_local(spec)
        if table is None:
            _delete_in_spark(store, spec, column, values)
        else:
            table.delete(column, values)


def _delete_in_spark(store: Store, spec: TableSpec, column: str, values: pa.Array) -> None:
    gone = store.spark.createDataFrame(pa.table({_GONE: values}))
    with _settings(store.spark, _REWRITE):
        rows = store.delta(spec).alias("rows")
        rows.merge(gone, F.col(f"rows.{column}") == F.col(_GONE)).whenMatchedDelete().execute()


def vacuum(store: Store, spec: TableSpec, *, older_than: float = 0.0) -> None:
    """Delete the files that the newest version does not name.

    Nobody can read an older version afterwards, and who reads one now may fail.

    Args:
        store: the warehouse.
        spec: a table.
        older_than: seconds; younger files stay. 0 only where nobody else may be writing: what they have written and not
            committed yet would go, too. Delta's own VACUUM counts from when a file left the table, so where it has to
            be asked it is asked after that time.
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
