"""Whether a warehouse is a folder of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from py4j.protocol import Py4JError

from cdp_spark.tables.manifest.manifest import PLACE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


_MISREAD = frozenset("%\\[]^|")
"""delta-rs takes a percent sign in a path for an escape, and gives up at the others."""


def identifier_of(location: str, name: str, *, is_path: bool) -> str:
    """Name a table of a warehouse for Spark: by its path below a folder or URI, or in a catalog schema."""
    return f"{location.rstrip('/')}/{name}" if is_path else f"{location}.{name}"


def find_folder(spark: SparkSession, location: str) -> Path | None:
    """The folder that Spark means by a location; None for one in HDFS or an object store, and where Spark is remote."""
    if urlparse(location).scheme not in ("", "file"):
        return None
    try:
        path = spark._jvm.org.apache.hadoop.fs.Path(location)  # type: ignore[union-attr]
        files = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
        place = files.makeQualified(path).toUri()
        return Path(place.getPath()) if place.getScheme() == "file" else None
    except (AttributeError, TypeError, Py4JError):
        return None


def find_written_folder(location: str) -> Path | None:
    """The folder of this machine that a location names, if a manifest says that it holds a warehouse; asks no Spark."""
    place = urlparse(location)
    folder = Path(unquote(place.path) if place.scheme else location)
    return folder if place.scheme in ("", "file") and (folder / PLACE).is_file() else None


def is_readable_by_delta_rs(folder: Path) -> bool:
    """Tell whether delta-rs finds a folder by its name."""
    return not _MISREAD & set(str(folder))
