"""Two deliveries of one source: the second with some records changed, some new and some gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.matching.people import RECORDS_A_PERSON, observed_records, write_people
from cdp_spark.demo.rates import Rates
from cdp_spark.demo.words import stream
from cdp_spark.demo.world import build_world

if TYPE_CHECKING:
    from pathlib import Path

_NEW, _GONE = 0.2, 0.1
"""Shares of what changes that are new and that are gone; the rest is seen anew: moved, married, mistyped."""


@dataclass(frozen=True)
class Nights:
    """The files of two nights.

    Args:
        first: Parquet, every record.
        second: Parquet, every record of the second night.
    """

    first: Path
    second: Path


def write_nights(folder: Path, *, records: int, changed: float, seed: int) -> Nights:
    """Write both nights' deliveries.

    Args:
        folder: where they go.
        records: of the first night.
        changed: share of the records that are changed, new or gone in the second.
        seed: the same seed gives the same files.
    """
    files = write_people(folder, records=records, seed=seed)
    second = folder / f"second-{changed}.parquet"
    before, owners = pq.read_table(files.records), pq.read_table(files.truth)["entity_id"].to_numpy()
    rng = stream(seed, "second night")
    touched = rng.permutation(records)[: round(records * changed)]
    gone, fresh, seen_anew = np.split(touched, np.cumsum([round(len(touched) * _GONE), round(len(touched) * _NEW)]))
    world = build_world(people=max(int(records / RECORDS_A_PERSON), 1), seed=seed, rates=Rates())
    who = owners[np.concatenate([seen_anew, fresh])]
    ids = np.concatenate([seen_anew, np.arange(records, records + len(fresh))])
    kept = np.setdiff1d(np.arange(records), np.concatenate([gone, seen_anew]))
    after = pa.concat_tables([before.take(kept), observed_records(world, who, ids, rng).cast(before.schema)])
    pq.write_table(after, second)
    return Nights(files.records, second)
