"""Compare cdp-spark with Splink, one after the other on the same records, and print a table.

python -m benchmarks.matching --records 1000000 --tools cdp-spark splink-duckdb splink-spark
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.matching.engine import CLEANED, CLUSTERS
from benchmarks.matching.memory import run_measured
from benchmarks.matching.people import write_people
from benchmarks.matching.scores import Scores, score

_THRESHOLDS = ("0.95", "0.999")


@dataclass(frozen=True)
class Result:
    """One row of the table.

    Args:
        tool: with its threshold, where it has several.
        seconds: from the cleaned records to the ids, the session's start not counted.
        peak_bytes: memory of the whole process tree.
        scores: against the truth.
    """

    tool: str
    seconds: float
    peak_bytes: int
    scores: Scores


def main(argv: list[str]) -> None:
    """Run the tools and print the table."""
    arguments = _parser().parse_args(argv)
    folder = arguments.folder / str(arguments.records)
    files = write_people(folder, records=arguments.records, seed=arguments.seed)
    results: list[Result] = []
    for tool in arguments.tools:
        facts, peak = _run(tool, folder, arguments.timeout)
        print(f"{tool}: {json.dumps(facts)}", file=sys.stderr)
        for name, clusters in _outputs(tool, folder).items():
            results.append(Result(name, float(str(facts["seconds"])), peak, score(clusters, files.truth)))
    print(_table(results))


def _parser() -> argparse.ArgumentParser:
    tools = ("cdp-spark", "splink-duckdb", "splink-spark")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tools", nargs="+", choices=tools, default=list(tools), help="cdp-spark cleans for the rest")
    parser.add_argument("--folder", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--timeout", type=float, default=3600, help="seconds a tool may take")
    return parser


def _run(tool: str, folder: Path, timeout_seconds: float) -> tuple[dict[str, object], int]:
    if tool == "cdp-spark":
        command = [sys.executable, "-m", "benchmarks.matching.engine", str(folder)]
    else:
        backend = tool.removeprefix("splink-")
        command = [sys.executable, "-m", "benchmarks.matching.splink_peer", backend, str(folder / CLEANED), str(folder)]
    done = run_measured(command, timeout_seconds=timeout_seconds)
    if done.exit_code:
        raise SystemExit(f"{tool} ended with exit code {done.exit_code}")
    return json.loads(done.output.splitlines()[-1]), done.peak_bytes


def _outputs(tool: str, folder: Path) -> dict[str, Path]:
    if tool == "cdp-spark":
        return {tool: folder / CLUSTERS}
    return {f"{tool} at {threshold}": folder / f"{tool}-{threshold}.parquet" for threshold in _THRESHOLDS}


def _table(results: list[Result]) -> str:
    head = "| tool | seconds | peak GiB | precision | recall | F1 | B³ F1 |\n|---|---|---|---|---|---|---|"
    rows = [
        f"| {item.tool} | {item.seconds:.1f} | {item.peak_bytes / 2**30:.1f} | {item.scores.precision:.4f} "
        f"| {item.scores.recall:.4f} | {item.scores.f1:.4f} | {item.scores.bcubed_f1:.4f} |"
        for item in results
    ]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main(sys.argv[1:])
