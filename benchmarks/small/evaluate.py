"""How well small files are matched: `python -m benchmarks small`.

Every file is resolved as `cdp resolve FILE --id id` does it, by the engine without Spark, and the pairs that it joins
are compared to the true ones. The table has means over files, each of which counts alike. Of a file that is refused
nothing is joined.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from benchmarks.cases import harmonic_mean, pairs_of, precision_and_recall
from benchmarks.small.chosen import MEASURED_SIZES, MEASURING, choose_files
from benchmarks.small.drawn import KINDS
from benchmarks.small.files import read_by_engine
from benchmarks.small.sampled import SETS
from cdp_spark.errors import CdpError
from cdp_spark.standalone.resolve import Matching, resolve_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.small.files import SmallFile

_T = TypeVar("_T")
PROCESSES = 2
_HEAD = "| kind | files | precision | recall | F1 |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Measured:
    """How well one file was matched.

    Args:
        kind: of the file.
        records: how many.
        precision: share of the joined pairs that belong together; 1 where none were joined.
        recall: share of the true pairs that were joined; 1 where there are none.
    """

    kind: str
    records: int
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return harmonic_mean(self.precision, self.recall)


def main(argv: Sequence[str]) -> None:
    """Measure all files and print the table."""
    arguments = parser_of("small", __doc__ or "").parse_args(argv)
    files = choose_files(MEASURING, data=arguments.data, scratch=arguments.folder)
    print(table_of(map_files(partial(measure, folder=arguments.folder / "measured"), files)))


def measure(file: SmallFile, folder: Path) -> Measured:
    """Resolve a file and compare its clusters to the truth.

    Args:
        file: with its truth.
        folder: where it is written.
    """
    known = set(file.ids)
    found, true = (
        pairs_of(_clusters(file, folder), known),
        pairs_of(dict(zip(file.ids, file.entities, strict=True)), known),
    )
    return Measured(file.kind, file.records, *precision_and_recall(found, true))


def table_of(measured: Sequence[Measured]) -> str:
    """Write the means by kind, by set and by size, in Markdown."""
    drawn, sampled = ([it for it in measured if it.kind in names] for names in (KINDS, SETS))
    groups: list[tuple[str, Sequence[Measured]]] = []
    for names, together, title in ((KINDS, drawn, "all drawn files"), (SETS, sampled, "all samples")):
        groups += [(name, [it for it in together if it.kind == name]) for name in names]
        groups += [(f"**{title}**", together)]
    groups += [(f"{size} records", [it for it in measured if it.records == size]) for size, _ in MEASURED_SIZES]
    return "\n".join([_HEAD, *(_row(title, members) for title, members in groups if members)])


def map_files(work: Callable[[SmallFile], _T], files: Iterable[SmallFile]) -> list[_T]:
    """Do something with each file, in two processes; results in the order of the files."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, files, chunksize=2))


def parser_of(command: str, description: str) -> argparse.ArgumentParser:
    """Make a parser with the options that `small` and `priors` have in common."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data = os.environ.get("CDP_DATA_DIR")
    default = Path(data) if data else None
    parser.add_argument("--data", type=Path, default=default, help="folder of the public sets (CDP_DATA_DIR)")
    parser.add_argument("--folder", type=Path, default=Path("build/small"), help="where files are written")
    return parser


def _clusters(file: SmallFile, folder: Path) -> dict[str, str]:
    try:
        clusters = resolve_records(read_by_engine(file, folder), Matching(), tell=_nobody).clustered.clusters
    except CdpError:
        return {record_id: record_id for record_id in file.ids}
    ids, numbers = clusters["record_id"].to_pylist(), clusters["cluster_id"].to_pylist()
    return {str(record_id): str(number) for record_id, number in zip(ids, numbers, strict=True)}


def _nobody(_: str) -> None:
    """Is told the steps."""


def _row(title: str, members: Sequence[Measured]) -> str:
    means = (np.mean([getattr(it, name) for it in members]) for name in ("precision", "recall", "f1"))
    return f"| {title} | {len(members)} | {' | '.join(f'{mean:.3f}' for mean in means)} |"
