"""Delimited text (CSV): columns by name, rows of a wrong shape refused with their text."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.ingest.readers.delivery import Delivery, quoted, without_nulls_expr
from cdp_spark.ingest.readers.quotes import CORRUPT, FIELDS, build_unswallowed, odd_quotes_expr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame, SparkSession

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.readers.header import Dialect

_ALIASES = {"delimiter", "sep", "charset", "encoding", "quote", "escape", "multiline"}


def read_delimited(
    spark: SparkSession,
    source: SourceConfig,
    path: str,
    *,
    dialect: Dialect,
    groups: Mapping[tuple[str, ...], tuple[str, ...]],
) -> Delivery:
    """Read a delivery's files, each group by its own header.

    Args:
        spark: the session.
        source: the source, for its further reader options.
        path: file, folder or glob.
        dialect: how the files are written.
        groups: header to the files that have it; at least one.

    Returns:
        The delivery; its columns are those of all headers together.
    """
    options = {name: value for name, value in source.options.items() if name.lower() not in _ALIASES}
    frames = []
    for header, files in groups.items():
        lines = _read_lines(spark, path, header, {**options, **_reader_options(dialect)})
        of_group = lines if len(groups) == 1 else lines.where(F.col(c.SOURCE_FILE).isin(*files))
        frames.append(_conform(build_unswallowed(of_group, header, dialect), header, dialect))
    columns = {name: "string" for header in groups for name in header}
    if len(frames) == 1:
        return Delivery(frames[0], columns, cells=FIELDS)
    return Delivery(reduce(lambda left, right: left.drop(FIELDS).unionByName(right.drop(FIELDS)), frames), columns)


def _reader_options(dialect: Dialect) -> dict[str, str]:
    return {
        "sep": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "encoding": dialect.encoding,
        "multiLine": str(dialect.multi_line).lower(),
        "header": "true",
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": CORRUPT,
        # A pruned reader checks only the columns that it was asked for.
        "columnPruning": "false",
    }


def _read_lines(spark: SparkSession, path: str, header: tuple[str, ...], options: dict[str, str]) -> DataFrame:
    schema = T.StructType([T.StructField(name, T.StringType()) for name in (*header, CORRUPT)])
    read = spark.read.schema(schema).options(**options).csv(path)
    return read.select("*", F.col("_metadata.file_path").alias(c.SOURCE_FILE))


def _conform(lines: DataFrame, header: tuple[str, ...], dialect: Dialect) -> DataFrame:
    corrupt = F.col(CORRUPT)
    return lines.select(
        F.when(corrupt.isNull(), _row_expr(header)).alias(c.ROW),
        corrupt.alias(c.RAW_TEXT),
        F.when(odd_quotes_expr(corrupt, dialect), "unclosed_quote")
        .when(corrupt.isNotNull(), "column_count")
        .alias(c.REASON),
        c.SOURCE_FILE,
        F.lit(None).cast("array<string>").alias(c.COLUMNS_SEEN),
        FIELDS,
    )


def _row_expr(header: tuple[str, ...]) -> Column:
    entries = [part for name in sorted(header) for part in (F.lit(name), F.col(f"{FIELDS}.{quoted(name)}"))]
    return without_nulls_expr(F.create_map(*entries))
