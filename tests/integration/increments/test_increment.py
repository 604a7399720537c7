"""An incremental night leaves the tables that a full one leaves, whatever changed, and wherever it was killed."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.integration.increments.increment_nights import STAGES, NightlyWarehouse, World, label, start

from cdp_spark import limits
from cdp_spark.clustering import frames as clustering
from cdp_spark.identity import stage as identity
from cdp_spark.resolution.increment import frames as matching
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
    """The tables agree but for the run that wrote a row, which is an earlier one where nothing had to be done."""
    for spec in COMPARED:
        rows = [sorted(map(tuple, it.read(spec).drop("ordinal").collect()), key=str) for it in (left, right)]
        assert rows[0] == rows[1], f"{spec.name} after {night}"


def _work_in_spark(patch: pytest.MonkeyPatch) -> None:
    """Have nothing worked out on the driver."""
    for size in (
        "KEYS_ON_DRIVER",
        "RECORDS_FETCHED",
        "CLUSTERS_ON_DRIVER",
        "IDENTIFIERS_ON_DRIVER",
        "RECORDS_CLUSTERED",
    ):
        patch.setattr(limits, size, -1)
    patch.setattr(identity, "CONTESTED_ON_DRIVER_RECORDS", -1)


def _work_on_driver(patch: pytest.MonkeyPatch) -> None:
    """Have nothing worked out in Spark."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("Spark was asked")

    patch.setattr(matching, "score_blocks", refuse)
    patch.setattr(clustering, "_refine_in_tasks", refuse)
    patch.setattr(identity, "run_in_spark", refuse)


Engine = Callable[[pytest.MonkeyPatch], None]


@dataclass
class Twins:
    """One world in two warehouses, of which one is always full.

    Args:
        world: that both are told of.
        increment: incremental.
        full: never.
        said: pairs that were labelled last.
    """

    world: World
    increment: NightlyWarehouse
    full: NightlyWarehouse
    said: list[tuple[str, str]] = field(default_factory=list)

    def pass_a_night(self, ordinal: int, engine: Engine = _work_on_driver) -> None:
        """Change the world, say something about some records, run, and compare."""
        told = self._run(ordinal, engine)
        assert all("incremental" in it and "full" not in it for it in told[:-1]), told  # identity always sees all

    def change_model(self, ordinal: int, *entity_types: str) -> None:
        """The same under another model of some entity types, which is applied to all their records."""
        for warehouse in (self.increment, self.full):
            warehouse.fit(version=ordinal, prior=0.1, entity_types=entity_types)
        told = self._run(ordinal, lambda _: None)
        for entity_type in entity_types:
            assert f"{entity_type}: model {ordinal}, full run (first run with model {ordinal})" in told[0], told

    def _run(self, ordinal: int, engine: Engine) -> list[str]:
        self.world.pass_a_night()
        said = self._say()
        for warehouse in (self.increment, self.full):
            for pair, word in said:
                label(warehouse.store, pair, word, day=ordinal)
            written = self.world.write(warehouse.store)
            with pytest.MonkeyPatch.context() as patch:
                if warehouse is self.increment:
                    engine(patch)
                warehouse.night(written, ordinal=ordinal, full=warehouse is self.full)
        told = [self.increment.runs[-1].finished[stage].detail for stage in STAGES]
        assert_same(self.increment.store, self.full.store, f"night {ordinal}: {told}")
        return told

    def _say(self) -> list[tuple[tuple[str, str], str]]:
        """A word about two records of a type, another about a visitor, and one that is taken back."""
        world, dice = self.world, self.world.dice
        kind = dice.choice(["person", "account"])
        one, other = dice.sample(sorted(key for key in world.rows if world.kind_of(key) == kind), 2)
        person = dice.choice(sorted(key for key in world.rows if world.kind_of(key) == "person"))
        words = ["must_link", "cannot_link"]
        said = [((one, other), dice.choice(words)), ((dice.choice(sorted(world.visitors)), person), dice.choice(words))]
        withdrawn = [(pair, "withdrawn") for pair in self.said[:1]]
        self.said = [pair for pair, _ in said]
        return [*said, *(it for it in withdrawn if it[0] not in self.said)]

    def kill(self, ordinal: int, *, stage: str, writes: int) -> None:
        """Let the incremental warehouse die in a night that nobody continues, of a world that never comes."""
        elsewhere = deepcopy(self.world)
        elsewhere.pass_a_night()
        self.increment.die(elsewhere.write(self.increment.store), ordinal=ordinal, stage=stage, writes=writes)


def begin(spark: SparkSession, folder: Path, *, seed: int) -> Twins:
    world = World(random.Random(seed), has_visitors=True, has_accounts=True)
    world.grow(60)
    world.meet_visitors()
    first = start(spark, folder / "increment", world, visitors=True)
    return Twins(world, first, first.copied(folder / "full"))


@pytest.fixture(autouse=True)
def _small_worlds_change_a_lot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CHANGED_SHARE", 1.0)


@pytest.mark.slow
def test_nights_are_those_of_full_runs_though_some_between_were_killed(spark: SparkSession, tmp_path: Path) -> None:
    twins = begin(spark, tmp_path, seed=1)
    twins.kill(2, stage="matching", writes=1)
    twins.pass_a_night(3)
    twins.change_model(4, "person", "account")
    twins.kill(5, stage="clustering", writes=2)
    twins.pass_a_night(6)
    twins.pass_a_night(7, _work_in_spark)
    twins.change_model(8, "person")
    twins.pass_a_night(9)
