"""What a session can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

SMALL_DATA = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.constraintPropagation.enabled": "false",
}
"""Settings for a few thousand rows, for which compiling code, and inferring filters, costs more than it saves."""


@dataclass(frozen=True)
class SessionSettings:
    """How to start Spark where no session exists yet.

    Args:
        app_name: shown in Spark's UI.
        master: where Spark runs; spark-submit names its own.
        driver_memory: Java memory of a local driver, as Spark writes it; None for 40% of the machine's.
        shuffle_partitions: None for twice the cores in local mode.
        graphframes_jar: a jar on disk, or `maven` to fetch it; None for `$CDP_GRAPHFRAMES_JAR`, then the Ivy cache.
        private_files: write tables and exports for this user only.
        conf: further Spark settings, which win over all of the above.
    """

    app_name: str = "cdp-spark"
    master: str = "local[*]"
    driver_memory: str | None = None
    shuffle_partitions: int | None = None
    graphframes_jar: str | None = None
    private_files: bool = True
    conf: dict[str, str] = field(default_factory=dict)
