"""The tools that are compared: how each is started on a data set, and where it leaves its clusters.

Nothing of a tool is imported here: each runs in a process of its own, and may be missing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.sets import DataSet

TOOLS = (
    "cdp-spark",
    "cdp-spark-on-spark",
    "splink-duckdb",
    "splink-spark",
    "goldenmatch",
    "goldenmatch-probabilistic",
)
PACKAGES = ("cdp-spark", "pyspark", "splink", "duckdb", "goldenmatch", "goldenmatch-native")
THRESHOLDS = (0.95, 0.999)
"""Splink's match probabilities: the one that its examples cluster at, and a strict one that suits households better."""


def command_of(tool: str, data: DataSet) -> list[str]:
    """Program and arguments that resolve a set's records with a tool."""
    module = [sys.executable, "-m"]
    out = str(clusters_file(data.folder, tool))
    if tool.startswith("cdp-spark"):
        return _cdp_spark(data, out, on_spark=tool.endswith("-on-spark"))
    if tool.startswith("goldenmatch"):
        method = "probabilistic" if tool.endswith("-probabilistic") else "weighted"
        return [*module, "benchmarks.matching.goldenmatch_peer", method, str(data.records), data.id_column, out]
    backend = tool.removeprefix("splink-")
    return [*module, "benchmarks.matching.splink_peer", backend, data.model, str(data.records), str(data.folder)]


def _cdp_spark(data: DataSet, out: str, *, on_spark: bool) -> list[str]:
    if not data.cleaned:
        cdp, engine = str(Path(sys.executable).with_name("cdp")), "spark" if on_spark else "process"
        return [cdp, "resolve", str(data.records), "--id", data.id_column, "--engine", engine, "--json", "--out", out]
    if on_spark:
        return [sys.executable, "-m", "benchmarks.matching.engine", str(data.folder)]
    return [sys.executable, "-m", "benchmarks.matching.in_process", str(data.records), out]


def outputs_of(tool: str, data: DataSet) -> dict[str, Path]:
    """The tool's clusters (record_id, cluster_id) by the name of their row in the table."""
    if not tool.startswith("splink-"):
        return {tool: clusters_file(data.folder, tool)}
    return {f"{tool} at {threshold}": clusters_file(data.folder, tool, threshold) for threshold in THRESHOLDS}


def clusters_file(folder: Path, tool: str, threshold: float | None = None) -> Path:
    """Where a tool leaves its clusters."""
    return folder / (f"{tool}.parquet" if threshold is None else f"{tool}-{threshold}.parquet")
