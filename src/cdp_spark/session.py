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
_DELTA_JARS = (
    "io.delta_delta-spark_4.2_2.13-4.4.0.jar",
    "io.delta_delta-storage-4.4.0.jar",
    "io.delta_delta-kernel-api-4.4.0.jar",
    "io.delta_delta-kernel-defaults-4.4.0.jar",
    "io.delta_delta-kernel-unitycatalog-4.4.0.jar",
)
_GRAPHFRAMES_JARS = ("io.graphframes_graphframes-spark4_2.13-0.12.3.jar",)
_NEEDLESS = (
    "com.fasterxml.jackson.datatype:*,com.fasterxml.jackson.core:*,com.github.luben:*,com.google.code.findbugs:*,"
    "commons-logging:*,commons-pool:*,io.airlift:*,io.unitycatalog:*,javax.annotation:*,org.apache.hadoop:*,"
    "org.apache.logging.log4j:*,org.apache.parquet:*,org.locationtech.jts:*,org.roaringbitmap:*,org.slf4j:*,"
    "org.xerial.snappy:*"
)
_JAVA_OPTIONS = (
    "-XX:+UseParallelGC -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
"""Ten times Java's thresholds for its second compiler: what is hot still gets there, what runs once a night does not.
On two cores it took a quarter of the processor time of a small run."""
SMALL_DATA = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
"""Settings for a few thousand rows, for which compiling code costs more than it saves."""
_SNAPSHOT_PARTITIONS = "spark.databricks.delta.snapshotPartitions"
_MINIMUM_JAVA = 17
_GIB = 2**30
_ANY_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_PLANNING = {
    # Wider rows are not fused to one Java method: for cleaning it would pass Java's 64 KB, and 8 KB are never compiled.
    "spark.sql.codegen.maxFields": "40",
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # Which compression suits a held column costs more to find out than the bytes are worth for the minutes they live.
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    # Noting the line of every Column expression takes three times as long as making it.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


@dataclass(frozen=True)
class SessionSettings:
    """How to start Spark where no session exists yet.

    Args:
        app_name: shown in Spark's UI.
        master: where Spark runs; spark-submit names its own.
        driver_memory: Java memory of a local driver, as Spark writes it; None for 40% of the machine's.
        shuffle_partitions: None for twice the cores in local mode.
        graphframes_jar: a jar on disk, or `maven` to fetch it; None for `$CDP_GRAPHFRAMES_JAR`, then the Ivy cache.
        conf: further Spark settings, which win over all of the above.
    """

    app_name: str = "cdp-spark"
    master: str = "local[*]"
    driver_memory: str | None = None
    shuffle_partitions: int | None = None
    graphframes_jar: str | None = None
    conf: dict[str, str] = field(default_factory=dict)


def get_session(settings: SessionSettings | None = None) -> SparkSession:
    """Return the session that is there (notebook, Databricks, spark-submit, Connect) or start a local one with Delta.

    Raises:
        StateError: Java is missing or too old, or Delta's jars cannot be had.
    """
    settings = settings or SessionSettings()
    active = SparkSession.getActiveSession()
    if active is not None:
        return _adopt(active, settings)
    if _spark_is_elsewhere():
        return _adopt(_start({"spark.app.name": settings.app_name, **_given_settings(settings)}), settings)
    check_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the workers' Python; PySpark reads no setting here
    if _wanted_graphframes(settings) == "maven":
        return _start_with_fetched_graphframes(settings)
    return _start(_local_conf(settings))


def shuffle_partitions(spark: SparkSession) -> int:
    """Partitions of a shuffle, as the session is set."""
    return max(int(spark.conf.get("spark.sql.shuffle.partitions", "200") or 200), 1)


def _adopt(spark: SparkSession, settings: SessionSettings) -> SparkSession:
    """Set what may be set on a session that someone else started, and make sure that it knows Delta."""
    is_local = str(spark.conf.get("spark.master", "")).startswith("local")
    for key, value in {**_ANY_SESSION, **settings.conf}.items():
        if spark.conf.isModifiable(key):
            spark.conf.set(key, value)
    if is_local and spark.conf.get(_SNAPSHOT_PARTITIONS, None) is None:
        spark.conf.set(_SNAPSHOT_PARTITIONS, "2")  # Delta's 50 are for clusters: each look at a table takes seconds
    if "DATABRICKS_RUNTIME_VERSION" not in os.environ:
        _check_delta(spark)
    return spark


def _check_delta(spark: SparkSession) -> None:
    fix = f"start it with --packages {DELTA_COORDINATE} and Delta's two settings, {' and '.join(_DELTA)}"
    if "delta" not in str(spark.conf.get("spark.sql.catalog.spark_catalog", "")):
        raise StateError("Spark session", got="one without Delta", fix=fix)
    try:
        spark.catalog.currentDatabase()
    except Exception as error:
        raise StateError("Spark session", got="one without Delta's jars on its class path", fix=fix) from error


def _spark_is_elsewhere() -> bool:
    names = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE", "DATABRICKS_RUNTIME_VERSION")
    return any(name in os.environ for name in names)


def _given_settings(settings: SessionSettings) -> dict[str, str]:
    """Settings for a session that spark-submit or a server has begun: theirs stay but for those needed here."""
    if "SPARK_REMOTE" in os.environ:
        return settings.conf
    return {**_DELTA, **_PLANNING, **_ANY_SESSION, **settings.conf}


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


def _start(conf: dict[str, str]) -> SparkSession:
    builder = SparkSession.builder
    for key, value in conf.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise _start_error(error, fetching="spark.jars.packages" in conf) from error


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


def _start_with_fetched_graphframes(settings: SessionSettings) -> SparkSession:
    """Start with GraphFrames from Maven; a start that fails over it is made again without."""
    conf = _local_conf(settings)
    known = conf.get("spark.jars.packages")
    try:
        return _start({**conf, "spark.jars.packages": ",".join(filter(None, [known, GRAPHFRAMES_COORDINATE]))})
    except StateError:
        log.warning("GraphFrames could not be fetched: components are computed by the local or the DataFrame engine.")
        return _start(conf)


def _local_conf(settings: SessionSettings) -> dict[str, str]:
    cores = os.cpu_count() or 2
    jars = _jars(settings)
    wanted = [conf["spark.jars.packages"] for conf in (jars, settings.conf) if "spark.jars.packages" in conf]
    return {
        **_DELTA,
        **_PLANNING,
        **_ANY_SESSION,
        **jars,
        "spark.app.name": settings.app_name,
        "spark.master": settings.master,
        "spark.driver.memory": settings.driver_memory or f"{_memory_bytes() * 2 // 5 // 2**20}m",
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_log4j()} {_JAVA_OPTIONS}",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        _SNAPSHOT_PARTITIONS: "2",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions or 2 * cores),
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(cores),
        **settings.conf,
        **({"spark.jars.packages": ",".join(wanted)} if wanted else {}),
    }


def _log4j() -> str:
    return os.environ.get("CDP_LOG4J") or Path(__file__).with_name("log4j2.properties").as_uri()


def _memory_bytes() -> int:
    """Memory of the machine or of the container, whichever is less; at most 40 GiB are counted."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    return min(machine, 40 * _GIB, int(text) if text.isdigit() else machine)


def _jars(settings: SessionSettings) -> dict[str, str]:
    """Delta's jars from Ivy's cache when all are there (no resolution: 2 s less), else from Maven."""
    ivy = Path(settings.conf.get("spark.jars.ivy", Path.home() / ".ivy2.5.2")) / "jars"
    graphframes = _graphframes_jars(settings, ivy)
    delta = _cached(ivy, _DELTA_JARS)
    conf = {"spark.driver.extraClassPath": os.pathsep.join([*delta, *graphframes])} if delta or graphframes else {}
    if not delta:
        conf["spark.jars.packages"] = DELTA_COORDINATE
        conf["spark.jars.excludes"] = _NEEDLESS
    return conf


def _graphframes_jars(settings: SessionSettings, ivy: Path) -> list[str]:
    wanted = _wanted_graphframes(settings)
    jars = [wanted] if wanted and wanted != "maven" and Path(wanted).is_file() else _cached(ivy, _GRAPHFRAMES_JARS)
    if not jars and wanted != "maven":
        log.info("No GraphFrames jar at hand: components are computed by the local or the DataFrame engine.")
    return jars


def _wanted_graphframes(settings: SessionSettings) -> str | None:
    return settings.graphframes_jar or os.environ.get("CDP_GRAPHFRAMES_JAR")


def _cached(ivy: Path, names: tuple[str, ...]) -> list[str]:
    paths = [ivy / name for name in names]
    return [str(path) for path in paths] if all(path.is_file() for path in paths) else []
