"""Whether a warehouse is a folder of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from py4j.protocol import Py4JError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


_MISREAD = frozenset("%\\[]^|")
"""delta-rs takes a percent sign in a path for an escape, and gives up at the others."""


def find_folder(spark: SparkSession, location: str) -> Path | None:
    """The folder that Spark means by a location.

    None for one in HDFS or an object store, where Spark is remote, and for a path that delta-rs misreads.
    """
    if urlparse(location).scheme not in ("", "file"):
        return None
    try:
        path = spark._jvm.org.apache.hadoop.fs.Path(location)  # type: ignore[union-attr]
        files = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
        place = files.makeQualified(path).toUri()
        folder = place.getPath()
        return Path(folder) if place.getScheme() == "file" and not _MISREAD & set(folder) else None
    except (AttributeError, TypeError, Py4JError):
        return None
