"""Rows of a table on the driver, by a Spark query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.tables.spec import TableSpec

_LISTED = 100
"""Values that a condition lists; more are joined to."""


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
        if len(values) <= _LISTED:
            rows = rows.where(F.col(name).isin(values.to_pylist()))
        else:
            wanted = rows.sparkSession.createDataFrame(pa.table({name: values.unique()}))
            rows = rows.join(F.broadcast(wanted), on=name, how="left_semi")
    return rows.select(*columns).toArrow().cast(spec.fetched_schema(columns))
