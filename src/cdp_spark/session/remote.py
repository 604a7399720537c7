"""A session on a Spark Connect server, Databricks serverless among them: joined, told what it may be told, and taught.

1. `find_remote` reads where the server is: `spark.remote` of the settings, else `SPARK_REMOTE`.
2. `connect` joins it. A server that cannot be reached, or a client package that is missing, is one sentence.
3. `send_package` sends this package to the server's Python workers: functions are sent by their module's name. What the
   package depends on has to be installed there.

A server of one's own shares its folders with this process where both run on one machine or mount the same ones;
`shares_folder` finds out.
"""

from __future__ import annotations

import logging
import os
import tempfile
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException, PySparkImportError
from pyspark.sql import SparkSession

from cdp_spark.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

REMOTE = "spark.remote"
_PACKAGE = Path(__file__).parents[1]
_MARK = "cdp_spark_package_sent"
RETRIES = 6
"""Of a call that the server did not answer: a minute, in which a network recovers. PySpark's own 15 take ten."""
GONE = (
    *("StatusCode.UNAVAILABLE", "failed to connect to all addresses", "Connection reset by peer", "Socket closed"),
    *("INVALID_HANDLE.SESSION", "SESSION_NOT_FOUND", "SESSION_CLOSED", "SESSION_CHANGED", "RETRIES_EXCEEDED"),
)


def is_remote_session(spark: SparkSession) -> bool:
    """Tell a session on a Connect server from one whose Java runs beside this process."""
    return ".connect." in type(spark).__module__


def is_gone(error: BaseException) -> bool:
    """Tell whether an error says that the Connect server, or the session on it, has ended."""
    module = type(error).__module__
    return module.startswith(("pyspark", "grpc")) and any(sign in f"{type(error).__name__} {error}" for sign in GONE)


def find_remote(conf: Mapping[str, str]) -> str | None:
    """Return the address of the Connect server that settings or the environment name; None for none."""
    return conf.get(REMOTE) or conf.get("remote") or os.environ.get("SPARK_REMOTE")


def connect(address: str) -> SparkSession:
    """Join a Connect server.

    Raises:
        StateError: a package of the client is missing, or the server cannot be reached.
    """
    where = f"Spark Connect at {address.partition(';')[0]}"  # what follows may be a token
    try:
        spark = SparkSession.builder.remote(address).getOrCreate()
        _retry_for_a_minute(spark)
        spark.version  # noqa: B018 - asks the server
    except (PySparkImportError, ImportError) as error:
        fix = "pip install 'cdp-spark[connect]'"
        raise StateError(where, got="a package of Spark's client that is not installed", fix=fix) from error
    except Exception as error:
        got = "no answer" if is_gone(error) else f"a refusal ({type(error).__name__})"
        raise StateError(where, got=got, fix="check the address, and that the server runs") from error
    return spark


def _retry_for_a_minute(spark: SparkSession) -> None:
    from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415 - needs the client's packages

    spark.client.set_retry_policies([DefaultPolicy(max_retries=RETRIES)])


def send_package(spark: SparkSession) -> None:
    """Send this package to the server's Python workers, once a session; a server that refuses has to have it."""
    if vars(spark).get(_MARK):
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / f"cdp_spark_{uuid.uuid4().hex[:8]}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
            for file in sorted(_PACKAGE.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    package.write(file, file.relative_to(_PACKAGE.parent))
        try:
            spark.addArtifacts(str(archive), pyfile=True)
        except PySparkException as error:
            if is_gone(error):
                raise
            log.info(
                "The server takes no Python files (%s): cdp-spark has to be installed there.", type(error).__name__
            )
    vars(spark)[_MARK] = True


def shares_folder(spark: SparkSession, location: str, folder: Path) -> bool:
    """Tell whether the server sees in a folder what this process sees there.

    A file is written to the folder, or to the nearest one above it that is there, and the server is asked for it.

    Args:
        spark: a remote session.
        location: the folder as Spark is told it.
        folder: the same for this process.
    """
    there = next(it for it in (folder, *folder.parents) if it.is_dir())
    asked = Path(there) / f"cdp-look-{uuid.uuid4().hex}"
    scheme = location[: location.index(":") + 1] if location.startswith("file:") else ""
    try:
        asked.write_text("here")  # Spark passes over empty files
    except OSError:
        return False
    try:
        return spark.read.format("binaryFile").load(f"{scheme}{asked}").count() == 1
    except PySparkException as error:
        if is_gone(error):
            raise
        return False
    finally:
        asked.unlink(missing_ok=True)
