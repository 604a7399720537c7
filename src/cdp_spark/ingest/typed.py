"""Parquet, Delta and JDBC by Spark's own readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark.errors import DataError
from cdp_spark.session.files import java_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame, SparkSession

    from cdp_spark.config.source import SourceConfig

NOTHING_THERE = frozenset({"PATH_NOT_FOUND", "UNABLE_TO_INFER_SCHEMA", "DELTA_TABLE_NOT_FOUND"})
"""Spark's conditions for a path without a file to read."""
_DRIVERS = {
    "jdbc:postgresql": "org.postgresql.Driver",
    "jdbc:mysql": "com.mysql.cj.jdbc.Driver",
    "jdbc:mariadb": "org.mariadb.jdbc.Driver",
    "jdbc:sqlserver": "com.microsoft.sqlserver.jdbc.SQLServerDriver",
    "jdbc:oracle": "oracle.jdbc.OracleDriver",
}
"""Driver class by the beginning of the URL."""
_PLAIN = (T.NumericType, T.StringType, T.BooleanType, T.BinaryType, T.DateType, T.TimestampType, T.TimestampNTZType)


@dataclass(frozen=True)
class TypedRows:
    """A typed delivery.

    Args:
        columns: column to type, as Spark names it.
        rows: the source file, null where there is none, then a cell for each of the columns.
    """

    columns: Mapping[str, str]
    rows: DataFrame


def read_typed(spark: SparkSession, source: SourceConfig, path: str | None) -> TypedRows | None:
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
        fields = rows.schema.fields
    except AnalysisException as error:
        if error.getCondition() in NOTHING_THERE:
            return None
        raise _unreadable(source, error) from None
    except Exception as error:
        # A driver's message may hold the connection's address and credentials: only its kind is passed on.
        raise _unreadable(source, error) from None
    file = F.col("_metadata.file_path") if source.format == "parquet" else F.lit(None).cast("string")
    # A function of Arrow batches takes no column with a dot in its name.
    cells = [_for_arrow(field).alias(f"cell_{place}") for place, field in enumerate(fields)]
    return TypedRows({it.name: it.dataType.simpleString() for it in fields}, rows.select(file.alias("file"), *cells))


def _for_arrow(field: T.StructField) -> Column:
    """Write as text what Arrow has no type for."""
    column = F.col("`" + field.name.replace("`", "``") + "`")
    if isinstance(field.dataType, T.VariantType):
        return F.to_json(column)
    is_known = isinstance(field.dataType, (*_PLAIN, T.StructType, T.ArrayType, T.MapType, T.NullType))
    return column if is_known else column.cast("string")


def _options(source: SourceConfig) -> dict[str, str]:
    """The source's options; for JDBC with the driver's class, which Java does not find in a jar that Spark fetched."""
    names = {name.lower() for name in source.options}
    driver = _DRIVERS.get(":".join(source.options.get("url", "").split(":")[:2]))
    needed = source.format == "jdbc" and driver is not None and "driver" not in names
    return {**source.options, "driver": str(driver)} if needed else source.options


def _unreadable(source: SourceConfig, error: Exception) -> DataError:
    kind = _kind_of(error)
    fix = "check the source's path, format and options"
    if kind == "PARQUET_TYPE_ILLEGAL" and "NANOS" in str(error):
        kind = "times in nanoseconds, which Spark does not read"
        fix = "have its times written in microseconds, as pandas does with to_parquet(…, coerce_timestamps='us')"
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
    return java_class(error) or type(error).__name__
