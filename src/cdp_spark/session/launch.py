"""The start of a local Java: what it is told, nobody else reads, and where it works, nobody else enters.

PySpark would write every setting on Java's command line, which each user of the machine can read, and its workers
would import modules from the folder that one stands in.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark import SparkContext
from pyspark.java_gateway import launch_gateway

from cdp_spark.session.working_folder import make_working_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession

LOCAL_DIR = "spark.local.dir"
_OPTIONS = "spark.driver.extraJavaOptions"
_STDERR = 2
_NOISE = re.compile(
    rb"WARNING: (Using incubator modules: |A restricted method in java\.|A terminally deprecated method in |"
    rb"Use --enable-native-access=|Restricted methods will be blocked|java\.lang\.System::load|"
    rb"sun\.misc\.Unsafe::|Please consider reporting this to the maintainers of class )"
    rb"|.* WARN (NativeCodeLoader|Utils): "
)
_FUNCTIONS = "org.apache.spark.sql.functions"


def launch_java(conf: Mapping[str, str]) -> dict[str, str]:
    """Start Java for a session, where this process has none yet.

    Args:
        conf: all settings of the session.
    Returns: the settings with the folder in which Spark works.
    """
    if SparkContext._gateway is not None:
        return {key: value for key, value in conf.items() if key != LOCAL_DIR}
    parent = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0] or conf.get(LOCAL_DIR) or tempfile.gettempdir()
    folder = make_working_folder(Path(parent))
    options = f"{conf.get(_OPTIONS, '')} {_quoted(f'-Djava.io.tmpdir={folder}')}".strip()
    told = {**conf, LOCAL_DIR: str(folder), _OPTIONS: options}
    try:
        with _environment(folder, _write_properties(folder / "spark.properties", told)):
            _launch()
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    (folder / "spark.properties").unlink()
    _remove_with_java(folder)
    return told


def _launch() -> None:
    """Start Java; what it prints on standard error goes through a pipe that leaves its own warnings out."""
    read_end, write_end = os.pipe()
    threading.Thread(target=_pass_on, args=(read_end,), daemon=True, name="java-stderr").start()
    try:
        gateway = launch_gateway(popen_kwargs={"stderr": write_end})  # type: ignore[no-untyped-call]
    finally:
        os.close(write_end)
    SparkContext._ensure_initialized(gateway=gateway)


def _pass_on(read_end: int) -> None:
    """Copy lines to standard error until Java closes the pipe."""
    with os.fdopen(read_end, "rb") as lines:
        for line in lines:
            if not is_java_noise(line):
                with suppress(OSError):
                    os.write(_STDERR, line)


def is_java_noise(line: bytes) -> bool:
    """Tell whether a line is a warning of Java or Spark about itself that no reader can act on."""
    return _NOISE.match(line) is not None


def _remove_with_java(folder: Path) -> None:
    """Let Java remove the folder when it ends, as it does when this process is killed, too."""
    jvm = SparkContext._jvm
    assert jvm is not None, "it was started"
    hooks = getattr(jvm, "org.apache.spark.util.ShutdownHookManager")
    hooks.registerShutdownDeleteDir(getattr(jvm, "java.io.File")(str(folder)))


@contextmanager
def _environment(folder: Path, properties: Path) -> Iterator[None]:
    """What Java inherits: where its settings are, and that no Python below it looks into the folder one stands in."""
    given = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
    inherited = {
        "PYSPARK_SUBMIT_ARGS": f"--properties-file {shlex.quote(str(properties))} --load-spark-defaults {given}",
        "PYTHONSAFEPATH": "1",
        **({"SPARK_LOCAL_DIRS": str(folder)} if "SPARK_LOCAL_DIRS" in os.environ else {}),
    }
    before = {name: os.environ.get(name) for name in inherited}
    os.environ.update(inherited)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})


def _write_properties(path: Path, conf: Mapping[str, str]) -> Path:
    """Write settings as Java reads them, for this user only."""
    lines = (f"{_escaped(key, ' =:#!')}={_escaped(value, ' ')}\n" for key, value in conf.items())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(lines)
    return path


def _escaped(text: str, signs: str) -> str:
    written = str(text).replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
    return "".join(f"\\{letter}" if letter in signs else letter for letter in written)


def _quoted(option: str) -> str:
    return f'"{option}"' if " " in option else option


def remember_lookups(spark: SparkSession) -> None:
    """Ask once per name, not once per call.

    `F.lower(x)` asks Java what `org.apache.spark.sql.functions` is, then what its member `lower` is, and only then
    calls it. Of the 21,000 messages with which `cdp resolve` makes its expressions, 6,600 were such questions.
    """
    jvm = spark.sparkContext._jvm
    if jvm is not None and _FUNCTIONS not in vars(jvm):
        setattr(jvm, _FUNCTIONS, _Remembered(getattr(jvm, _FUNCTIONS)))


class _Remembered:
    """A Java class whose static members are looked up once; py4j finds a member that is set without asking."""

    def __init__(self, java_class: object) -> None:
        self._java_class = java_class

    def __getattr__(self, name: str) -> object:
        member = getattr(self._java_class, name)
        setattr(self, name, member)
        return member
