"""The table of data sets × tools: seconds, processor time, peak memory, pairwise precision, recall and F1, B-cubed F1.

CDP_DATA_DIR=… python -m benchmarks                      the public sets, of the folder and of installed packages
python -m benchmarks febrl1 febrl2 febrl4 rldata10000    those of packages, which need no folder
python -m benchmarks --records 100000 1000000            generated people of these sizes
python -m benchmarks febrl3 --tools cdp-spark goldenmatch
CDP_CASES_DIR=… python -m benchmarks cases               small cases from the field
CDP_DATA_DIR=… python -m benchmarks small                small files, drawn and of the public sets
CDP_DATA_DIR=… python -m benchmarks priors               learn the engine's priors from other such files
python -m benchmarks lifetime                            insights of a million generated customers
python -m benchmarks events                              nights of new events, from files to sessions
python -m benchmarks scores                              probabilities, against drawn people's true ones
python -m benchmarks traits                              traits of a million generated events
python -m benchmarks segments                            50 segments of a million profiles and ten million events
CDP_DATA_DIR=… python -m benchmarks offers                next best products, beside rivals
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

from benchmarks import cases, leads, lifetime, segments, traits
from benchmarks.matching.memory import run_measured
from benchmarks.matching.scores import Scores, score
from benchmarks.offers import run as offers
from benchmarks.packaged import PACKAGED, why_missing
from benchmarks.sets import PUBLIC, DataSet, packaged_set, people_set, public_set
from benchmarks.small import evaluate, learn
from benchmarks.tools import PACKAGES, TOOLS, command_of, outputs_of
from benchmarks.unified import run as unified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.matching.memory import Finished

_COMMANDS = {
    "cases": cases.main,
    "small": evaluate.main,
    "priors": learn.main,
    "lifetime": lifetime.main,
    "events": unified.main,
    "traits": traits.main,
    "segments": segments.main,
    "offers": offers.main,
    "scores": leads.main,
}
_HEAD = """| set | tool | seconds | processor s | peak GiB | precision | recall | F1 | B³ F1 |
|---|---|---|---|---|---|---|---|---|"""
_NOTE = """Seconds are those of the whole process, its start included; for generated people they go from the cleaned
records to the clusters, and the start of Python and Spark does not count. Processor time and memory are those of the
process and all its children, always from the start."""


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Args:
        name: of the set.
        tool: with its threshold, where it has several.
        seconds: see the note below the table.
        processor_seconds: of all cores together.
        peak_bytes: memory of the whole process tree.
        scores: against the truth, or why there are none.
    """

    name: str
    tool: str
    seconds: float
    processor_seconds: float
    peak_bytes: int
    scores: Scores | str

    def __str__(self) -> str:
        """The row in Markdown."""
        if isinstance(self.scores, str):
            judged = [self.scores, "", "", ""]
        else:
            found = (self.scores.precision, self.scores.recall, self.scores.f1, self.scores.bcubed_f1)
            judged = [f"{value:.4f}" for value in found]
        spent = [f"{it:.1f}" for it in (self.seconds, self.processor_seconds, self.peak_bytes / 2**30)]
        return f"| {' | '.join([self.name, self.tool, *spent, *judged])} |"


def main(argv: list[str]) -> None:
    """Run the tools, one after the other, and print the table and what it was measured on."""
    if argv[:1] and (command := _COMMANDS.get(argv[0])):
        command(argv[1:])
        return
    parser = _parser()
    arguments = parser.parse_args(argv)
    names = arguments.sets or ([] if arguments.records else [*PUBLIC, *PACKAGED])
    if not arguments.data and not PACKAGED.keys() >= set(names):
        parser.error("say where the public sets are: --data FOLDER, or CDP_DATA_DIR in the environment")
    missing = [reason for name in names if name in PACKAGED and (reason := why_missing(name))]
    before, rows = os.getloadavg(), []
    for data in _sets(names, arguments):
        for tool in arguments.tools:
            for row in measure(tool, data, timeout_seconds=arguments.timeout):
                print(f"{row}  load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
                rows.append(row)
    print("\n".join([_HEAD, *map(str, rows), "", *missing, _NOTE, _conditions(before)]))


def measure(tool: str, data: DataSet, *, timeout_seconds: float) -> list[Row]:
    """Run a tool on a set and score it; a tool that fails or takes too long gets a row that says so."""
    log = data.folder / f"{tool}.log"
    done = run_measured(command_of(tool, data), timeout_seconds=timeout_seconds, log=log)
    if done.exit_code:
        return [_row(data, tool, done, done.seconds, _failure(done, log))]
    seconds = float(json.loads(done.output.splitlines()[-1])["seconds"]) if data.cleaned else done.seconds
    return [
        _row(data, name, done, seconds, score(clusters, data.truth))
        for name, clusters in outputs_of(tool, data).items()
    ]


def _row(data: DataSet, tool: str, done: Finished, seconds: float, scores: Scores | str) -> Row:
    return Row(data.name, tool, seconds, done.processor_seconds, done.peak_bytes, scores)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = ", ".join([*PUBLIC, *PACKAGED])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {known}; all, without --records")
    parser.add_argument("--data", default=os.environ.get("CDP_DATA_DIR"), help="folder of the sets (CDP_DATA_DIR)")
    parser.add_argument(
        "--records",
        type=int,
        nargs="+",
        metavar="N",
        default=[],
        help="sizes of generated people, cleaned by cdp-spark for all tools",
    )
    parser.add_argument("--seed", type=int, default=7, help="of the generated people")
    parser.add_argument("--tools", nargs="+", metavar="TOOL", choices=TOOLS, default=list(TOOLS), help=", ".join(TOOLS))
    parser.add_argument("--folder", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--timeout", type=float, default=3600, help="seconds a tool may take on a set")
    return parser


def _sets(names: list[str], arguments: argparse.Namespace) -> Iterator[DataSet]:
    for name in names:
        if name not in PACKAGED:
            yield public_set(name, data=Path(arguments.data), scratch=arguments.folder)
        elif why_missing(name) is None:
            yield packaged_set(name, scratch=arguments.folder)
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
