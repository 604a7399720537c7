"""The only place that builds a SparkSession."""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from cdp_spark.config.base import Secret
from cdp_spark.errors import CdpError, StateError
from cdp_spark.session.class_archive import reading_options
from cdp_spark.session.jars import DELTA_COORDINATE, GRAPHFRAMES_COORDINATE, find_jars, wanted_graphframes
from cdp_spark.session.java import check_java, java_options, memory_bytes
from cdp_spark.session.launch import launch_java, remember_lookups
from cdp_spark.session.remote import connect, find_remote, is_gone, is_remote_session, send_package
from cdp_spark.session.settings import SessionSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.config.project import ProjectSettings

log = logging.getLogger(__name__)

_UNKNOWN_PARTITIONS = 200
_SNAPSHOT_PARTITIONS = "spark.databricks.delta.snapshotPartitions"
_REDACTED = "spark.redaction.regex"
_SECRET_NAMES = "(?i:secret|pass(?:word|wd|phrase)?$|pwd$|token|(?:access|account|api|private)[._-]?key|credential)"
_UMASK = "spark.hadoop.fs.permissions.umask-mode"
_ANY_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_PLANNING = {
    # Java never compiles a method above 8 KB; Spark would fuse up to 64 KB.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # An incremental night compiles 400 classes; Spark keeps 100, and compiled a repeated query again.
    "spark.sql.codegen.cache.maxEntries": "2000",
    # Which compression suits a held column costs more to find out than the bytes are worth for the minutes they live.
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    # Spark measures an Arrow batch after every row, unless there is no limit; so many rows a batch are limit enough.
    # Functions of distinct values take a fifth longer with 10,000, Spark's default: fewer values repeat.
    "spark.sql.execution.arrow.maxBytesPerBatch": "2147483647",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    # Java's own upper and lower case: to set up ICU's takes two seconds of the processor.
    "spark.sql.icu.caseMappings.enabled": "false",
    # Noting the line of every Column expression takes three times as long as making it.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
_WORKERS = {
    # Else every Python worker imports modules from the folder that one stands in: a `re.py` there would be run.
    "spark.executorEnv.PYTHONSAFEPATH": "1",
}
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def get_session(settings: SessionSettings | None = None) -> SparkSession:
    """Return the session that is there (notebook, Databricks, spark-submit, Connect) or start a local one with Delta.

    Raises:
        StateError: Java is missing or too old, Delta's jars cannot be had, or a Connect server does not answer.
    """
    settings = settings or SessionSettings()
    active = SparkSession.getActiveSession()
    if active is not None:
        return _adopt(active, settings)
    address = find_remote(settings.conf)
    if address is not None:
        return _adopt(connect(address), settings)
    if _spark_is_elsewhere():
        return _adopt(_start({"spark.app.name": settings.app_name, **_given_settings(settings)}), settings)
    java = check_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the workers' Python; PySpark reads no setting here
    if wanted_graphframes(settings) == "maven":
        return _start_with_fetched_graphframes(settings, java)
    return _start(build_local_conf(settings, java))


def get_project_session(
    settings: ProjectSettings, *, app_name: str, conf: Mapping[str, str] | None = None
) -> SparkSession:
    """Return the session as `get_session` does, set as a project says.

    What this process and Spark write from here on is for this user only, unless the project shares its files.

    Args:
        settings: of the project.
        app_name: shown in Spark's UI.
        conf: Spark settings over which the project's win.
    """
    if settings.private_files:
        os.umask(0o077)
    wanted = {**(conf or {}), **settings.spark}
    return get_session(SessionSettings(app_name=app_name, private_files=settings.private_files, conf=wanted))


def shuffle_partitions(spark: SparkSession) -> int:
    """Partitions of a shuffle, as the session is set."""
    told = _read_setting(spark, "spark.sql.shuffle.partitions") or ""
    return max(int(told), 1) if told.isdecimal() else _UNKNOWN_PARTITIONS  # serverless may say `auto`


def is_on_this_machine(spark: SparkSession) -> bool:
    """Whether the session and its tasks run here, so that a local path means the same file to them."""
    return not is_remote_session(spark) and str(spark.sparkContext.master).startswith("local")


def _adopt(spark: SparkSession, settings: SessionSettings) -> SparkSession:
    """Set what may be set on a session that someone else started, and make sure that it knows Delta."""
    is_local = (_read_setting(spark, "spark.master") or "").startswith("local")
    for key, value in {**_ANY_SESSION, **settings.conf}.items():
        if _is_modifiable(spark, key):
            _set(spark, key, value)
    if is_local and _read_setting(spark, _SNAPSHOT_PARTITIONS) is None:
        _set(spark, _SNAPSHOT_PARTITIONS, "1")  # Delta's 50 are for clusters: each look at a table takes seconds
    if not _is_databricks(spark):
        _check_delta(spark)
    if is_remote_session(spark):
        send_package(spark)
    return spark


def _set(spark: SparkSession, key: str, value: str) -> bool:
    """Set what the session lets one set: Databricks serverless has a list of a few, and refuses all others."""
    try:
        spark.conf.set(key, value)
    except PySparkException as error:
        if is_gone(error):
            raise
        log.info("The session refuses the setting %s (%s).", key, type(error).__name__)
        return False
    return True


def _read_setting(spark: SparkSession, key: str) -> str | None:
    """What a setting is; None where it is not set, or the session does not tell."""
    try:
        return spark.conf.get(key, None)
    except PySparkException as error:
        if is_gone(error):
            raise
        return None


def _is_modifiable(spark: SparkSession, key: str) -> bool:
    try:
        return spark.conf.isModifiable(key)
    except PySparkException as error:
        if is_gone(error):
            raise
        return False


@contextmanager
def temporary_settings(spark: SparkSession, wanted: Mapping[str, str]) -> Iterator[frozenset[str]]:
    """Change settings of the session for a block; the block is told which ones the session refuses."""
    before = {name: _read_setting(spark, name) for name in wanted}
    refused = frozenset(name for name, value in wanted.items() if not _set(spark, name, value))
    try:
        yield refused
    finally:
        for name in wanted.keys() - refused:
            old = before[name]
            spark.conf.unset(name) if old is None else spark.conf.set(name, old)


def _is_databricks(spark: SparkSession) -> bool:
    """Databricks tables are Delta tables, whatever the settings say; Databricks Connect has such a server, too."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ or (is_remote_session(spark) and "databricks" in _address(spark))


def _address(spark: SparkSession) -> str:
    return str(getattr(spark.client, "host", ""))


def _check_delta(spark: SparkSession) -> None:
    fix = f"start it with --packages {DELTA_COORDINATE} and Delta's two settings, {' and '.join(_DELTA)}"
    if "delta" not in (_read_setting(spark, "spark.sql.catalog.spark_catalog") or "").lower():
        raise StateError("Spark session", got="one without Delta", fix=fix)
    try:
        spark.catalog.currentDatabase()
    except Exception as error:
        raise StateError("Spark session", got="one without Delta's jars on its class path", fix=fix) from error


def _spark_is_elsewhere() -> bool:
    names = ("PYSPARK_GATEWAY_PORT", "DATABRICKS_RUNTIME_VERSION")
    return any(name in os.environ for name in names)


def _given_settings(settings: SessionSettings) -> dict[str, str]:
    """Settings for a session that spark-submit has begun: its own stay but for those needed here."""
    return {**_DELTA, **_PLANNING, **_ANY_SESSION, **_WORKERS, **settings.conf, **private_settings(settings)}


def _start(conf: dict[str, str]) -> SparkSession:
    is_local = str(conf.get("spark.master", "")).startswith("local")
    try:
        told = launch_java(conf) if is_local else conf
        builder = SparkSession.builder
        for key, value in told.items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
    except CdpError:
        raise
    except Exception as error:
        raise _start_error(error, fetching="spark.jars.packages" in conf) from error
    if is_local:
        remember_lookups(spark)
    return spark


def _start_error(error: Exception, *, fetching: bool) -> StateError:
    text = str(error)
    if "JAVA_GATEWAY_EXITED" not in text:
        return StateError(
            "Spark's start", got=(text.splitlines() or [type(error).__name__])[0][:200], fix="see --debug"
        )
    if fetching:
        return StateError(
            "Spark's start",
            got="jars that are not in the cache and could not be fetched from Maven Central",
            fix="connect to the network once (make setup), or name a mirror in the setting spark.jars.repositories",
        )
    return StateError(
        "Spark's start",
        got="a Java process that ended at once",
        fix="read its message above; often spark.driver.memory is more than the machine has",
    )


def _start_with_fetched_graphframes(settings: SessionSettings, java: str) -> SparkSession:
    """Start with GraphFrames from Maven; a start that fails over it is made again without."""
    conf = build_local_conf(settings, java)
    known = conf.get("spark.jars.packages")
    try:
        return _start({**conf, "spark.jars.packages": ",".join(filter(None, [known, GRAPHFRAMES_COORDINATE]))})
    except StateError:
        log.warning("GraphFrames could not be fetched: components are computed by the local or the DataFrame engine.")
        return _start(conf)


def private_settings(settings: SessionSettings) -> dict[str, str]:
    """Settings that keep what is written for this user only, and secrets out of Spark's event log."""
    named = [rf"^{re.escape(key)}$" for key, value in settings.conf.items() if isinstance(value, Secret)]
    redacted = "|".join(filter(None, [settings.conf.get(_REDACTED), _SECRET_NAMES, *named]))
    return {_REDACTED: redacted, **({_UMASK: "077"} if settings.private_files else {})}


def build_local_conf(settings: SessionSettings, java: str) -> dict[str, str]:
    """All settings of a local session.

    Args:
        settings: what was asked for.
        java: path of the Java program.
    """
    cores = os.cpu_count() or 2
    jars = find_jars(settings)
    wanted = [conf["spark.jars.packages"] for conf in (jars, settings.conf) if "spark.jars.packages" in conf]
    return {
        **_DELTA,
        **_PLANNING,
        **_ANY_SESSION,
        **_WORKERS,
        **jars,
        "spark.app.name": settings.app_name,
        "spark.master": settings.master,
        "spark.driver.memory": settings.driver_memory or f"{memory_bytes() * 2 // 5 // 2**20}m",
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": " ".join([java_options(), *reading_options(java, jars)]),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.buffer.pageSize": "4m",  # else 64 MB for every hash table, be it of three rows; broadcast ones are held
        _SNAPSHOT_PARTITIONS: "1",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions or 2 * cores),
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(cores),
        **private_settings(settings),
        **{key: value for key, value in settings.conf.items() if key != _REDACTED},
        **({"spark.jars.packages": ",".join(wanted)} if wanted else {}),
    }
