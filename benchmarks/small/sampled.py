"""Small files taken from public sets: some people's records each, with the sets' own truth.

The people of a set are split in two halves by their ids: priors are learnt from the one and measured on the other.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from benchmarks import packaged
from benchmarks.packaged import PACKAGED
from benchmarks.sets import packaged_set, public_set
from benchmarks.small.files import SmallFile

if TYPE_CHECKING:
    from pathlib import Path

SETS = ("febrl3", "fake_20000", "historical_50k", "rldata10000")
_ALONE_LEFT_OUT = {"rldata10000": 0.7}
"""Share of the people with one record that samples leave out: nine in ten have no duplicate."""


@dataclass(frozen=True)
class PublicPeople:
    """Records of a public set, by who they are.

    Args:
        name: of the set.
        header: columns, without the id.
        halves: two, each with the records of its people.
    """

    name: str
    header: tuple[str, ...]
    halves: tuple[tuple[tuple[str, list[tuple[str, ...]]], ...], ...]


def why_missing(name: str, data: Path | None) -> str | None:
    """Say why a set cannot be read here; None where it can.

    Args:
        name: of `SETS`.
        data: folder of the public sets.
    """
    if name in PACKAGED:
        reason = packaged.why_missing(name)
        return reason and reason.replace("not measured", "left out")
    if data is None:
        return f"{name}: left out, no folder of public sets was named (--data, or CDP_DATA_DIR in the environment)"
    return None if (data / name).is_dir() else f"{name}: left out, {data} has no such folder"


def read_people(name: str, *, data: Path | None, scratch: Path) -> PublicPeople:
    """Read a public set.

    Args:
        name: of `SETS`.
        data: folder of the public sets; not needed for those of packages.
        scratch: where what is made from it goes.
    """
    found = packaged_set(name, scratch=scratch) if data is None or name in PACKAGED else None
    found = found or public_set(name, data=data or scratch, scratch=scratch)
    truth = pq.read_table(found.truth)
    entity_of = dict(zip(truth["record_id"].to_pylist(), truth["entity_id"].to_pylist(), strict=True))
    with found.records.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    at = header.index(found.id_column)
    people: dict[str, list[tuple[str, ...]]] = {}
    for row in rows:
        people.setdefault(entity_of[row[at]], []).append((*row[:at], *row[at + 1 :]))
    ordered = sorted(people.items())
    columns = tuple(column for column in header if column != found.id_column)
    return PublicPeople(name, columns, (tuple(ordered[::2]), tuple(ordered[1::2])))


def sample_file(people: PublicPeople, *, half: int, seed: int, records: int) -> SmallFile:
    """Take a small file: one to three records of each of some people.

    Args:
        people: of a public set.
        half: 0 or 1.
        seed: the same seed gives the same file.
        records: how many.
    """
    chance = random.Random(f"{people.name} {half} {seed} {records}")
    taken: list[tuple[str, tuple[str, ...]]] = []
    for entity, rows in chance.sample(people.halves[half], len(people.halves[half])):
        if len(rows) == 1 and chance.random() < _ALONE_LEFT_OUT.get(people.name, 0.0):
            continue
        count = min(len(rows), chance.choice([1, 1, 1, 2, 2, 3]))
        taken += [(entity, row) for row in chance.sample(rows, count)]
        if len(taken) >= records:
            break
    taken = taken[:records]
    chance.shuffle(taken)
    return SmallFile(
        kind=people.name,
        records=records,
        number=seed,
        header=people.header,
        rows=tuple(row for _, row in taken),
        entities=tuple(entity for entity, _ in taken),
    )
