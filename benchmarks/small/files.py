"""Small files with truth, and how `cdp resolve` would read them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.standalone.files import name_inputs, read_inputs
from cdp_spark.standalone.in_process import InProcess
from cdp_spark.standalone.records import describe

if TYPE_CHECKING:
    from pathlib import Path

ID_COLUMN = "id"


@dataclass(frozen=True)
class SmallFile:
    """Some hundred records at most, and who they are.

    Args:
        kind: of the file, or the set that it is a sample of.
        records: how many.
        number: tells files of one kind and size apart.
        header: names of the columns.
        rows: a value per column and record.
        entities: who each record is.
        households: of each record; empty where nobody knows.
        firms: of each record; empty where nobody knows.
    """

    kind: str
    records: int
    number: int
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    entities: tuple[str, ...]
    households: tuple[str, ...] = ()
    firms: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the records, in order."""
        return tuple(f"r{at:05d}" for at in range(len(self.rows)))


def read_by_engine(file: SmallFile, folder: Path) -> InProcess:
    """Write a file as CSV and read it as `cdp resolve FILE --id id` does.

    Args:
        file: to be written.
        folder: where it goes; made where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{file.kind}-{file.records}-{file.number}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([ID_COLUMN, *file.header])
        writer.writerows([record_id, *row] for record_id, row in zip(file.ids, file.rows, strict=True))
    read = read_inputs(name_inputs([str(path)]))
    return InProcess(*describe(read, id_column=ID_COLUMN, source_column=None, region=None))
