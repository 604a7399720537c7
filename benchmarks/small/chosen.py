"""Which small files priors are learnt from, and which they are measured on: no seed and no person is in both."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.small import drawn, sampled
from benchmarks.small.drawn import KINDS, draw_file
from benchmarks.small.sampled import SETS, read_people, sample_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.small.files import SmallFile

LEARNT, MEASURED = 0, 1
"""Halves of the public sets' people."""
_DRAWN_SIZES = ((40, 4), (120, 4), (300, 3), (450, 3))
_SAMPLED_SIZES = ((100, 4), (300, 4), (450, 3))
MEASURED_SIZES = ((24, 8), (80, 6), (250, 4))
"""Records of the files that are measured, and how many files of each kind have so many."""
_FIRST_LEARNT, _FIRST_MEASURED = 7_000, 20_000


class Choice(NamedTuple):
    """How many files of which sizes, and where they come from.

    Args:
        half: of the public sets.
        first_seed: of the files; the others follow it.
        drawn_sizes: records and files, of each kind.
        sampled_sizes: records and files, of each set.
    """

    half: int
    first_seed: int
    drawn_sizes: tuple[tuple[int, int], ...]
    sampled_sizes: tuple[tuple[int, int], ...]


LEARNING = Choice(LEARNT, _FIRST_LEARNT, _DRAWN_SIZES, _SAMPLED_SIZES)
MEASURING = Choice(MEASURED, _FIRST_MEASURED, MEASURED_SIZES, MEASURED_SIZES)


def missing_sources(data: Path | None) -> list[str]:
    """Say of each source of files that is not here why.

    Args:
        data: folder of the public sets.
    """
    return [it for it in (drawn.why_missing(), *(sampled.why_missing(name, data) for name in SETS)) if it]


def choose_files(choice: Choice, *, data: Path | None, scratch: Path) -> Iterator[SmallFile]:
    """Draw and sample files; what is missing here is left out, and the standard error says why.

    Args:
        choice: how many.
        data: folder of the public sets.
        scratch: where what is made from them goes.
    """
    for reason in missing_sources(data):
        print(reason, file=sys.stderr)
    for kind in () if drawn.why_missing() else KINDS:
        for seed, records in _seeds(choice.first_seed, choice.drawn_sizes):
            yield draw_file(kind, seed=seed, records=records)
    for name in SETS:
        if sampled.why_missing(name, data) is None:
            people = read_people(name, data=data, scratch=scratch)
            for seed, records in _seeds(choice.first_seed, choice.sampled_sizes):
                yield sample_file(people, half=choice.half, seed=seed, records=records)


def _seeds(first: int, sizes: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Seeds and numbers of records."""
    numbers = [records for records, files in sizes for _ in range(files)]
    return list(enumerate(numbers, start=first))
