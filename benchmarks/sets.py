"""Data sets with truth: public ones, from a folder or an installed package, and people generated at any size.

A public set in the folder `CDP_DATA_DIR` is a folder with records.csv, its first column the id, and truth.csv
(record_id, entity_id).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from benchmarks.matching.cleaning import write_cleaned
from benchmarks.matching.people import write_people
from benchmarks.packaged import PACKAGED, RECORD_ID, write_packaged

if TYPE_CHECKING:
    from pathlib import Path

PUBLIC = ("febrl3", "historical_50k", "fake_20000")
PEOPLE = "people"


@dataclass(frozen=True)
class DataSet:
    """Records, and who they are.

    Args:
        name: in the table.
        model: the name of Splink's settings for its columns.
        records: a CSV file, or a Parquet file with the records as cdp-spark cleaned them.
        truth: Parquet, one row per record: record_id, entity_id.
        id_column: the column of `records` that names a record.
        folder: where the tools' clusters and logs go.
    """

    name: str
    model: str
    records: Path
    truth: Path
    id_column: str
    folder: Path

    @property
    def cleaned(self) -> bool:
        """Whether the records were cleaned by cdp-spark; tools are then timed from the cleaned records on."""
        return self.model == PEOPLE


def public_set(name: str, *, data: Path, scratch: Path) -> DataSet:
    """A public set; its truth is copied to Parquet.

    Args:
        name: of its folder.
        data: the folder with the public sets.
        scratch: where what is made from it goes.
    """
    records, folder = data / name / "records.csv", scratch / name
    with records.open(encoding="utf-8") as file:
        id_column = file.readline().split(",")[0].strip()
    folder.mkdir(parents=True, exist_ok=True)
    as_text = csv.ConvertOptions(column_types={"record_id": pa.string(), "entity_id": pa.string()})
    truth = folder / "truth.parquet"
    pq.write_table(csv.read_csv(data / name / "truth.csv", convert_options=as_text), truth)
    return DataSet(name, name, records, truth, id_column, folder)


def packaged_set(name: str, *, scratch: Path) -> DataSet:
    """Take a public set from an installed package.

    Args:
        name: of `PACKAGED`.
        scratch: where its files go, and what is made from them.
    """
    folder = scratch / name
    folder.mkdir(parents=True, exist_ok=True)
    records, truth = folder / "records.csv", folder / "truth.parquet"
    write_packaged(name, records=records, truth=truth)
    return DataSet(name, PACKAGED[name].model, records, truth, RECORD_ID, folder)


def people_set(records: int, *, seed: int, scratch: Path) -> DataSet:
    """Generate people and clean them.

    Args:
        records: how many.
        seed: the same seed gives the same people.
        scratch: where they go, and what is made from them.
    """
    folder = scratch / str(records)
    files, cleaned = write_people(folder, records=records, seed=seed), folder / "cleaned.parquet"
    write_cleaned(files.records, cleaned)
    return DataSet(f"people, {records:,} records", PEOPLE, cleaned, files.truth, "source_record_id", folder)
