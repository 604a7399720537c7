"""How a profile's values are written to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.config.checks.vocabulary import IDENTIFIER_PREFIX, OWN_PREFIX, exported_name
from cdp_spark.errors import ConfigError
from cdp_spark.tables.catalog.gold import PROFILES

if TYPE_CHECKING:
    from pyspark.sql import Column

    from cdp_spark.config.destination import AnyDestination

_TIMESTAMP = "yyyy-MM-dd'T'HH:mm:ss'Z'"
_SIGN = r"[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
_FORMULA = rf"^(?:[\t\r\n\x00]|[\s\p{{Z}}\p{{Cf}}\x00]*{_SIGN})"
"""What a spreadsheet may run: = + - @, their full-width forms, after anything that looks like a blank."""
_BLANK, _DELIMITER = r" \x0b\f\p{Z}\p{Cf}\x00\"", r";,|\t\r\n"
_INNER_FORMULA = rf"(?<![{_BLANK}{_DELIMITER}])([{_BLANK}]*+[{_DELIMITER}][{_BLANK}{_DELIMITER}]*+)(?={_SIGN})"
"""What it may run where it takes another sign for the delimiter, as one set to German takes `;`. Each run of blanks and
delimiters is tried once, from its beginning."""


def cells(destination: AnyDestination) -> list[Column]:
    """The destination's columns, as its kind of file writes them.

    An own attribute `attributes.NAME`, or identifier `identifiers.NAME`, is text and is written as NAME. Parquet keeps
    the types. CSV writes times as ISO 8601 in UTC, lists joined by `;` and maps as JSON.

    Raises:
        ConfigError: a column is not one of a profile.
    """
    own = {name: exported_name(name) for name in destination.columns}
    unknown = [name for name, of_source in own.items() if of_source is None and name not in PROFILES.schema.names]
    if unknown:
        allowed = f"{', '.join(PROFILES.schema.names)}, {OWN_PREFIX}NAME, {IDENTIFIER_PREFIX}NAME"
        raise ConfigError(f"destination {destination.name}: columns", got=", ".join(unknown), allowed=allowed)
    values = {name: F.col(name) if of_source is None else _own_value(of_source) for name, of_source in own.items()}
    if destination.kind == "csv":
        values = {
            name: _csv_cell(value, _type_of(name), spreadsheet_safe=destination.spreadsheet_safe)
            for name, value in values.items()
        }
    return [value.alias(own[name] or name) for name, value in values.items()]


def spreadsheet_safe_expr(text: Column) -> Column:
    """Put an apostrophe before what a spreadsheet would run as a formula, whatever its delimiter; null stays null."""
    inside = F.regexp_replace(text, _INNER_FORMULA, "$1'")
    return F.when(text.rlike(_FORMULA), F.concat(F.lit("'"), inside)).otherwise(inside)


def _own_value(attribute: str) -> Column:
    return F.try_element_at(F.col(c.ATTRIBUTES), F.lit(attribute))


def _type_of(name: str) -> T.DataType:
    return T.StringType() if exported_name(name) is not None else PROFILES.schema[name].dataType


def _csv_cell(value: Column, kind: T.DataType, *, spreadsheet_safe: bool) -> Column:
    text = _as_text(value, kind)
    is_number = isinstance(kind, T.NumericType)
    return spreadsheet_safe_expr(text) if spreadsheet_safe and not is_number else text


def _as_text(column: Column, kind: T.DataType) -> Column:
    if isinstance(kind, T.ArrayType):
        return F.array_join(column, ";")
    if isinstance(kind, T.MapType):
        return F.to_json(F.map_from_entries(F.array_sort(F.map_entries(column))))
    if isinstance(kind, T.TimestampType):
        return F.date_format(column, _TIMESTAMP)
    return column.cast("string")
