"""A column's values, times and reasons, as staging reads them: once for each distinct value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.normalise.batches import map_distinct
from cdp_spark.normalise.times import compile_time, is_of_other_unit

if TYPE_CHECKING:
    from cdp_spark.config.source import TimeField
    from cdp_spark.ingest.staging.rows import Staging

TIME = pa.timestamp("us", "UTC")
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)


def column_values(rows: pa.Table, column: str) -> pa.Array:
    """Return a column's values without the white space around them, null where nothing is left."""
    if column not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.string())
    trimmed = pc.utf8_trim_whitespace(rows[column])
    filled = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    return filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled


def times(rows: pa.Table, time: TimeField, staging: Staging) -> pa.Array:
    """Return a column's times in UTC; null where one cannot be read."""
    parse = compile_time(time.formats, time.time_zone)
    return map_distinct(column_values(rows, time.column), parse, pa.int64(), memo=staging.memo("time")).cast(TIME)


def plausible(at: pa.Array, as_of: datetime) -> pa.Array:
    """Put null instead of a time before 1900 or more than a day after the run's clock."""
    first, last = pa.scalar(_EARLIEST, TIME), pa.scalar(as_of + _AHEAD, TIME)
    return pc.if_else(pc.and_(pc.greater_equal(at, first), pc.less_equal(at, last)), at, None)


def time_issue(at: pa.Array, as_of: datetime) -> pa.Array:
    """Return why a time cannot be used."""
    out_of_range = where(pc.is_null(plausible(at, as_of)), "time_out_of_range")
    return pc.coalesce(where(pc.is_null(at), "bad_time"), out_of_range)


def epoch_issue(rows: pa.Table, time: TimeField, as_of: datetime) -> pa.Array:
    """Return `wrong_epoch_unit` where a number is a time in another unit than the formats say."""
    latest = as_of + _AHEAD
    found = map_distinct(
        column_values(rows, time.column), lambda text: is_of_other_unit(text, time.formats, latest), pa.bool_()
    )
    return where(pc.fill_null(found, fill_value=False), "wrong_epoch_unit")


def where(condition: pa.Array, reason: str) -> pa.Array:
    """Return the reason where the condition holds, null elsewhere."""
    return pc.if_else(condition, pa.scalar(reason), None)
