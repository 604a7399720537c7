"""The Java that runs Spark: its version, memory and options."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from cdp_spark.errors import StateError

_MINIMUM_JAVA = 17
_GIB = 2**30
_JAVA_OPTIONS = (
    "-XX:+UseParallelGC -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
"""Ten times Java's thresholds for its second compiler: what is hot still gets there, what runs once a night does not.
On two cores it took a quarter of the processor time of a small run."""


def java_options() -> str:
    """Java's options for a local driver, without those for its class archive."""
    log4j = os.environ.get("CDP_LOG4J") or (Path(__file__).parents[1] / "log4j2.properties").as_uri()
    return f"-Dlog4j2.configurationFile={log4j} -Dio.netty.jfr.enabled=false {_JAVA_OPTIONS}"


def check_java() -> str:
    """Raise one clear sentence where Java is missing or older than 17, else return its path.

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
    return java


def _java_version(java: str) -> int:
    """The number of Java's release, from the file beside it where there is one: Java itself takes .3 s to say it."""
    release = Path(java).resolve().parent.parent / "release"
    facts = release.read_text(errors="replace") if release.is_file() else ""
    written = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', facts, re.MULTILINE)
    return int(written[1]) if written else _asked_version(java)


def _asked_version(java: str) -> int:
    done = subprocess.run([java, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False)
    for line in done.stderr.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "java.specification.version":
            return int(value.strip().removeprefix("1.").split(".")[0])
    raise StateError("Java", got=f"no version from {java}", allowed="17 or newer", fix="check JAVA_HOME")


def memory_bytes() -> int:
    """Memory of the machine or of the container, whichever is less; at most 40 GiB are counted."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    return min(machine, 40 * _GIB, int(text) if text.isdigit() else machine)
