"""Small cases from the field: `python -m benchmarks cases`.

A case is a folder of `CDP_CASES_DIR` with its files, `expected.md` and, where matching is judged, `truth.csv`.

1. The commands in backquotes of expected.md that begin with `cdp resolve` are run as they stand. What is no file there
   (`FILE`, `NOTATION.csv`) stands for each file of the case. Files that no command names take the place of the first
   command's file: a case's files are spellings of one input.
2. The clusters are scored by pairs against `truth.csv`, or `truth-with-background.csv` for a file of that ending.
3. Cases with a project are run by its nightly job, and what expected.md calls right is checked; see `case_checks`.

Each case is copied first, so that nothing is written beside it.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import cdp_spark
from benchmarks.case_checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HEAD = "| case | precision | recall | F1 | wrong pairs | checks | seconds |\n|---|---|---|---|---|---|---|"
_COMMAND = re.compile(r"`(cdp\s+resolve\s[^`]+)`")
_OTHER_CASE = re.compile(r"\b[Cc]ase (\d\d)\b")
_NO_DATA = frozenset({".md", ".py", ".yaml"})
_UNKNOWN = "???"
_CDP = "import sys; from cdp_spark.cli.main import main; sys.argv[0] = 'cdp'; main()"
_LONGEST_REASON = 110

Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Command:
    """One run of `cdp resolve`.

    Args:
        files: what it reads, names inside the case.
        options: its further arguments, without `--out`.
    """

    files: tuple[str, ...]
    options: tuple[str, ...]


@dataclass(frozen=True)
class CaseRow:
    """One row of the table.

    Args:
        name: of the case, and of the file.
        seconds: of the whole command.
        found: pairs that were joined; None where matching was not judged.
        true: pairs that belong together.
        passed: checks that hold.
        checked: how many there are.
        note: why there is no result, or which checks fail.
    """

    name: str
    seconds: float
    found: Pairs | None = None
    true: Pairs = field(default_factory=frozenset)
    passed: int = 0
    checked: int = 0
    note: str = ""

    def __str__(self) -> str:
        """The row in Markdown."""
        checks = f"{self.passed}/{self.checked}" if self.checked else ""
        if self.found is None:
            return f"| {self.name} | | | {self.note} | | {checks} | {self.seconds:.1f} |"
        precision, recall = precision_and_recall(self.found, self.true)
        f1 = harmonic_mean(precision, recall)
        wrong = len(self.found ^ self.true)
        numbers = f"{precision:.3f} | {recall:.3f} | {f1:.3f} | {wrong}"
        return f"| {self.name} | {numbers} | {checks} | {self.seconds:.1f} |"

    def differences(self) -> list[str]:
        """Name each wrong pair and each failed check."""
        if self.found is None or self.found == self.true:
            return [self.note] if self.note else []
        false = [f"false  {left} {right}" for left, right in sorted(self.found - self.true)]
        return false + [f"missed {left} {right}" for left, right in sorted(self.true - self.found)]


def precision_and_recall(found: Pairs, true: Pairs) -> tuple[float, float]:
    """Return the shares of the found and of the true pairs that are right; 1 of no pairs."""
    right = len(found & true)
    return right / len(found) if found else 1.0, right / len(true) if true else 1.0


def harmonic_mean(precision: float, recall: float) -> float:
    """Return F1."""
    both = precision + recall
    return 2 * precision * recall / both if both else 0.0


def main(argv: Sequence[str]) -> None:
    """Run the cases and print the table."""
    arguments = _parser().parse_args(argv)
    if not arguments.cases:
        print("cases skipped: say where they are with --cases FOLDER, or CDP_CASES_DIR in the environment")
        return
    print(_HEAD)
    for case in sorted(path for path in Path(arguments.cases).iterdir() if (path / "expected.md").exists()):
        if not arguments.names or any(case.name.startswith(name) for name in arguments.names):
            for row in run_case(case, arguments.folder, spark=arguments.spark):
                print(row, flush=True)
                if arguments.pairs:
                    print("".join(f"    {line}\n" for line in row.differences()), end="", flush=True)


def run_case(case: Path, scratch: Path, *, spark: bool) -> Iterator[CaseRow]:
    """Run a case's commands in a copy of it.

    Args:
        case: its folder.
        scratch: where the copy goes.
        spark: run the cases with a project, which takes a minute each.
    """
    folder = (scratch / case.name).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(case, folder)
    commands = commands_of(_commands_text(case), data_files(folder))
    for number, command in enumerate(commands):
        yield _resolve(case.name, folder, command, Path(f"out-{number}.csv"))
    if any(case.name.startswith(f"{number}-") for number in CHECKS):
        yield _checked(case.name, folder) if spark else CaseRow(case.name, 0.0, note="skipped by --no-spark")


def _commands_text(case: Path) -> str:
    """A case's expected.md; where it names no command, that of the case which it refers to."""
    text = (case / "expected.md").read_text(encoding="utf-8")
    refers = _OTHER_CASE.search(text)
    if _COMMAND.search(text) or refers is None:
        return text
    others = sorted(case.parent.glob(f"{refers[1]}-*/expected.md"))
    return others[0].read_text(encoding="utf-8") if others else text


def data_files(folder: Path) -> tuple[str, ...]:
    """Names of a case's input files, in order."""
    files = (path for path in folder.iterdir() if path.is_file() and path.suffix not in _NO_DATA)
    return tuple(sorted(path.name for path in files if not path.name.startswith("truth")))


def commands_of(expected: str, files: tuple[str, ...]) -> list[Command]:
    """Read the commands out of expected.md.

    Args:
        expected: its text.
        files: of the case.
    Returns: each command with files that are there; none where the text names no `cdp resolve`.
    """
    found: list[Command] = []
    for text in _COMMAND.findall(expected):
        command = _parse(shlex.split(text)[2:], files)
        found += [command] if command.files else [Command((name,), command.options) for name in files]
    named = {name for command in found for name in command.files}
    if found and len(found[0].files) == 1:
        found += [Command((name,), found[0].options) for name in files if name not in named]
    return found


def _parse(words: list[str], files: tuple[str, ...]) -> Command:
    named: list[str] = []
    options: list[str] = []
    while words and not words[0].startswith("--"):
        named.append(words.pop(0))
    while words:
        option, value = words.pop(0), []
        while words and not words[0].startswith("--"):
            value.append(words.pop(0))
        if option != "--out" and value != [_UNKNOWN]:
            options += [option, *value]
    return Command(tuple(name for name in named if name in files), tuple(options))


def run_cdp(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `cdp` of the package that this process imports, in a folder."""
    package = str(Path(cdp_spark.__file__).parents[1])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-c", _CDP, *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


def _resolve(case: str, folder: Path, command: Command, out: Path) -> CaseRow:
    name = f"{case}: {' '.join(command.files)}"
    started = monotonic()
    done = run_cdp(["resolve", *command.files, *command.options, "--out", str(out), "--json"], folder)
    seconds = monotonic() - started
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip(" ╭╮╰╯─│")]
        reason = lines[-1][:_LONGEST_REASON].replace("|", "/") if lines else "no message"
        return CaseRow(name, seconds, note=f"refused: {reason}")
    truth = _truth_of(folder, command)
    if truth is None:
        return CaseRow(name, seconds, note="no truth")
    entities, clusters = read_truth(truth), read_clusters(folder / out)
    if not set(entities) & set(clusters) and len(entities) == len(clusters):  # rows were numbered for want of an id
        clusters = dict(zip(entities, clusters.values(), strict=True))
    return CaseRow(name, seconds, pairs_of(clusters, set(entities)), pairs_of(entities, set(entities)))


def _truth_of(folder: Path, command: Command) -> Path | None:
    stem = Path(command.files[0]).stem
    endings = [path for path in folder.glob("truth-*.csv") if stem.endswith(path.stem.removeprefix("truth"))]
    return next(iter([*endings, *folder.glob("truth.csv")]), None)


def read_truth(path: Path) -> dict[str, str]:
    """Map record to entity."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["record_id"]: row["entity_id"] for row in csv.DictReader(file)}


def read_clusters(path: Path) -> dict[str, str]:
    """Map record to cluster; of several sources, `source:record`, too."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    key = next(name for name in rows[0] if name not in {"cluster_id", "source"})
    plain = {row[key]: row["cluster_id"] for row in rows}
    return plain if "source" not in rows[0] else {f"{row['source']}:{row[key]}": row["cluster_id"] for row in rows}


def pairs_of(groups: Mapping[str, str], known: set[str]) -> Pairs:
    """List the pairs of records of one group, of known records only."""
    members: dict[str, list[str]] = {}
    for record, group in groups.items():
        if record in known:
            members.setdefault(group, []).append(record)
    return frozenset(pair for records in members.values() for pair in combinations(sorted(records), 2))


def _checked(case: str, folder: Path) -> CaseRow:
    check = next(check for number, check in CHECKS.items() if case.startswith(f"{number}-"))
    started = monotonic()
    checked = check(folder, run_cdp)
    seconds, failed = monotonic() - started, [name for name, holds in checked.checks.items() if not holds]
    passed, note = len(checked.checks) - len(failed), f"fails: {'; '.join(failed)}" if failed else "right"
    truth = folder / "truth.csv"
    if not checked.clusters or not truth.exists():
        return CaseRow(case, seconds, passed=passed, checked=len(checked.checks), note=note)
    entities = read_truth(truth)
    found, true = (pairs_of(groups, set(entities)) for groups in (checked.clusters, entities))
    return CaseRow(case, seconds, found, true, passed, len(checked.checks), note if failed else "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks cases", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases whose names begin so; all, without")
    parser.add_argument("--cases", default=os.environ.get("CDP_CASES_DIR"), help="folder of the cases (CDP_CASES_DIR)")
    parser.add_argument("--folder", type=Path, default=Path("build/cases"), help="where they are run")
    parser.add_argument("--pairs", action="store_true", help="name each wrong pair and failed check")
    parser.add_argument("--no-spark", dest="spark", action="store_false", help="leave out the nightly jobs")
    return parser
