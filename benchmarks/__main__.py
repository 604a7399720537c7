"""The table of data sets × tools: seconds, peak memory, pairwise precision, recall and F1, B-cubed F1.

CDP_DATA_DIR=… python -m benchmarks                      the public sets
python -m benchmarks --records 100000 1000000            generated people of these sizes
python -m benchmarks febrl3 --tools cdp-spark goldenmatch
CDP_CASES_DIR=… python -m benchmarks cases               small cases from the field
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import cases
from benchmarks.matching.memory import run_measured
from benchmarks.matching.scores import Scores, score
from benchmarks.sets import PUBLIC, DataSet, people_set, public_set
from benchmarks.tools import PACKAGES, TOOLS, command_of, outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.matching.memory import Finished

_HEAD = "| set | tool | seconds | peak GiB | precision | recall | F1 | B³ F1 |\n|---|---|---|---|---|---|---|---|"
_NOTE = """Seconds are those of the whole process, its start included; for generated people they go from the cleaned
records to the ids, the start of Spark not counted. Memory is that of the process and all its children."""


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Args:
        name: of the set.
        tool: with its threshold, where it has several.
        seconds: see the note below the table.
        peak_bytes: memory of the whole process tree.
        scores: against the truth, or why there are none.
    """

    name: str
    tool: str
    seconds: float
    peak_bytes: int
    scores: Scores | str

    def __str__(self) -> str:
        """The row in Markdown."""
        if isinstance(self.scores, str):
            told = [self.scores, "", "", ""]
        else:
            found = (self.scores.precision, self.scores.recall, self.scores.f1, self.scores.bcubed_f1)
            told = [f"{value:.4f}" for value in found]
        return (
            f"| {self.name} | {self.tool} | {self.seconds:.1f} | {self.peak_bytes / 2**30:.1f} | {' | '.join(told)} |"
        )


def main(argv: list[str]) -> None:
    """Run the tools, one after the other, and print the table and what it was measured on."""
    if argv[:1] == ["cases"]:
        cases.main(argv[1:])
        return
    parser = _parser()
    arguments = parser.parse_args(argv)
    if not arguments.data and (arguments.sets or not arguments.records):
        parser.error("say where the public sets are: --data FOLDER, or CDP_DATA_DIR in the environment")
    before, rows = os.getloadavg(), []
    for data in _sets(arguments):
        for tool in arguments.tools:
            for row in measure(tool, data, timeout_seconds=arguments.timeout):
                print(f"{row}  load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
                rows.append(row)
    print("\n".join([_HEAD, *map(str, rows), "", _NOTE, _conditions(before)]))


def measure(tool: str, data: DataSet, *, timeout_seconds: float) -> list[Row]:
    """Run a tool on a set and score it; a tool that fails or takes too long gets a row that says so."""
    log = data.folder / f"{tool}.log"
    done = run_measured(command_of(tool, data), timeout_seconds=timeout_seconds, log=log)
    if done.exit_code:
        return [Row(data.name, tool, done.seconds, done.peak_bytes, _failure(done, log))]
    seconds = float(json.loads(done.output.splitlines()[-1])["seconds"]) if data.cleaned else done.seconds
    return [
        Row(data.name, name, seconds, done.peak_bytes, score(clusters, data.truth))
        for name, clusters in outputs_of(tool, data).items()
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(PUBLIC)}; all, without --records")
    parser.add_argument("--data", default=os.environ.get("CDP_DATA_DIR"), help="folder of the sets (CDP_DATA_DIR)")
    parser.add_argument(
        "--records",
        type=int,
        nargs="+",
        metavar="N",
        default=[],
        help="sizes of generated people, whom cdp-spark cleans",
    )
    parser.add_argument("--seed", type=int, default=7, help="of the generated people")
    parser.add_argument("--tools", nargs="+", metavar="TOOL", choices=TOOLS, default=list(TOOLS), help=", ".join(TOOLS))
    parser.add_argument("--folder", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--timeout", type=float, default=3600, help="seconds a tool may take on a set")
    return parser


def _sets(arguments: argparse.Namespace) -> Iterator[DataSet]:
    for name in arguments.sets or ([] if arguments.records else PUBLIC):
        yield public_set(name, data=Path(arguments.data), scratch=arguments.folder)
    for records in arguments.records:
        yield people_set(records, seed=arguments.seed, scratch=arguments.folder)


def _failure(done: Finished, log: Path) -> str:
    if done.timed_out:
        return "stopped: over the time limit"
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    reason = lines[-1][:100].replace("|", "/") if lines else "no message"
    return f"failed with exit code {done.exit_code}: {reason}"


def _conditions(before: tuple[float, float, float]) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    loads = f"load {before[0]:.1f} before, {os.getloadavg()[0]:.1f} after"
    versions = ", ".join(f"{package} {_version(package)}" for package in PACKAGES)
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {memory:.0f} GiB, {loads}; {versions}."


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main(sys.argv[1:])
