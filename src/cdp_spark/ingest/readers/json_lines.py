"""JSON: one object a line, or with `multiLine` one document a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.readers.delivery import Delivery, without_nulls_expr

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from cdp_spark.config.source import SourceConfig

_OBJECT = "map<string,string>"
_OWN = {"encoding", "charset", "multiline", "wholetext"}


def read_json(spark: SparkSession, source: SourceConfig, path: str) -> Delivery:
    """Read JSON objects as text by field: numbers in plain form, nested values as JSON.

    Parsing goes through Spark's variant, which keeps `10000000000.0` out of scientific notation and refuses an object
    that names a field twice.

    Args:
        spark: the session.
        source: the source, for its options `encoding`, `multiLine` and Spark's own file options.
        path: file, folder or glob.

    Returns:
        The delivery; columns are named by its rows.
    """
    options = {name.lower(): value for name, value in source.options.items()}
    documents = options.get("multiline", "false").lower() == "true"
    reader_options = {name: value for name, value in source.options.items() if name.lower() not in _OWN}
    texts = spark.read.options(**reader_options).text(path, wholetext=documents)
    encoding = options.get("encoding", options.get("charset", "UTF-8"))
    lines = texts.select(_decoded_expr(encoding).alias("value"), F.col("_metadata.file_path").alias(c.SOURCE_FILE))
    rows = _document_rows(lines) if documents else lines.withColumn(c.ROW, _line_row_expr(F.col("value")))
    return Delivery(_conform(rows.where(~F.col("value").rlike(r"^\s*$"))), None)


def _decoded_expr(encoding: str) -> Column:
    value = F.col("value")
    return value if encoding.upper() in ("UTF-8", "UTF8") else F.decode(value.cast("binary"), encoding)


def _line_row_expr(line: Column) -> Column:
    """A line's object; the brackets make the parser refuse what follows the object on its line."""
    parsed = F.try_parse_json(F.concat(F.lit("["), line, F.lit("]")))
    objects = F.try_variant_get(parsed, "$", f"array<{_OBJECT}>")
    return F.when(F.size(objects) == 1, objects[0])


def _document_rows(documents: DataFrame) -> DataFrame:
    parsed = F.try_parse_json("value")
    single = F.try_variant_get(parsed, "$", _OBJECT)
    objects = F.coalesce(
        F.try_variant_get(parsed, "$", f"array<{_OBJECT}>"), F.when(single.isNotNull(), F.array(single))
    )
    rows = documents.select("value", c.SOURCE_FILE, F.explode_outer(objects).alias(c.ROW), objects.alias("objects"))
    return rows.where(F.col(c.ROW).isNotNull() | F.col("objects").isNull())


def _conform(rows: DataFrame) -> DataFrame:
    value, row = F.col("value"), F.col(c.ROW)
    reason = F.when(~F.is_valid_utf8(value), "bad_encoding").when(row.isNull(), "malformed_json")
    return rows.select(
        F.when(reason.isNull(), without_nulls_expr(row)).alias(c.ROW),
        F.when(reason.isNotNull(), F.make_valid_utf8(value)).alias(c.RAW_TEXT),
        reason.alias(c.REASON),
        c.SOURCE_FILE,
        F.when(reason.isNull(), F.map_keys(row)).alias(c.COLUMNS_SEEN),
    )
