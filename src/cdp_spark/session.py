"""The only place that builds a SparkSession."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import SparkSession

from cdp_spark.errors import StateError

log = logging.getLogger(__name__)

DELTA_COORDINATE = "io.delta:delta-spark_4.2_2.13:4.4.0"
GRAPHFRAMES_COORDINATE = "io.graphframes:graphframes-spark4_2.13:0.12.3"
_NEEDLESS_GROUPS = (
    "com.fasterxml.jackson.datatype",
    "com.fasterxml.jackson.core",
    "com.github.luben",
    "com.google.code.findbugs",
    "commons-logging",
    "commons-pool",
    "io.airlift",
    "io.unitycatalog",
    "javax.annotation",
    "org.apache.hadoop",
    "org.apache.logging.log4j",
    "org.apache.parquet",
    "org.locationtech.jts",
    "org.roaringbitmap",
    "org.slf4j",
    "org.xerial.snappy",
)
_MINIMUM_JAVA = 17


@dataclass(frozen=True)
class SessionSettings:
    """How to start Spark where no session exists yet.

    Args:
        app_name: shown in Spark's UI.
        master: `local[*]` by default; None under spark-submit, which names its own.
        driver_memory: Java memory of the driver in local mode, as Spark writes it.
        shuffle_partitions: None for twice the cores in local mode.
        graphframes_jar: a jar on disk; None to use what is on the class path.
        conf: further Spark settings, which win over all of the above.
    """

    app_name: str = "cdp-spark"
    master: str | None = "local[*]"
    driver_memory: str = "4g"
    shuffle_partitions: int | None = None
    graphframes_jar: str | None = None
    conf: dict[str, str] = field(default_factory=dict)


def get_session(settings: SessionSettings | None = None) -> SparkSession:
    """Return the session that is there (notebook, Databricks, spark-submit) or start a local one with Delta.

    Raises:
        StateError: Java is missing or too old, or the Delta jars cannot be had.
    """
    settings = settings or SessionSettings()
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    if _under_spark_submit():
        return _with_conf(SparkSession.builder.appName(settings.app_name), {**_sql_defaults(None), **settings.conf})
    check_java()
    conf = {**_local_defaults(settings), **settings.conf}
    builder = SparkSession.builder.appName(settings.app_name).master(settings.master or "local[*]")
    return _with_conf(builder, conf)


def check_java() -> None:
    """Raise one clear sentence where Java is missing or older than 17.

    Raises:
        StateError: no Java, or one that Spark 4 cannot use.
    """
    fix = "install a Java 17 or 21 runtime (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        raise StateError("Java", got=f"none at {java}" if java else "none", allowed="17 or newer", fix=fix)
    version = _java_version(java)
    if version < _MINIMUM_JAVA:
        raise StateError("Java", got=f"version {version}", allowed="17 or newer", fix=fix)


def _java_version(java: str) -> int:
    done = subprocess.run([java, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False)
    for line in done.stderr.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "java.specification.version":
            return int(value.strip().removeprefix("1.").split(".")[0])
    raise StateError("Java", got=f"no version from {java}", allowed="17 or newer", fix="check JAVA_HOME")


def _under_spark_submit() -> bool:
    return "PYSPARK_GATEWAY_PORT" in os.environ or "SPARK_REMOTE" in os.environ


def _with_conf(builder: SparkSession.Builder, conf: dict[str, str]) -> SparkSession:
    for key, value in conf.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise _start_error(error) from error


def _start_error(error: Exception) -> StateError:
    text = str(error)
    if "unresolved dependency" in text or "JAVA_GATEWAY_EXITED" in text:
        return StateError(
            "Spark's start",
            got="Delta's jars could not be fetched and are not in the cache",
            fix="connect to Maven Central once (make setup), or name local jars in spark.jars",
        )
    return StateError("Spark's start", got=text.splitlines()[0][:200], fix="see the log above")


def _sql_defaults(shuffle_partitions: int | None) -> dict[str, str]:
    conf = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.caseSensitive": "false",
    }
    if shuffle_partitions is not None:
        conf["spark.sql.shuffle.partitions"] = str(shuffle_partitions)
    return conf


def _local_defaults(settings: SessionSettings) -> dict[str, str]:
    cores = os.cpu_count() or 2
    conf = {
        **_sql_defaults(settings.shuffle_partitions or 2 * cores),
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(cores),
        "spark.jars.packages": DELTA_COORDINATE,
        "spark.jars.excludes": ",".join(f"{group}:*" for group in _NEEDLESS_GROUPS),
        "spark.driver.extraJavaOptions": "-Dlog4j.logLevel=ERROR -XX:+UseParallelGC",
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
    }
    jar = settings.graphframes_jar or os.environ.get("CDP_GRAPHFRAMES_JAR")
    if jar:
        conf["spark.jars"] = jar
    else:
        log.info("No GraphFrames jar named: components are computed by the local or the DataFrame engine.")
    return conf
