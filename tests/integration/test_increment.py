"""An incremental night leaves the tables that a full one leaves, whatever changed, and wherever it was killed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.integration.increment_nights import World, label, start

from cdp_spark.tables.catalog import (
    CLUSTERS,
    CUTS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTITY_ISSUES,
    MATCH_INPUTS,
    PAIR_SCORES,
    UNIFIED_IDS,
)
from cdp_spark.tables.store import Store

COMPARED = (PAIR_SCORES, MATCH_INPUTS, CLUSTERS, CUTS, UNIFIED_IDS, ID_REGISTRY, ID_CHANGES, IDENTITY_ISSUES)


def assert_same(left: Store, right: Store, night: str) -> None:
    for spec in COMPARED:
        rows = [sorted(map(tuple, it.read(spec).collect()), key=str) for it in (left, right)]
        assert rows[0] == rows[1], f"{spec.name} after {night}"


def run_nights(spark: SparkSession, folder: Path, *, seed: int, nights: int, visitors: bool) -> None:
    dice = random.Random(seed)
    world = World(dice, visitors)
    world.grow(45)
    world.meet_visitors()
    increment = start(spark, folder / "increment", world, visitors=visitors)
    full = increment.copied(folder / "full")
    for number in range(2, nights + 2):
        world.pass_a_night()
        pair = tuple(dice.sample(sorted(world.rows), 2))
        word = dice.choice(["must_link", "cannot_link"])
        runs = []
        for warehouse in (increment, full):
            label(warehouse.store, (pair[0], pair[1]), word, day=number)
            runs.append(warehouse.night(world.write(warehouse.store), ordinal=number, full=warehouse is full))
        told = [runs[0].finished[stage].detail for stage in ("matching", "clustering", "identity")]
        assert all("incremental" in it for it in told), told
        assert_same(increment.store, full.store, f"night {number} of seed {seed}: {told}")


def test_two_nights_are_those_of_full_runs(spark: SparkSession, tmp_path: Path) -> None:
    run_nights(spark, tmp_path, seed=11, nights=2, visitors=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_many_nights_with_visitors_are_those_of_full_runs(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    run_nights(spark, tmp_path, seed=seed, nights=6, visitors=True)
