"""Where a table is: its name for Spark and in SQL, and whether it is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from pyspark.errors import AnalysisException

from cdp_spark.tables.manifest.manifest import PLACE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NOT_THERE = frozenset(
    {"PATH_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "DELTA_TABLE_NOT_FOUND", "DELTA_PATH_DOES_NOT_EXIST"}
)

_MISREAD = frozenset("%\\[]^|")
"""delta-rs takes a percent sign in a path for an escape, and gives up at the others."""


def identifier_of(location: str, name: str, *, is_path: bool) -> str:
    """Name a table of a warehouse for Spark: by its path below a folder or URI, or in a catalog schema."""
    return f"{location.rstrip('/')}/{name}" if is_path else f"{location}.{name}"


def sql_name(identifier: str, *, is_path: bool) -> str:
    """Name a table in SQL by its path, or by its name in the catalog."""
    return "delta.`" + identifier.replace("`", "``") + "`" if is_path else identifier


def is_table(spark: SparkSession, identifier: str, *, is_path: bool) -> bool:
    """Ask Spark whether a Delta table is there.

    Raises:
        AnalysisException: it cannot be told.
    """
    if not is_path:
        return bool(spark.catalog.tableExists(identifier))
    try:
        spark.read.format("delta").load(identifier).schema  # noqa: B018 - asks
    except AnalysisException as error:
        if error.getCondition() in _NOT_THERE:
            return False
        raise
    return True


def find_written_folder(location: str) -> Path | None:
    """The folder of this machine that a location names, if a manifest says that it holds a warehouse; asks no Spark."""
    place = urlparse(location)
    folder = Path(unquote(place.path) if place.scheme else location)
    return folder if place.scheme in ("", "file") and (folder / PLACE).is_file() else None


def is_readable_by_delta_rs(folder: Path) -> bool:
    """Tell whether delta-rs finds a folder by its name."""
    return not _MISREAD & set(str(folder))
