"""People with truth at any size: households, moves, marriages, shared phones, typos, placeholders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cdp_spark.demo.observe import observe
from cdp_spark.demo.rates import Rates
from cdp_spark.demo.words import stream
from cdp_spark.demo.world import build_world

if TYPE_CHECKING:
    from pathlib import Path

    from cdp_spark.demo.words import Columns, Indices
    from cdp_spark.demo.world import World

RECORDS_A_PERSON = 4.3
"""The mean; with the geometric distribution below, a million records hold about 3.3 million true pairs."""
_COLUMNS = {
    "first": "given_name",
    "last": "family_name",
    "birth_date": "birth_date",
    "email": "email",
    "mobile": "phone",
    "street": "street",
    "house_no": "house_number",
    "postcode": "postcode",
    "city": "city",
    "country": "country",
}


@dataclass(frozen=True)
class PeopleFiles:
    """Where a generated data set is.

    Args:
        records: Parquet, one row per record: record_id and the columns as a source would deliver them.
        truth: Parquet, one row per record: record_id, entity_id.
    """

    records: Path
    truth: Path


def write_people(folder: Path, *, records: int, seed: int) -> PeopleFiles:
    """Generate records of people as several sources would have them; a folder that is there already is kept.

    Args:
        folder: where the two files go.
        records: how many.
        seed: the same seed gives the same files.
    """
    files = PeopleFiles(folder / "records.parquet", folder / "truth.parquet")
    if files.records.exists() and files.truth.exists():
        return files
    folder.mkdir(parents=True, exist_ok=True)
    world = build_world(people=max(int(records / RECORDS_A_PERSON), 1), seed=seed, rates=Rates())
    rng = stream(seed, "benchmark")
    who = _owners(rng, records, people=len(world.people["first"]))
    ids = np.arange(records)
    pq.write_table(observed_records(world, who, ids, rng), files.records)
    pq.write_table(pa.table({"record_id": record_ids(ids), "entity_id": pa.array(who)}), files.truth)
    return files


def observed_records(world: World, who: Indices, ids: Indices, rng: np.random.Generator) -> pa.Table:
    """The people `who` as sources would see them, one row each, with the record ids of the numbers `ids`."""
    seen: Columns = observe(world, who, rng)
    return pa.table({"record_id": record_ids(ids)} | {ours: seen[theirs] for theirs, ours in _COLUMNS.items()})


def record_ids(numbers: Indices) -> pa.Array:
    """Record ids of numbers, such as `r000000007`."""
    return pa.array([f"r{number:09d}" for number in numbers])


def _owners(rng: np.random.Generator, records: int, *, people: int) -> Indices:
    """The person of each record, in no order: everyone has one, some have many."""
    extra = rng.geometric(1 / RECORDS_A_PERSON, people)
    owners = np.repeat(np.arange(people), extra)
    missing = max(records - len(owners), 0)
    owners = np.concatenate([owners, rng.integers(0, people, missing)])
    chosen: Indices = rng.permutation(owners)[:records]
    return chosen
