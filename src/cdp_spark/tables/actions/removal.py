"""Rows out of a table, and out of its older versions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark.session import temporary_settings
from cdp_spark.tables.rows import as_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column, DataFrame

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
_KEPT_FOR = "delta.deletedFileRetentionDuration"
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
        with temporary_settings(store.spark, _REWRITE):
            gone.mergeInto(store.name_to_change(spec), agree(F.col)).whenMatched().delete().merge()
    store.guard.note_newest(spec.name)


def _joins(store: Store, matching: Matching) -> list[tuple[DataFrame, Agree]]:
    if isinstance(matching, Joined):
        return [(as_frame(store.spark, matching.rows), matching.agree)]
    gone = as_frame(store.spark, pa.table({_GONE: pa.array(matching.values, pa.string())}))
    return [(gone, _equals(name)) for name in matching.columns]


def _equals(name: str) -> Agree:
    return lambda column: column(name) == F.col(_GONE)


def purge_deleted(store: Store, spec: TableSpec) -> None:
    """Write the files anew of which deletion vectors only hide rows."""
    name = store.name_to_change(spec)
    features = store.spark.sql(f"DESCRIBE DETAIL {name}").select("tableFeatures").collect()[0][0]
    if "deletionVectors" in (features or ()):
        store.spark.sql(f"REORG TABLE {name} APPLY (PURGE)")
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
    name, hours = store.name_to_change(spec), f"{older_than / 3600:.6f}"
    with temporary_settings(store.spark, _AT_ONCE) as refused:
        if not refused:
            store.spark.sql(f"VACUUM {name} RETAIN {hours} HOURS")
            return
    _vacuum_by_property(store, spec, name)


def _vacuum_by_property(store: Store, spec: TableSpec, name: str) -> None:
    """Vacuum where Delta's check of the age cannot be switched off: it allows what the table itself allows."""
    store.spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('{_KEPT_FOR}' = 'interval 0 hours')")
    try:
        store.spark.sql(f"VACUUM {name}")
    finally:
        store.spark.sql(f"ALTER TABLE {name} UNSET TBLPROPERTIES ('{_KEPT_FOR}')")
        store.guard.note_newest(spec.name)
