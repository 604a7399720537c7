"""Parquet, Delta and JDBC: typed columns, written as text once and for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.ingest.readers.delivery import Delivery, quoted, without_nulls_expr

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from cdp_spark.config.source import SourceConfig

NOTHING_THERE = frozenset({"PATH_NOT_FOUND", "UNABLE_TO_INFER_SCHEMA", "DELTA_TABLE_NOT_FOUND"})
"""Spark's conditions for a path without a file to read."""
_NESTED = (T.StructType, T.ArrayType, T.MapType, T.VariantType)
_DRIVERS = {
    "jdbc:postgresql": "org.postgresql.Driver",
    "jdbc:mysql": "com.mysql.cj.jdbc.Driver",
    "jdbc:mariadb": "org.mariadb.jdbc.Driver",
    "jdbc:sqlserver": "com.microsoft.sqlserver.jdbc.SQLServerDriver",
    "jdbc:oracle": "oracle.jdbc.OracleDriver",
}
"""Driver class by the beginning of the URL."""
_JSON_OPTIONS = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}


def read_typed(spark: SparkSession, source: SourceConfig, path: str | None) -> Delivery | None:
    """Read a typed source.

    Args:
        spark: the session.
        source: the source, for its format and reader options.
        path: file, folder or glob; None for JDBC.

    Returns:
        The delivery; None where nothing is there.

    Raises:
        DataError: the files or the database cannot be read.
    """
    try:
        rows = spark.read.format(source.format).options(**_options(source)).load(path)
        columns = {field.name: field.dataType.simpleString() for field in rows.schema.fields}
    except AnalysisException as error:
        if error.getCondition() in NOTHING_THERE:
            return None
        raise _unreadable(source, error) from None
    except Exception as error:
        # A driver's message may hold the connection's address and credentials: only its kind is passed on.
        raise _unreadable(source, error) from None
    return Delivery(_conform(rows, with_file=source.format == "parquet"), columns)


def text_expr(value: Column, kind: T.DataType) -> Column:
    """A value as text: times in ISO 8601 UTC, numbers in plain form, nested values as JSON, binary as Base64."""
    if isinstance(kind, T.TimestampType):
        return F.concat(_iso_expr(F.to_utc_timestamp(value, F.current_timezone())), F.lit("Z"))
    if isinstance(kind, T.TimestampNTZType):
        return _iso_expr(value)
    if isinstance(kind, (T.DoubleType, T.FloatType)):
        return _plain_number_expr(value)
    if isinstance(kind, T.BinaryType):
        return F.base64(value)
    return F.to_json(value, _JSON_OPTIONS) if isinstance(kind, _NESTED) else value.cast("string")


def _iso_expr(value: Column) -> Column:
    return F.regexp_replace(F.date_format(value, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"), r"\.?0+$", "")


def _plain_number_expr(value: Column) -> Column:
    """A whole number without its `.0`: an integer column becomes floating as soon as one value is missing."""
    text = value.cast("string")
    plain = F.regexp_replace(value.try_cast("decimal(38,18)").cast("string"), r"\.?0+$", "")
    whole = (value == F.floor(value)) & (F.abs(value) < 2**53)
    return (
        F.when(F.isnan(value), None)
        .when(whole, value.try_cast("bigint").cast("string"))
        .when(text.contains("E"), F.coalesce(plain, text))
        .otherwise(text)
    )


def _conform(rows: DataFrame, *, with_file: bool) -> DataFrame:
    fields = sorted(rows.schema.fields, key=lambda field: field.name)
    entries = [p for f in fields for p in (F.lit(f.name), text_expr(F.col(quoted(f.name)), f.dataType))]
    missing = F.lit(None).cast("string")
    return rows.select(
        without_nulls_expr(F.create_map(*entries)).alias(c.ROW),
        missing.alias(c.RAW_TEXT),
        missing.alias(c.REASON),
        (F.col("_metadata.file_path") if with_file else missing).alias(c.SOURCE_FILE),
        F.lit(None).cast("array<string>").alias(c.COLUMNS_SEEN),
    )


def _options(source: SourceConfig) -> dict[str, str]:
    """The source's options; for JDBC with the driver's class, which Java does not find in a jar that Spark fetched."""
    names = {name.lower() for name in source.options}
    driver = _DRIVERS.get(":".join(source.options.get("url", "").split(":")[:2]))
    needed = source.format == "jdbc" and driver is not None and "driver" not in names
    return {**source.options, "driver": str(driver)} if needed else source.options


def _unreadable(source: SourceConfig, error: Exception) -> DataError:
    kind = _kind_of(error)
    fix = "check the source's path, format and options"
    if "ClassNotFound" in kind or kind.startswith("SQLException"):
        fix = (
            "name the driver's Maven coordinate in project.yaml: `spark: {spark.jars.packages: group:artifact:version}`"
        )
    got = f"a delivery that cannot be read as {source.format} ({kind})"
    return DataError(f"source {source.name}", got=got, fix=fix)


def _kind_of(error: Exception) -> str:
    """Spark's condition, such as FAILED_JDBC.CONNECTION, or the Java class."""
    if isinstance(error, AnalysisException):
        return error.getCondition() or type(error).__name__
    if isinstance(error, Py4JJavaError):
        return str(error.java_exception.getClass().getSimpleName())
    return type(error).__name__
