"""Rows of a table on the driver, by a Spark query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.tables.rows import rows_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.tables.spec import TableSpec


def fetch_through_spark(
    rows: DataFrame, spec: TableSpec, columns: Sequence[str], only: Mapping[str, pa.Array]
) -> pa.Table:
    """Fetch columns of the rows that have wanted values, in the types of the table's Arrow schema (an action).

    Args:
        rows: of the table.
        spec: its columns.
        columns: that are wanted.
        only: column to the values that are wanted of it.
    """
    for name, values in only.items():
        rows = rows_with(rows, name, values)
    there = [F.col(name) if name in rows.columns else F.lit(None).alias(name) for name in columns]
    return rows.select(*there).toArrow().cast(spec.fetched_schema(columns))
