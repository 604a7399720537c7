"""Keys that choose rows, where the rows are: on the driver in Arrow memory, or in a frame that Spark keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from cdp_spark.tables.checkpoint import CountedFrame, unite_distinct
from cdp_spark.tables.rows import Rows, as_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

Keys: TypeAlias = pa.Table | CountedFrame
"""Values of one column, each once."""
R = TypeVar("R", bound=Rows)


def settle_keys(parts: Sequence[Rows]) -> Keys:
    """Keep the keys of several parts of one column, each once (an action, of frames)."""
    if isinstance(parts[0], DataFrame):
        return unite_distinct([cast("DataFrame", part) for part in parts])
    united = pa.concat_tables([cast("pa.Table", part) for part in parts])
    return united.group_by(united.column_names).aggregate([])


def rows_of_keys(keys: Keys) -> Rows:
    """The keys as rows of one column."""
    return keys.rows if isinstance(keys, CountedFrame) else keys


def count_keys(keys: Keys) -> int:
    """How many there are."""
    return keys.count if isinstance(keys, CountedFrame) else int(keys.num_rows)


def rows_among(rows: R, name: str, keys: Keys) -> R:
    """The rows of which a column has one of the keys."""
    if isinstance(rows, DataFrame):
        of_keys = cast("CountedFrame", keys).joinable
        return cast("R", rows.join(of_keys.toDF(name), on=name, how="left_semi"))
    return cast("R", rows.filter(pc.is_in(rows[name], value_set=_values(keys))))


def rows_not_among(rows: R, name: str, keys: Keys) -> R:
    """The other rows."""
    if isinstance(rows, DataFrame):
        of_keys = cast("CountedFrame", keys).joinable
        return cast("R", rows.join(of_keys.toDF(name), on=name, how="left_anti"))
    return cast("R", rows.filter(pc.invert(pc.is_in(rows[name], value_set=_values(keys)))))


def as_frame_of_keys(spark: SparkSession, keys: Keys) -> CountedFrame:
    """The keys for rows in a frame."""
    return keys if isinstance(keys, CountedFrame) else CountedFrame(as_frame(spark, keys), keys.num_rows)


def _values(keys: Keys) -> pa.Array:
    return cast("pa.Table", keys).column(0).combine_chunks()
