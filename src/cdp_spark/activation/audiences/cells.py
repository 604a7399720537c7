"""How a profile's values are written to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.config.checks.vocabulary import OWN_PREFIX, own_name
from cdp_spark.config.destination import FileDestination
from cdp_spark.errors import ConfigError
from cdp_spark.tables.catalog.gold import PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.destination import AnyDestination
    from cdp_spark.config.sending import SentColumn

_TIMESTAMP = "yyyy-MM-dd'T'HH:mm:ss'Z'"
_SIGN = r"[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
_FORMULA = rf"^(?:[\t\r\n\x00]|[\s\p{{Z}}\p{{Cf}}\x00]*{_SIGN})"
"""What a spreadsheet may run: = + - @, their full-width forms, after anything that looks like a blank."""
_BLANK, _DELIMITER = r" \x0b\f\p{Z}\p{Cf}\x00\"", r";,|\t\r\n"
_INNER_FORMULA = rf"(?<![{_BLANK}{_DELIMITER}])([{_BLANK}]*+[{_DELIMITER}][{_BLANK}{_DELIMITER}]*+)(?={_SIGN})"
"""What it may run where it takes another sign for the delimiter, as one set to German takes `;`. Each run of blanks and
delimiters is tried once, from its beginning."""


def cells(destination: AnyDestination, audience: DataFrame) -> list[Column]:
    """The destination's columns, as its kind of file writes them.

    An own attribute `attributes.NAME` is text. Parquet keeps the types. CSV writes times as ISO 8601 in UTC, lists
    joined by `;` and maps as JSON; a template puts its values in as CSV writes them.

    Args:
        destination: names the columns.
        audience: has them.

    Raises:
        ConfigError: a column is not one that a profile has.
    """
    types = {field.name: field.dataType for field in audience.schema}
    names = dict.fromkeys(name for column in destination.sent_columns for name in column.read)
    unknown = [name for name in names if own_name(name) is None and name not in types]
    if unknown:
        allowed = f"{', '.join(PROFILES.schema.names)}, {OWN_PREFIX}NAME"
        raise ConfigError(f"destination {destination.name}: columns", got=", ".join(unknown), allowed=allowed)
    values = {name: (_value(name), types.get(name, T.StringType())) for name in names}
    is_csv = destination.kind == "csv"
    is_safe = isinstance(destination, FileDestination) and destination.spreadsheet_safe
    return [_cell(it, values, is_csv=is_csv, is_safe=is_safe).alias(it.written) for it in destination.sent_columns]


def _cell(
    column: SentColumn, values: Mapping[str, tuple[Column, T.DataType]], *, is_csv: bool, is_safe: bool
) -> Column:
    if column.of is None:
        text = _filled(column, values)
        return spreadsheet_safe_expr(text) if is_safe else text
    value, kind = values[column.of]
    return _csv_cell(value, kind, spreadsheet_safe=is_safe) if is_csv else value


def _filled(column: SentColumn, values: Mapping[str, tuple[Column, T.DataType]]) -> Column:
    """The template's text; null where a value is missing that nothing stands for."""
    pieces = []
    for part in column.parts:
        if isinstance(part, str):
            pieces.append(F.lit(part))
            continue
        text = F.nullif(_as_text(*values[part.column]), F.lit(""))
        pieces.append(text if part.otherwise is None else F.coalesce(text, F.lit(part.otherwise)))
    return F.concat(*pieces)


def spreadsheet_safe_expr(text: Column) -> Column:
    """Put an apostrophe before what a spreadsheet would run as a formula, whatever its delimiter; null stays null."""
    inside = F.regexp_replace(text, _INNER_FORMULA, "$1'")
    return F.when(text.rlike(_FORMULA), F.concat(F.lit("'"), inside)).otherwise(inside)


def _value(name: str) -> Column:
    attribute = own_name(name)
    return F.col(f"`{name}`") if attribute is None else F.try_element_at(F.col(c.ATTRIBUTES), F.lit(attribute))


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
