"""Two nights of experiments in a warehouse, on the driver and by Spark."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pyspark.sql import SparkSession

from cdp_spark.config.experiments import ExperimentsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.experiments import stage
from cdp_spark.experiments.imports import read_assignments
from cdp_spark.normalise.hashing import record_key
from cdp_spark.runs.dependencies import DEPENDENCIES
from cdp_spark.tables.catalog import (
    EXPERIMENT_ASSIGNMENTS,
    EXPERIMENT_RESULTS,
    HOUSEHOLDS,
    ID_REGISTRY,
    PROFILES,
    SEGMENT_MEMBERS,
    UNIFIED_EVENTS,
    UNIFIED_IDS,
)
from cdp_spark.tables.increments.basis import work_or_keep
from cdp_spark.tables.run import LastFinish, RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

DAY = datetime(2026, 12, 1, 2, tzinfo=UTC)
CONFIG: dict[str, Any] = {
    "hold_out": {"percent": 10},
    "experiments": [
        {
            "name": "offer",
            "segment": "at_risk",
            "arms": {"control": 50, "offer_a": 50},
            "household": True,
            "starts": "2026-12-01",
            "ends": "2026-12-02",
            "outcome": {"events": "purchase", "within_days": 30},
        },
        {
            "name": "mailing",
            "assignments": {"path": "mailing.csv", "source": "crm", "record_id": "id"},
            "arms": {"control": 50, "mail": 50},
            "starts": "2026-11-01",
            "ends": "2026-11-30",
            "outcome": {"events": ["purchase", "return"], "within_days": 30, "value": "sum"},
        },
    ],
}
PEOPLE = [f"p{number:03}" for number in range(240)]


def config_of(**changes: Any) -> ExperimentsConfig:
    """The configuration with other values of its first experiment."""
    first, *others = CONFIG["experiments"]
    return ExperimentsConfig.model_validate({**CONFIG, "experiments": [{**first, **changes}, *others]}, strict=False)


def row_of(spec: TableSpec, **values: Any) -> tuple[Any, ...]:
    empty = {"array": [], "map": {}, "string": "-", "long": 1, "timestamp": DAY}
    blank = {it.name: None if it.nullable else empty.get(it.dataType.typeName()) for it in spec.schema}
    return tuple({**blank, **values}.values())


@dataclass
class Nights:
    """A warehouse from night to night.

    Args:
        store: of it.
        folder: of the project.
        merged: id to the one it was merged into.
        last: what the stage left.
    """

    store: Store
    folder: Path
    config: ExperimentsConfig
    merged: dict[str, str] = field(default_factory=dict)
    last: StageResult | None = None
    written: dict[str, int] = field(default_factory=dict)

    def fill(self) -> None:
        """Write the tables that the stage reads; every two people live together."""
        ids = [row_of(UNIFIED_IDS, record_key=record_key("crm", it), unified_id=it) for it in PEOPLE]
        homes = [row_of(HOUSEHOLDS, unified_id=it, household_id=f"h{n // 2}") for n, it in enumerate(PEOPLE)]
        members = [row_of(SEGMENT_MEMBERS, segment="at_risk", unified_id=it) for it in PEOPLE[:200]]
        people = [row_of(PROFILES, unified_id=it, entity_type="person") for it in PEOPLE]
        written = ((UNIFIED_IDS, ids), (HOUSEHOLDS, homes), (SEGMENT_MEMBERS, members), (PROFILES, people))
        self.written = {spec.name: self.store.overwrite(spec, spec.table(rows)) for spec, rows in written}
        self.store.overwrite(UNIFIED_EVENTS, UNIFIED_EVENTS.table([]))
        self.register()
        lines = [f"{it},{('control', 'mail')[number % 2]},2026-11-02T12:00" for number, it in enumerate(PEOPLE)]
        lines += ["nobody,mail,2026-11-02", "p001,pigeon,2026-11-02", "p001,mail,tomorrow", "p001,mail,2027-01-01"]
        (self.folder / "mailing.csv").write_text("\n".join(["id,arm,assigned_at", *lines]))

    def register(self) -> None:
        live = [row_of(ID_REGISTRY, unified_id=it, status="live") for it in PEOPLE if it not in self.merged]
        gone = [row_of(ID_REGISTRY, unified_id=a, status="merged", merged_into=b) for a, b in self.merged.items()]
        self.store.overwrite(ID_REGISTRY, ID_REGISTRY.table(live + gone))

    def buy(self, values: dict[str, float], *, at: datetime) -> None:
        """Write the events: purchases of people, and returns where the value is negative."""
        rows = [
            row_of(
                UNIFIED_EVENTS,
                event_key=unified_id,
                event_type="purchase" if value > 0 else "return",
                occurred_at_utc=at,
                unified_id=unified_id,
                value=Decimal(str(value)),
            )
            for unified_id, value in values.items()
        ]
        self.store.overwrite(UNIFIED_EVENTS, UNIFIED_EVENTS.table(rows))

    def night(self, number: int, *, days: int = 0, full: bool = False) -> StageResult:
        settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="warehouse"))
        project = Project(
            folder=str(self.folder),
            settings=settings,
            sources=(),
            match=MatchConfig(),
            experiments=self.config,
            config_hash="-",
        )
        context = RunContext(self.store, project, f"run-{number}", number, DAY + timedelta(days=days), full=full)
        if self.last is not None:
            versions, metrics = self.last.versions, self.last.metrics
            context = replace(context, base_versions=versions, last=LastFinish(1, versions, versions, metrics))
        self.last = work_or_keep(context, DEPENDENCIES["experiments"], stage.run, lambda versions, _: versions)
        return self.last

    def arms(self, experiment: str) -> dict[str, str]:
        rows = self.store.fetch(EXPERIMENT_ASSIGNMENTS).to_pylist()
        return {it["unified_id"]: it["arm"] for it in rows if it["experiment"] == experiment and not it["end_reason"]}

    def results(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.store.fetch(EXPERIMENT_RESULTS).to_pylist()
        return sorted(rows, key=lambda it: (it["experiment"], it["arm"]))


@pytest.fixture
def nights(spark: SparkSession, tmp_path: Path) -> Nights:
    nights = Nights(Store(spark, str(tmp_path / "warehouse")), tmp_path, config_of())
    nights.fill()
    return nights


@pytest.mark.parametrize("engine", ["driver", "Spark"])
def test_arms_stay_from_night_to_night_and_outcomes_are_compared(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    first = nights.night(1)
    offer, mailing, hold_out = (nights.arms(name) for name in ("offer", "mailing", "hold_out"))
    assert (len(offer), len(mailing), len(hold_out)) == (200, 240, 240)
    assert all(offer[one] == offer[other] for one, other in zip(PEOPLE[:200:2], PEOPLE[1:200:2], strict=True))
    assert mailing == {it: ("control", "mail")[number % 2] for number, it in enumerate(PEOPLE)}
    assert 10 <= Counter(hold_out.values())["control"] <= 40
    assert first.warnings == (
        "experiment mailing: rows of its file left out, of an arm that is not configured: 1",
        "experiment mailing: rows of its file left out, of a record that is not known: 1",
        "experiment mailing: rows of its file left out, without a readable time: 1",
    )

    loser = next(it for it in PEOPLE[:200] if offer[it] == "control")
    winner = next(it for it in PEOPLE[:200] if offer[it] == "offer_a")
    nights.merged = {loser: winner}
    nights.register()
    buyers = {it: 10.0 for number, it in enumerate(PEOPLE) if number % 4 != 0 and it != loser}
    nights.buy(buyers, at=DAY + timedelta(hours=3))
    if engine == "Spark":
        monkeypatch.setattr(stage, "ASSIGNED_ON_DRIVER", 0)
    nights.night(2, days=1)
    assert nights.arms("offer") == {it: arm for it, arm in offer.items() if it != loser} | {winner: "control"}
    control, offered, _, mailed = nights.results()[2], nights.results()[3], *nights.results()[:2]
    now = nights.arms("offer")
    assert {it["arm"]: (it["people"], it["converted"], it["kind"]) for it in (control, offered)} == {
        arm: (
            sum(it == arm for it in now.values()),
            sum(now.get(it) == arm for it in buyers),
            "rate",
        )
        for arm in ("control", "offer_a")
    }
    assert control["units"] <= 101
    assert (mailed["outcome"], mailed["people"], mailed["people_done"]) == (1200.0, 120, 0)
    assert mailed["difference"] == pytest.approx(5, abs=0.2)
    assert [it["is_final"] for it in nights.results()] == [False] * 4


def test_a_night_without_changes_keeps_both_tables(nights: Nights) -> None:
    first = nights.night(1)
    again = nights.night(2, days=0)
    moved = nights.night(3, days=1)
    assert again.detail == "unchanged since run 1"
    assert first.versions == again.versions == moved.versions
    assert again.warnings == first.warnings
    nights.buy(dict.fromkeys(PEOPLE, 10.0), at=DAY + timedelta(hours=3))
    bought = nights.night(4, days=1)
    assert {name for name, version in bought.versions.items() if version != first.versions[name]} == {
        EXPERIMENT_RESULTS.name
    }
    over = nights.night(5, days=200)
    assert {it["is_final"] for it in nights.results()} == {True}
    assert nights.night(6, days=300).versions == over.versions
    assert nights.last is not None
    assert nights.last.detail == "unchanged since run 1"


def test_an_arm_with_people_cannot_be_renamed(nights: Nights) -> None:
    nights.night(1)
    nights.config = config_of(arms={"control": 50, "offer_b": 50})
    with pytest.raises(ConfigError) as refused:
        nights.night(2, days=1)
    assert str(refused.value) == (
        "experiments.yaml, experiment offer: got people in the arm offer_a, which is not configured. Fix: keep the "
        "arm's name, with a share of 0 to give it to nobody new; or give the experiment another name"
    )
    nights.config = config_of(arms={"control": 50, "offer_a": 0, "offer_b": 50})
    nights.night(2, days=1)


def test_a_project_without_experiments_makes_no_tables_and_ends_what_it_had(nights: Nights) -> None:
    nights.config = ExperimentsConfig()
    assert nights.night(1).versions == {}
    nights.config, nights.last = config_of(), None
    nights.night(2)
    nights.config = ExperimentsConfig()
    nights.night(3, days=1)
    rows = nights.store.fetch(EXPERIMENT_ASSIGNMENTS, ("end_reason",)).to_pylist()
    assert {it["end_reason"] for it in rows} == {"dropped"}
    assert nights.results() == []


def test_arms_of_unlike_sizes_are_warned_of(nights: Nights) -> None:
    lines = ["id,arm,assigned_at", *(f"{it},{'control' if it < 'p050' else 'mail'},2026-11-02" for it in PEOPLE)]
    (nights.folder / "mailing.csv").write_text("\n".join(lines))
    assert nights.night(1).warnings == (
        "experiment mailing: its arms are not as large as their shares (sample-ratio mismatch, p = 2e-19); don't "
        "trust its lift before you know why",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "got no such file. Fix: put the file there, or correct `assignments.path`"),
        (
            "customer,arm\n",
            "got no column id, assigned_at; allowed: customer, arm. "
            "Fix: name the columns in `assignments`: record_id, arm, assigned_at",
        ),
    ],
)
def test_a_file_of_assignments_that_cannot_be_read_says_why(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "mailing.csv").write_text(text)
    experiment = config_of().experiments[1]
    assert experiment.assignments is not None
    with pytest.raises(DataError) as refused:
        read_assignments(experiment, experiment.assignments, str(tmp_path), until=DAY)
    assert str(refused.value) == f"experiment mailing, mailing.csv: {said}"
