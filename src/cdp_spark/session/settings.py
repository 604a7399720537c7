"""What a session can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SMALL_DATA = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.constraintPropagation.enabled": "false",
}
"""Settings for a few thousand rows, for which compiling code, and inferring filters, costs more than it saves."""
_QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
"""Of two cores the thorough one takes half for half a minute; longer runs win that back."""
SMALL_BYTES = 2**20
"""Resolving 0.4 MB of CSV took 24 s with these settings and 26 s without; 1.1 MB as long; 4.4 MB 53 and 47 s."""


def settings_for_files(paths: Iterable[str]) -> dict[str, str]:
    """`SMALL_DATA`, Java's quick compiler and one partition for small files that are here, else nothing."""
    files = [Path(path) for path in paths]
    small = all(file.is_file() for file in files) and sum(file.stat().st_size for file in files) <= SMALL_BYTES
    if not small:
        return {}
    return {**SMALL_DATA, "spark.driver.defaultJavaOptions": _QUICK_COMPILER, "spark.sql.shuffle.partitions": "1"}


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
