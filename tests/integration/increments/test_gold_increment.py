"""The gold tables of a night that builds on the last release are those of a full night, whatever changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.integration.increments.gold_nights import CLOCK, GoldWarehouse, World, make_project, visitor_key

from cdp_spark.config.profile import SurvivorshipConfig, SurvivorshipRule
from cdp_spark.config.project import Project
from cdp_spark.runs.run_log import Run
from cdp_spark.runs.stages import AFTER_IDENTITY
from cdp_spark.tables.catalog import (
    ACCOUNT_HIERARCHY,
    ACCOUNT_MEMBERS,
    HOUSEHOLDS,
    PROFILE_HISTORY,
    PROFILE_VALUES,
    PROFILES,
    SEGMENT_CHANGES,
    SEGMENT_MEMBERS,
    TRAITS,
    UNIFIED_EVENTS,
)
from cdp_spark.tables.run import StageResult
from cdp_spark.tables.store import Store

EVENTS, MADE, RELATED = (
    (UNIFIED_EVENTS,),
    (PROFILES, PROFILE_VALUES, PROFILE_HISTORY),
    (ACCOUNT_MEMBERS, ACCOUNT_HIERARCHY, HOUSEHOLDS),
)
ASLEEP = {
    **dict.fromkeys(("sessions", "behaviour"), "not configured"),
    "scores": "no models in insights.yaml",
    "offers": "no offers in insights.yaml",
    "experiments": "no experiments in experiments.yaml",
}
"""What stages say that the project asks nothing of."""
ALL_KEPT = "account_members: incremental: 0 people changed; account_hierarchy: unchanged; households: unchanged"
COMPARED = (*EVENTS, *MADE, *RELATED, TRAITS, SEGMENT_MEMBERS, SEGMENT_CHANGES)


@dataclass
class Nights:
    """A world in a warehouse whose every night is compared with a full one on a copy of it.

    Args:
        world: that the stages before tell of.
        warehouse: incremental.
        folder: for the copies.
        project: its configuration.
    """

    world: World
    warehouse: GoldWarehouse
    folder: Path
    project: Project

    def pass_a_night(self, ordinal: int, *, released: bool = True) -> dict[str, str]:
        """Run, and compare; returns what each stage says of its extent."""
        result = self.world.write(self.warehouse.store)
        copy = self.warehouse.copied(self.folder / str(ordinal))
        full = copy.night(result, self.project, ordinal=ordinal, full=True)
        run = self.warehouse.night(result, self.project, ordinal=ordinal, released=released)
        for spec in COMPARED:
            rows = [sorted(map(tuple, it.store.read(spec).collect()), key=str) for it in (self.warehouse, copy)]
            assert rows[0] == rows[1], f"{spec.name} of night {ordinal}"
        for stage in AFTER_IDENTITY:
            assert _figures(run, stage) == _figures(full, stage)
            assert run.finished[stage].warnings == full.finished[stage].warnings
        return {stage: run.finished[stage].detail for stage in AFTER_IDENTITY}

    def pass_again(self, ordinal: int) -> dict[str, str]:
        """Run on what the stages before left."""
        left = StageResult(self.warehouse.runs[-1].finished["identity"].versions)
        run = self.warehouse.night(left, self.project, ordinal=ordinal)
        return {stage: run.finished[stage].detail for stage in AFTER_IDENTITY}

    def erase(self, ordinal: int, unified_id: str, *keys: str, cookie: str, contacts: tuple[str, ...]) -> None:
        """Take a person out of the world and of the warehouse."""
        for key in keys:
            del self.world.records[key], self.world.ids[key]
        self.warehouse.erase(self.project, (unified_id, *keys), contacts, ordinal=ordinal)
        self.world.consents = [it for it in self.world.consents if it[0] not in contacts]
        self.world.events = {key: seen for key, seen in self.world.events.items() if seen != cookie}

    def versions(self) -> dict[str, int]:
        store = self.warehouse.store
        return {spec.name: store.version(spec) for spec in COMPARED}


def _figures(run: Run, stage: str) -> dict[str, float]:
    """What a stage counted, but for nothing."""
    figures = run.finished[stage].metrics.items()
    return {name: value for name, value in figures if value and not name.startswith("basis.")}


@pytest.fixture
def nights(spark: SparkSession, tmp_path: Path) -> Nights:
    world, warehouse, project = World.begin(), GoldWarehouse(Store(spark, str(tmp_path / "w"))), make_project()
    warehouse.night(world.write(warehouse.store), project, ordinal=1)
    return Nights(world, warehouse, tmp_path, project)


def change_values(world: World) -> None:
    """A person moves, one comes, one goes; one withdraws, another grants as of later; a cookie is seen again."""
    world.records["r00"]["city"] = "Hull"
    world.add_record("r90", "p9", 9)
    for key in ("r70", "r71"):
        del world.records[key], world.ids[key]
    later = CLOCK + timedelta(days=4, hours=1)
    world.consents += [("m2@acme.org", "withdrawn", CLOCK), ("m3@home.net", "granted", later)]
    world.see("c1", "p1")


def change_ids(world: World) -> None:
    """Two people become one, whose overridden city goes along; a visitor turns out to be somebody; a record moves."""
    world.ids |= {"r30": "p1", "r31": "p1", visitor_key("c3"): "p5", "r50": "p4"}
    world.merged["p3"] = "p1"


@pytest.mark.slow
def test_nights_are_those_of_full_runs_whatever_changed(nights: Nights) -> None:
    world = nights.world

    change_values(world)
    assert nights.pass_a_night(2) == ASLEEP | {
        "events": "incremental: 1 events are new, or their visitor, order or rate changed",
        "profiles": "incremental: 6 profiles affected by changes",
        "relations": "account_members: incremental: 3 people changed; account_hierarchy: unchanged; households: full",
        "traits": "incremental: 1 profile affected by changes",
        "segments": "members changed",
    }

    world.records["r00"]["city"] = "Pisa"
    nights.pass_a_night(3, released=False)
    world.records["r00"]["city"] = "Hull"

    change_ids(world)
    told = nights.pass_a_night(4)
    assert told["events"] == "incremental: 1 events are new, or their visitor, order or rate changed"
    assert told["profiles"] == "incremental: 5 profiles affected by changes"

    before = nights.versions()
    told = nights.pass_a_night(5)
    assert told["profiles"] == "incremental: 1 profile affected by changes"  # of a grant from this day on
    assert told["relations"] == ALL_KEPT
    # a window let their events out
    assert told["traits"] == "incremental: 5 profiles affected by changes"
    moved = {name for name, version in nights.versions().items() if version != before[name]}
    assert moved <= {"profiles", "profile_values", "profile_history", "traits", "segment_members", "segment_changes"}

    nights.erase(6, "p2", "r20", visitor_key("c2"), cookie="c2", contacts=("m2@acme.org",))
    told = nights.pass_a_night(7)
    assert told["profiles"] == "incremental: 0 profiles affected by changes"
    assert (
        told["relations"]
        == "account_members: incremental: 0 people changed; account_hierarchy: unchanged; households: full"
    )

    world.records["a_acme"]["domain"] = "acme.com"
    most_frequent = SurvivorshipConfig(default=SurvivorshipRule(by=("most_frequent",)))
    nights.project = make_project(survivorship=most_frequent)
    told = nights.pass_a_night(8)
    assert told["profiles"] == "full"
    assert told["relations"] == "account_members: full; account_hierarchy: full; households: full"


@pytest.mark.slow
def test_a_night_in_which_nothing_changed_writes_nothing(nights: Nights) -> None:
    assert nights.pass_again(2) == {
        "events": "unchanged since run 1",
        "profiles": "incremental: 1 profile affected by changes",  # of the record that is dated ahead
        "relations": ALL_KEPT,
        "traits": "incremental: 0 profiles affected by changes",
        "segments": "nobody entered or left",
        **ASLEEP,
    }
    nights.pass_again(3)
    before = nights.versions()
    unchanged = dict.fromkeys(AFTER_IDENTITY, "unchanged since run 3")
    assert nights.pass_again(4) == unchanged | ASLEEP | {
        "segments": "members changed"
    }  # some have been quiet for three days
    kept = {name: version for name, version in nights.versions().items() if not name.startswith("segment")}
    assert kept == {name: before[name] for name in kept}
