"""The jars of Delta and GraphFrames: from Ivy's cache, a file or Maven Central."""

from __future__ import annotations

import logging
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark

if TYPE_CHECKING:
    from cdp_spark.session.settings import SessionSettings

log = logging.getLogger(__name__)

_TESTED_DELTA = "4.4.0"


def _delta_version() -> str:
    """The installed delta-spark's version; the tested one where Delta comes with the cluster."""
    try:
        return version("delta-spark")
    except PackageNotFoundError:
        return _TESTED_DELTA


_SPARK = ".".join(pyspark.__version__.split(".")[:2])
_DELTA = _delta_version()

DELTA_COORDINATE = f"io.delta:delta-spark_{_SPARK}_2.13:{_DELTA}"
"""Delta's jar for the Spark that is installed."""
GRAPHFRAMES_COORDINATE = "io.graphframes:graphframes-spark4_2.13:0.12.3"
DELTA_JARS = (
    f"io.delta_delta-spark_{_SPARK}_2.13-{_DELTA}.jar",
    f"io.delta_delta-storage-{_DELTA}.jar",
    f"io.delta_delta-kernel-api-{_DELTA}.jar",
    f"io.delta_delta-kernel-defaults-{_DELTA}.jar",
    f"io.delta_delta-kernel-unitycatalog-{_DELTA}.jar",
)
_GRAPHFRAMES_JARS = ("io.graphframes_graphframes-spark4_2.13-0.12.3.jar",)
_NEEDLESS = (
    "com.fasterxml.jackson.datatype:*,com.fasterxml.jackson.core:*,com.github.luben:*,com.google.code.findbugs:*,"
    "commons-logging:*,commons-pool:*,io.airlift:*,io.unitycatalog:*,javax.annotation:*,org.apache.hadoop:*,"
    "org.apache.logging.log4j:*,org.apache.parquet:*,org.locationtech.jts:*,org.roaringbitmap:*,org.slf4j:*,"
    "org.xerial.snappy:*"
)


def find_jars(settings: SessionSettings) -> dict[str, str]:
    """Spark's settings for the jars: from Ivy's cache when all are there (no resolution: 2 s less), else from Maven."""
    ivy = Path(settings.conf.get("spark.jars.ivy", Path.home() / ".ivy2.5.2")) / "jars"
    graphframes = _graphframes_jars(settings, ivy)
    delta = cached_jars(ivy, DELTA_JARS)
    conf = {"spark.driver.extraClassPath": os.pathsep.join([*delta, *graphframes])} if delta or graphframes else {}
    if not delta:
        conf["spark.jars.packages"] = DELTA_COORDINATE
        conf["spark.jars.excludes"] = _NEEDLESS
    return conf


def _graphframes_jars(settings: SessionSettings, ivy: Path) -> list[str]:
    wanted = wanted_graphframes(settings)
    jars = [wanted] if wanted and wanted != "maven" and Path(wanted).is_file() else cached_jars(ivy, _GRAPHFRAMES_JARS)
    if not jars and wanted != "maven":
        log.info("No GraphFrames jar at hand: components are computed by the local or the DataFrame engine.")
    return jars


def wanted_graphframes(settings: SessionSettings) -> str | None:
    """What was asked for: a jar on disk, `maven`, or None."""
    return settings.graphframes_jar or os.environ.get("CDP_GRAPHFRAMES_JAR")


def cached_jars(ivy: Path, names: tuple[str, ...]) -> list[str]:
    """The named jars in a folder of Ivy's; none where one is missing."""
    paths = [ivy / name for name in names]
    return [str(path) for path in paths] if all(path.is_file() for path in paths) else []
