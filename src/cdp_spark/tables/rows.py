"""Rows where they were made: in a frame, or on the driver in Arrow memory."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark.session import shuffle_partitions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql import SparkSession

Rows: TypeAlias = DataFrame | pa.Table
_ROWS_A_PARTITION = 10_000


def as_frame(spark: SparkSession, rows: Rows) -> DataFrame:
    """The rows as a frame, of no more partitions than the session's shuffles have.

    Spark reads no further than to the first empty batch of a partition, and loses the rows of those behind it.
    """
    if isinstance(rows, DataFrame):
        return rows
    filled = [batch for batch in rows.to_batches() if batch.num_rows]
    frame = spark.createDataFrame(pa.Table.from_batches(filled, rows.schema) if filled else rows)
    return frame if rows.num_rows <= _ROWS_A_PARTITION else frame.coalesce(shuffle_partitions(spark))


def count_rows(rows: Rows) -> int:
    """How many rows there are; of a frame an action."""
    return rows.count() if isinstance(rows, DataFrame) else int(rows.num_rows)


def with_values(rows: Rows, values: Mapping[str, int | str]) -> Rows:
    """Add columns that have one value in all rows, or replace those of the same names."""
    if isinstance(rows, DataFrame):
        return rows.withColumns({name: F.lit(value) for name, value in values.items()})
    kept = rows.drop_columns([name for name in values if name in rows.column_names])
    for name, value in values.items():
        kept = kept.append_column(name, pa.repeat(pa.scalar(value), rows.num_rows))
    return kept


def unite(spark: SparkSession, parts: Sequence[Rows]) -> Rows:
    """All rows of at least one part with the same columns; on the driver where all of them are there."""
    tables = [part for part in parts if isinstance(part, pa.Table)]
    if len(tables) == len(parts):
        names = tables[0].column_names
        return pa.concat_tables([table.select(names) for table in tables], promote_options="permissive")
    return reduce(DataFrame.unionByName, [as_frame(spark, part) for part in parts])


def rows_with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The rows that have one of the values in a column."""
    return rows.filter(pc.is_in(rows[name], value_set=values))


def rows_without(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The other rows."""
    return rows.filter(pc.invert(pc.is_in(rows[name], value_set=values)))


def texts(values: Iterable[str]) -> pa.Array:
    """Texts in order, such as record keys."""
    return pa.array(sorted(values), pa.string())


def unite_texts(*parts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The texts of all parts, such as record keys, each once."""
    chunks = [chunk for part in parts for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])]
    return pa.chunked_array(chunks, pa.string()).unique()


def tuples_of(table: pa.Table) -> list[tuple[Any, ...]]:
    """The table's rows, in the order of its columns."""
    return list(zip(*[column.to_pylist() for column in table.columns], strict=True))
