"""Folders and tables as the session sees them: by Java where it runs here, else where server and process share them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from py4j.protocol import Py4JError, Py4JJavaError

from cdp_spark.errors import StateError
from cdp_spark.session.remote import is_remote_session, shares_folder

if TYPE_CHECKING:
    from py4j.java_gateway import JavaObject
    from pyspark.sql import SparkSession

JAVA_ERRORS = (Py4JError,)
"""What a classic session raises beside PySpark's own errors."""
_shared: dict[tuple[str, str], Path | None] = {}
"""What was found of a remote session and a location: to ask takes a query."""


def java_class(error: Exception) -> str | None:
    """The name of a Java error's class, without its package; None for an error of Python's or Spark's own."""
    return str(error.java_exception.getClass().getSimpleName()) if isinstance(error, Py4JJavaError) else None


def find_folder(spark: SparkSession, location: str) -> Path | None:
    """The folder of this machine that Spark means by a location; None for one in HDFS, an object store or elsewhere."""
    if urlparse(location).scheme not in ("", "file"):
        return None
    if is_remote_session(spark):
        asked = (spark.session_id, location)  # type: ignore[attr-defined]
        if asked not in _shared:
            folder = _as_path(location)
            _shared[asked] = folder if folder.is_absolute() and shares_folder(spark, location, folder) else None
        return _shared[asked]
    try:
        path = _java_path(spark, location)
        place = _file_system(spark, path).makeQualified(path).toUri()
        return Path(place.getPath()) if place.getScheme() == "file" else None
    except (AttributeError, TypeError, Py4JError):
        return None


def list_folder(spark: SparkSession, location: str) -> list[str]:
    """List the paths in a folder or URI; none where it is not there.

    Raises:
        StateError: nobody here can list it.
    """
    if is_remote_session(spark):
        folder = _reachable(spark, location)
        return sorted(str(path) for path in folder.iterdir()) if folder.is_dir() else []
    try:
        path = _java_path(spark, location)
        files = _file_system(spark, path)
        return [it.getPath().toString() for it in files.listStatus(path)] if files.exists(path) else []
    except (AttributeError, TypeError, Py4JError) as error:
        raise _out_of_reach(location) from error


def delete_folder(spark: SparkSession, location: str) -> None:
    """Delete a folder and what is in it, if it is there.

    Raises:
        StateError: it is still there.
    """
    try:
        if is_remote_session(spark):
            folder = _reachable(spark, location)
            if folder.exists():
                shutil.rmtree(folder)
            return
        path = _java_path(spark, location)
        files = _file_system(spark, path)
        is_gone = not files.exists(path) or bool(files.delete(path, True))
    except (AttributeError, TypeError, OSError, Py4JError) as error:
        raise _out_of_reach(location) from error
    if not is_gone:
        raise _out_of_reach(location)


def rename_only_file(spark: SparkSession, location: str, *, prefix: str, name: str) -> None:
    """Rename the one file of a folder whose name begins so.

    Raises:
        StateError: there is none, or several, or nobody here can rename it.
    """
    found = [path for path in list_folder(spark, location) if path.rsplit("/", 1)[-1].startswith(prefix)]
    if len(found) != 1:
        raise StateError(f"folder {location}", got=f"{len(found)} files {prefix}…", allowed="one")
    target = f"{found[0].rsplit('/', 1)[0]}/{name}"
    try:
        if is_remote_session(spark):
            _as_path(found[0]).rename(target)
            return
        source = _java_path(spark, found[0])
        is_done = bool(_file_system(spark, source).rename(source, _java_path(spark, target)))
    except (AttributeError, TypeError, OSError, Py4JError) as error:
        raise _out_of_reach(location) from error
    if not is_done:
        raise _out_of_reach(location)


def read_newest_version(spark: SparkSession, identifier: str, *, is_path: bool) -> int | None:
    """Ask the log in a hundredth of a second, where `DESCRIBE HISTORY` takes half of one; None where it is elsewhere.

    Args:
        spark: the session.
        identifier: the table's path, or its name in the catalog.
        is_path: which of both.
    """
    try:
        tables = spark._jvm.io.delta.tables.DeltaTable  # type: ignore[union-attr]
        find = tables.forPath if is_path else tables.forName
        none = spark._jvm.scala.Option.empty()  # type: ignore[union-attr]
        return int(find(spark._jsparkSession, identifier).deltaLog().update(False, none, none).version())
    except (AttributeError, TypeError, Py4JError):
        return None


def _reachable(spark: SparkSession, location: str) -> Path:
    folder = find_folder(spark, location)
    if folder is None:
        raise _out_of_reach(location)
    return folder


def _out_of_reach(location: str) -> StateError:
    return StateError(f"folder {location}", got="no right or no way to list it or to delete in it")


def _as_path(location: str) -> Path:
    """A bare path has no escapes; a `file:` URI has."""
    return Path(unquote(urlparse(location).path)) if location.startswith("file:") else Path(location)


def _java_path(spark: SparkSession, place: str) -> JavaObject:
    return spark._jvm.org.apache.hadoop.fs.Path(place)  # type: ignore[union-attr]


def _file_system(spark: SparkSession, path: JavaObject) -> JavaObject:
    return path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
