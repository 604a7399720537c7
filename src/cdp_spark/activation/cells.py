"""How a profile's values are written to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark.errors import ConfigError
from cdp_spark.tables.catalog.gold import PROFILES

if TYPE_CHECKING:
    from pyspark.sql import Column

    from cdp_spark.config.destination import FileDestination

_TIMESTAMP = "yyyy-MM-dd'T'HH:mm:ss'Z'"
_FORMULA = r"^(?:[\t\r\n\x00]|[\s\p{Z}\p{Cf}\x00]*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"
"""What a spreadsheet may run: = + - @, their full-width forms, after anything that looks like a blank."""


def cells(destination: FileDestination) -> list[Column]:
    """The destination's columns, as its kind of file writes them.

    Parquet keeps the types. CSV writes times as ISO 8601 in UTC, lists joined by `;` and maps as JSON.

    Raises:
        ConfigError: a column is not one of a profile.
    """
    unknown = [name for name in destination.columns if name not in PROFILES.schema.names]
    if unknown:
        where, allowed = f"destination {destination.name}: columns", ", ".join(PROFILES.schema.names)
        raise ConfigError(where, got=", ".join(unknown), allowed=allowed)
    if destination.kind == "parquet":
        return [F.col(name) for name in destination.columns]
    return [_csv_cell(name, spreadsheet_safe=destination.spreadsheet_safe).alias(name) for name in destination.columns]


def spreadsheet_safe_expr(text: Column) -> Column:
    """Put an apostrophe before a text that a spreadsheet would run as a formula; null stays null."""
    return F.when(text.rlike(_FORMULA), F.concat(F.lit("'"), text)).otherwise(text)


def _csv_cell(name: str, *, spreadsheet_safe: bool) -> Column:
    kind, text = PROFILES.schema[name].dataType, _as_text(name)
    is_number = isinstance(kind, T.NumericType)
    return spreadsheet_safe_expr(text) if spreadsheet_safe and not is_number else text


def _as_text(name: str) -> Column:
    column, kind = F.col(name), PROFILES.schema[name].dataType
    if isinstance(kind, T.ArrayType):
        return F.array_join(column, ";")
    if isinstance(kind, T.MapType):
        return F.to_json(F.map_from_entries(F.array_sort(F.map_entries(column))))
    if isinstance(kind, T.TimestampType):
        return F.date_format(column, _TIMESTAMP)
    return column.cast("string")
