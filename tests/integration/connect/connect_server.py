"""Spark's own Connect server, as a process of its own, whose Python workers have this program's dependencies only.

The package itself is sent by the session, as it has to be to a server that does not have it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

from cdp_spark.session.jars import DELTA_JARS, cached_jars

_PATIENCE = 180
"""Seconds that the server may take to listen."""
_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


@dataclass(frozen=True)
class ConnectServer:
    """A server that listens.

    Args:
        process: of it.
        port: on this machine.
    """

    process: subprocess.Popen[bytes]
    port: int

    @property
    def address(self) -> str:
        return f"sc://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End the server and its workers at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def connect_server(folder: Path) -> Iterator[ConnectServer]:
    """Start a server on a free port; it ends with the block.

    Args:
        folder: for its log and working files.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("wb") as log:
        command, environment = _command(folder, port), _environment(folder)
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    server = ConnectServer(process, port)
    try:
        _wait(server, folder / "server.log")
        yield server
    finally:
        if process.poll() is None:
            server.kill()


def _command(folder: Path, port: int) -> list[str]:
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
        "spark.ui.enabled": "false",
        "spark.log.level": "WARN",
    }
    jars = cached_jars(Path.home() / ".ivy2.5.2" / "jars", DELTA_JARS)
    conf = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    submit = Path(str(pyspark.__file__)).parent / "bin" / "spark-submit"
    driver = ["--master", "local[2]", "--driver-memory", "2g", "--driver-class-path", os.pathsep.join(jars)]
    return [str(submit), *driver, *conf, "--class", _CLASS, "spark-internal"]


def _environment(folder: Path) -> dict[str, str]:
    """Without `site`, Python finds no package that is installed as a link to its sources, as this one is."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    return {
        **kept,
        "SPARK_HOME": str(Path(str(pyspark.__file__)).parent),
        "PYTHONPATH": sysconfig.get_paths()["purelib"],
        "PYSPARK_PYTHON": str(python),
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC",
    }


def _wait(server: ConnectServer, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise AssertionError(log.read_text(errors="replace")[-2000:])
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text(errors="replace")[-2000:])
