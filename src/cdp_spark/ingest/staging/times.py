"""A source's times, in its own formats and zone, to UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

    from cdp_spark.config.source import TimeField

_ISO = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(\.\d+)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$"
_ZONE_LETTERS = re.compile(r"[VzOXxZ]")
_QUOTED = re.compile(r"'[^']*'")
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_MICROS = {"epoch_seconds": 1_000_000, "epoch_millis": 1_000}
_MAX_MICROS = 10**17


def utc_time_expr(value: Column, field: TimeField) -> Column:
    """Parse a text as a time by the field's formats, the first that fits; null where none does.

    A value without a zone is in the field's zone, whatever the session's zone.
    """
    formats = field.formats or ("iso",)
    return F.coalesce(*[_parse_expr(value, pattern, field.time_zone) for pattern in formats])


def plausible_time_expr(at: Column, *, as_of: datetime) -> Column:
    """Null instead of a time before 1900 or more than a day after the run's clock."""
    return F.when(at.between(F.lit(_EARLIEST), F.lit(as_of + _AHEAD)), at)


def _parse_expr(value: Column, pattern: str, zone: str) -> Column:
    if pattern == "iso":
        return _iso_expr(value, zone)
    if pattern in _MICROS:
        micros = value.try_cast("decimal(26,6)") * _MICROS[pattern]
        return F.when(F.abs(micros) < _MAX_MICROS, F.timestamp_micros(micros.cast("bigint")))
    if _ZONE_LETTERS.search(_QUOTED.sub("", pattern)):
        return F.try_to_timestamp(value, F.lit(pattern))
    return F.try_to_timestamp(F.concat(value, F.lit(f" {zone}")), F.lit(f"{pattern} VV"))


def _iso_expr(value: Column, zone: str) -> Column:
    """Spark's own cast would take `12:30` for today and `2024` for a date; this takes ISO 8601 and nothing else."""
    part = [F.regexp_extract(value, _ISO, group) for group in range(6)]
    clock = F.when(part[2] == "", F.lit("00:00")).otherwise(part[2])
    seconds = F.when(part[3] == "", F.lit(":00")).otherwise(part[3])
    offset = F.when(part[5] == "", F.lit(f" {zone}")).otherwise(part[5])
    text = F.concat(part[1], F.lit("T"), clock, seconds, part[4], offset)
    return F.when(part[1] != "", text.try_cast("timestamp"))
