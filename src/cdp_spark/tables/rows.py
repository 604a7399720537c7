"""The engines: rows on the driver in Arrow memory, or in a Spark frame, moved by the same few verbs.

A rule is a function of Arrow tables. `map_rows` and `map_groups` apply it to rows where they are: on the driver to all
at once, in Spark's tasks to a batch or to a group. Keys that choose rows are always on the driver; which rows are
there, too, is decided by the sizes in `limits.py`, not here.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from cdp_spark import limits
from cdp_spark.limits import BROADCAST_ROWS
from cdp_spark.session import shuffle_partitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pyspark.sql import Column, SparkSession
    from pyspark.sql import types as T

Rows: TypeAlias = DataFrame | pa.Table
R = TypeVar("R", bound=Rows)
_ROWS_A_PARTITION = 10_000
_LISTED = 100
"""Values that a condition lists; more are joined to."""
_FOLDED_AT_ONCE = 50_000
"""Rows of a batch that the driver folds, as many as of one of Spark's."""
_GROUP = "group_of_rows"


def as_frame(spark: SparkSession, rows: Rows) -> DataFrame:
    """The rows as a frame, of no more partitions than the session's shuffles have.

    Spark reads no further than to the first empty batch of a partition, and loses the rows of those behind it.
    """
    if isinstance(rows, DataFrame):
        return rows
    filled = [batch for batch in rows.to_batches() if batch.num_rows]
    if not filled:
        return spark.createDataFrame([], from_arrow_schema(rows.schema))  # of no rows Connect infers no types
    frame = spark.createDataFrame(pa.Table.from_batches(filled, rows.schema))
    return frame if rows.num_rows <= _ROWS_A_PARTITION else frame.coalesce(shuffle_partitions(spark))


def as_table(rows: Rows) -> pa.Table:
    """The rows on the driver; of a frame an action."""
    return rows.toArrow() if isinstance(rows, DataFrame) else rows


def count_rows(rows: Rows) -> int:
    """How many rows there are; of a frame an action."""
    return rows.count() if isinstance(rows, DataFrame) else int(rows.num_rows)


def count_by(rows: Rows, name: str) -> dict[str, int]:
    """How many rows have each value of a column; of a frame an action."""
    if isinstance(rows, DataFrame):
        return {row[0]: row[1] for row in rows.groupBy(name).count().collect()}
    return {it["values"]: it["counts"] for it in rows[name].value_counts().to_pylist()}


def with_values(rows: Rows, values: Mapping[str, bool | int | str]) -> Rows:
    """Add columns that have one value in all rows, or replace those of the same names."""
    if isinstance(rows, DataFrame):
        return rows.withColumns({name: F.lit(value) for name, value in values.items()})
    kept = rows.drop_columns([name for name in values if name in rows.column_names])
    for name, value in values.items():
        kept = kept.append_column(name, pa.repeat(pa.scalar(value), rows.num_rows))
    return kept


def renamed(rows: Rows, names: Sequence[str]) -> Rows:
    """The same columns under other names, one for each."""
    return rows.toDF(*names) if isinstance(rows, DataFrame) else rows.rename_columns(list(names))


def with_columns(frame: DataFrame, columns: Mapping[str, Column]) -> DataFrame:
    """Add or replace columns, if there are some: Spark Connect wants one at least."""
    return frame.withColumns(dict(columns)) if columns else frame


def with_array(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """Add a column of rows on the driver, or replace the one of that name."""
    if name not in rows.column_names:
        return rows.append_column(name, values)
    return rows.set_column(rows.column_names.index(name), name, values)


def unite(spark: SparkSession, parts: Sequence[Rows]) -> Rows:
    """All rows of at least one part; on the driver where all of them are there. A column that a part lacks is null."""
    if any(isinstance(part, DataFrame) for part in parts):
        return reduce(_unite_frames, [as_frame(spark, part) for part in parts])
    return pa.concat_tables(parts, promote_options="permissive")


def _unite_frames(one: DataFrame, other: DataFrame) -> DataFrame:
    return one.unionByName(other, allowMissingColumns=True)


def rows_with(rows: R, name: str, values: pa.Array) -> R:
    """The rows that have one of the values in a column."""
    if isinstance(rows, DataFrame):
        return cast("R", _semi_join(rows, name, values))
    return cast("R", rows.filter(pc.is_in(rows[name], value_set=values)))


def rows_without(rows: R, name: str, values: pa.Array) -> R:
    """The other rows."""
    if isinstance(rows, DataFrame):
        found = rows.join(_values_frame(rows, name, values), on=name, how="left_anti") if len(values) else rows
        return cast("R", found)
    return cast("R", rows.filter(pc.invert(pc.is_in(rows[name], value_set=values))))


def _semi_join(rows: DataFrame, name: str, values: pa.Array) -> DataFrame:
    if not len(values):
        return rows.limit(0)  # the optimiser sees that it is empty
    if len(values) <= _LISTED:
        return rows.where(F.col(name).isin(values.to_pylist()))
    return rows.join(_values_frame(rows, name, values), on=name, how="left_semi")


def _values_frame(rows: DataFrame, name: str, values: pa.Array) -> DataFrame:
    frame = as_frame(rows.sparkSession, pa.table({name: values.unique()}))
    return F.broadcast(frame) if len(values) <= BROADCAST_ROWS else frame


def field_of(rows: Rows, name: str) -> Column:
    """A column for a condition that `filter` takes; comparisons, `&`, `|` and `~` are the same for both engines."""
    return F.col(name) if isinstance(rows, DataFrame) else cast("Column", pc.field(name))


def is_given(rows: Rows, name: str) -> Column:
    """The condition that a column is not null, as `field_of` gives a column."""
    return F.col(name).isNotNull() if isinstance(rows, DataFrame) else cast("Column", pc.field(name).is_valid())


def with_largest(rows: Rows, by: str, name: str, renamed: str) -> Rows:
    """One row per value of a column: it, and the largest value of another column under a new name."""
    if isinstance(rows, DataFrame):
        return rows.groupBy(by).agg(F.max(name).alias(renamed))
    return rows.group_by(by).aggregate([(name, "max")]).rename_columns([by, renamed])


def look_up(rows: Rows, name: str, values: Rows, *, default: int) -> Rows:
    """Add the second column of the row whose first column has the value of `name`.

    Args:
        rows: to add the column to.
        name: of a column of theirs.
        values: two columns, of which the first has each value once.
        default: where there is no such row.
    """
    key, value = values.schema.names
    if isinstance(rows, DataFrame):
        named = values.withColumnRenamed(key, name)
        return rows.join(named, on=name, how="left").withColumn(value, F.coalesce(value, F.lit(default)))
    keys, found = (column.combine_chunks() for column in cast("pa.Table", values).columns)
    place = pc.index_in(rows[name], value_set=keys)
    return rows.append_column(value, pc.fill_null(found.take(place), default))


def join_left(rows: Rows, name: str, others: Rows) -> Rows:
    """Add the other columns of the row that has the same value in a column; null where there is none.

    Args:
        rows: to add the columns to.
        name: of a column of both.
        others: each value once; where the rows are.
    """
    if isinstance(rows, DataFrame):
        return rows.join(cast("DataFrame", others), on=name, how="left")
    table = cast("pa.Table", others).combine_chunks()
    place = pc.index_in(rows[name], value_set=table[name].combine_chunks())
    for added in table.column_names:
        if added != name:
            rows = rows.append_column(added, table[added].take(place))
    return rows


def map_rows(rows: Rows, rule: Callable[[pa.Table], pa.Table], schema: str | pa.Schema) -> Rows:
    """Apply a rule that looks at each row alone.

    Args:
        rows: in any order.
        rule: takes and gives a table; in Spark's tasks a batch at a time.
        schema: of what it gives, for Spark: Arrow's or its own.
    """
    if not isinstance(rows, DataFrame):
        return rule(rows)

    def apply(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from rule(pa.Table.from_batches([batch])).to_batches()

    return rows.mapInArrow(apply, _spark_schema(schema))


def map_groups(
    parts: Sequence[Rows], by: str, rule: Callable[..., pa.Table], schema: str | pa.Schema, *, row_count: int = 0
) -> Rows:
    """Apply a rule that looks at the rows of one value together.

    Args:
        parts: one or two, on the driver or in frames.
        by: a column of all parts; rows of one value come together.
        rule: takes a table of each part, of some values with all their rows, and gives a table.
        schema: of what it gives, for Spark: Arrow's or its own.
        row_count: of all parts, about; makes the groups.
    """
    if not any(isinstance(part, DataFrame) for part in parts):
        return rule(*parts)
    group = F.pmod(F.xxhash64(by), F.lit(row_count // limits.GROUP_ROWS + 1)).alias(_GROUP)
    left, *others = [cast("DataFrame", part).select(group, "*").groupBy(_GROUP) for part in parts]

    def of_one(table: pa.Table) -> pa.Table:
        return rule(table.drop_columns([_GROUP]))

    def of_two(table: pa.Table, other: pa.Table) -> pa.Table:
        return rule(table.drop_columns([_GROUP]), other.drop_columns([_GROUP]))

    made = _spark_schema(schema)
    return left.cogroup(others[0]).applyInArrow(of_two, made) if others else left.applyInArrow(of_one, made)


def fold_sorted(
    rows: Rows,
    by: str,
    order: Sequence[str],
    fold: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
    schema: pa.Schema,
) -> Rows:
    """Apply a rule that goes through the rows of one value in order, a batch after the other.

    Args:
        rows: to sort.
        by: a column; rows of one value come to one task, next to each other.
        order: columns that the rows of one value are sorted by.
        fold: takes batches, of which one may end in the middle of a value's rows, and gives batches that are not empty.
        schema: of what it gives.
    """
    if isinstance(rows, DataFrame):
        return rows.repartition(by).sortWithinPartitions(by, *order).mapInArrow(fold, _spark_schema(schema))
    batches = rows.take(_places_in_order(rows, by, order)).combine_chunks().to_batches(max_chunksize=_FOLDED_AT_ONCE)
    return pa.Table.from_batches(fold(iter(batches)), schema)


def _places_in_order(rows: pa.Table, by: str, order: Sequence[str]) -> pa.Array:
    """The rows' places, those of one value next to each other and in order."""
    values = rows[by].combine_chunks().dictionary_encode().indices
    keys = pa.table([values, *(rows[name] for name in order)], names=[by, *order])
    return pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names])


def _spark_schema(schema: str | pa.Schema) -> str | T.StructType:
    return schema if isinstance(schema, str) else from_arrow_schema(schema)


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
