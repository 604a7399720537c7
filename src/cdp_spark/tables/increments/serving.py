"""Rows of a table where they are wanted: read by the driver itself, or by Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.tables.catalog import OUTDATED_RECORDS
from cdp_spark.tables.increments.outdated import keep_in_force
from cdp_spark.tables.rows import rows_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.tables.direct.table import Only
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store


class Versions(NamedTuple):
    """Delta versions to read; None reads the latest.

    Args:
        table: of the table.
        outdated_records: which of its rows are in force.
    """

    table: int | None = None
    outdated_records: int | None = None


NEWEST = Versions()


def serve_rows(
    store: Store,
    spec: TableSpec,
    columns: Sequence[str],
    *,
    only: Only,
    on_driver: bool,
    at: Versions = NEWEST,
) -> Rows:
    """Read rows of a table that are in force and have wanted values.

    Args:
        store: the warehouse.
        spec: the table.
        columns: to return.
        only: column to the values that are wanted of it.
        on_driver: fetch them; else a frame reads them.
        at: Delta versions.
    """
    if on_driver:
        return store.fetch(spec, columns, only=only, version=at.table, marked_at=at.outdated_records)
    rows: Rows = store.read_all(spec, version=at.table)
    for name, values in only.items():
        rows = rows_with(rows, name, values)
    if spec.dated_by:
        rows = keep_in_force(rows, store.read_all(OUTDATED_RECORDS, version=at.outdated_records), spec.dated_by)
    return rows.select(list(columns))


def count_rows_at_most(store: Store, spec: TableSpec) -> int:
    """How many rows a table has, those among them that are no longer in force; from its files' footers where it can."""
    table = store.open_local(spec)
    return store.read_all(spec).count() if table is None else table.count()
