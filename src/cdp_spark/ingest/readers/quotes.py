"""An unclosed quote makes the reader swallow the lines after it; here they are found and read again, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.readers.delivery import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.ingest.readers.header import Dialect

CORRUPT = "_cdp_corrupt_record"
FIELDS = "_cdp_fields"
_TORN, _TEXT, _LINE = "_cdp_torn", "_cdp_text", "_cdp_line"
_LINE_BREAK = r"\r\n|\r|\n"


def build_unswallowed(lines: DataFrame, header: tuple[str, ...], dialect: Dialect) -> DataFrame:
    """Give every row that an unclosed quote swallowed back as a row of its own.

    Args:
        lines: one row per record as the reader saw it: the header's columns, the corrupt text, the source file.
        header: the columns' names.
        dialect: how the file is written.

    Returns:
        One row per record: its struct `FIELDS` of the header's columns, its text in `CORRUPT` where it cannot be
        used, and the source file. The line whose quote was never closed is corrupt; those after it are like any other.
    """
    columns = [F.col(quoted(name)) for name in header]
    parsed = F.struct(*[column.alias(name) for column, name in zip(columns, header, strict=True)], CORRUPT)
    line = F.col(_LINE)
    fields = F.when(line.isNull(), parsed).otherwise(_parse_line_expr(line, header, dialect))
    return (
        _with_swallowed_text(lines, columns, dialect)
        .withColumn(_LINE, F.explode_outer(F.split(_TEXT, _LINE_BREAK)))
        .where(line.isNull() | (F.trim(line) != ""))
        .select(line, fields.alias(FIELDS), c.SOURCE_FILE)
        .select(FIELDS, _corrupt_expr(line, dialect).alias(CORRUPT), c.SOURCE_FILE)
    )


def odd_quotes_expr(text: Column, dialect: Dialect) -> Column:
    """True where a text opens a quote that it does not close."""
    if not dialect.quote:
        return F.lit(False)
    quote = F.lit(dialect.quote)
    bare = (
        text if dialect.escape == dialect.quote else F.replace(text, F.lit(dialect.escape + dialect.quote), F.lit(""))
    )
    return (F.length(bare) - F.length(F.replace(bare, quote, F.lit("")))) % 2 == 1


def _with_swallowed_text(lines: DataFrame, columns: list[Column], dialect: Dialect) -> DataFrame:
    """Add the text of a record that spans lines because of an open quote; null for a sound record."""
    if not dialect.quote:
        return lines.withColumn(_TEXT, F.lit(None).cast("string"))
    corrupt, torn, text = F.col(CORRUPT), F.col(_TORN), F.col(_TEXT)
    values = F.array(*columns)
    swallowing = _torn_value_expr(values, dialect) | _swallowing_end_expr(columns, dialect)
    spans_lines = F.exists(values, lambda value: value.contains("\n"))
    rebuilt = F.coalesce(corrupt, F.when(torn, _rebuilt_expr(values, dialect)))
    return (
        lines.withColumn(_TORN, F.when(spans_lines, F.coalesce(swallowing, F.lit(False))).otherwise(F.lit(False)))
        .withColumn(_TEXT, rebuilt)
        .withColumn(_TEXT, F.when(text.contains("\n") & (torn | odd_quotes_expr(text, dialect)), text))
    )


def _torn_value_expr(values: Column, dialect: Dialect) -> Column:
    """A value that kept its opening quote: the next quote, lines later, did not end a column."""

    def is_torn(value: Column) -> Column:
        open_ended = F.col(CORRUPT).isNotNull() | odd_quotes_expr(value, dialect)
        return F.coalesce(value.startswith(dialect.quote) & value.contains("\n") & open_ended, F.lit(False))

    return F.exists(values, is_torn)


def _swallowing_end_expr(columns: list[Column], dialect: Dialect) -> Column:
    """A last value that runs to the file's end: the lines in it have at least as many columns as the header."""
    if len(columns) < 2:
        return F.lit(False)
    last = columns[-1]
    filled = F.filter(F.split(last, r"\n"), lambda line, position: (position > 0) & (F.trim(line) != ""))
    shaped = F.forall(filled, lambda line: _count_expr(line, dialect.delimiter) >= len(columns) - 1)
    to_the_end = last.endswith("\n") | (F.size(filled) >= 3)
    return (F.size(filled) >= 1) & shaped & to_the_end


def _count_expr(text: Column, character: str) -> Column:
    return F.length(text) - F.length(F.replace(text, F.lit(character), F.lit("")))


def _rebuilt_expr(values: Column, dialect: Dialect) -> Column:
    """The record's text once more, near enough: a value of several lines gets its opening quote back."""

    def requoted(value: Column) -> Column:
        text = F.coalesce(value, F.lit(""))
        unopened = text.contains("\n") & ~text.startswith(dialect.quote)
        return F.when(unopened, F.concat(F.lit(dialect.quote), text)).otherwise(text)

    return F.array_join(F.transform(values, requoted), dialect.delimiter)


def _parse_line_expr(line: Column, header: tuple[str, ...], dialect: Dialect) -> Column:
    schema = ", ".join(f"{quoted(name)} STRING" for name in (*header, CORRUPT))
    options = {"sep": dialect.delimiter, "quote": dialect.quote, "escape": dialect.escape}
    return F.from_csv(line, schema, {**options, "mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT})


def _corrupt_expr(line: Column, dialect: Dialect) -> Column:
    return F.when(odd_quotes_expr(line, dialect), line).otherwise(F.col(FIELDS)[CORRUPT])
