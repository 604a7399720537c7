"""The stages of sessions and behaviour: from events to whole tables, and a night that equals a full one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession
from tests.unit.behaviour.conftest import DAY_1, at, event, line, table_of

from cdp_spark.behaviour import frames, stage_sessions
from cdp_spark.config.insights.behaviour import (
    AbandonmentConfig,
    AttributionConfig,
    BrowseConfig,
    CartConfig,
    FunnelConfig,
    FunnelStep,
    RetentionConfig,
    SessionsConfig,
)
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.runs.dependencies import DEPENDENCIES
from cdp_spark.runs.stages import BY_NAME
from cdp_spark.tables.catalog import (
    ABANDONED,
    ATTRIBUTIONS,
    FUNNELS,
    PROFILES,
    RETENTION,
    SESSIONS,
    UNIFIED_EVENTS,
)
from cdp_spark.tables.increments.basis import work_or_keep
from cdp_spark.tables.run import LastFinish, RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

INSIGHTS = InsightsConfig(
    sessions=SessionsConfig(timeouts={"app": 5.0}),
    attribution=AttributionConfig(models=("last_non_direct", "linear", "data_driven")),
    funnels=(
        FunnelConfig(
            name="buying",
            steps=(
                FunnelStep(event=("view",), where="product_id = 'P1' or property('test') = 'yes'"),
                FunnelStep(event=("purchase",), name="bought"),
            ),
            by="country",
        ),
    ),
    retention=(RetentionConfig(name="buyers", every="month", periods=2),),
    abandonment=AbandonmentConfig(browse=BrowseConfig(events=("view",), times=2, days=40), cart=CartConfig(days=40)),
)
EVENTS = [
    event("a1", "ann", "view", at(), url="/p1", channel="search", campaign="spring", product_id="P1"),
    event("a2", "ann", "view", at(minutes=10), url="/p2", product_id="P2", category="toys"),
    event("a3", "ann", "purchase", at(minutes=20), value="30", lines=[line("P1"), line("P3")]),
    event("a4", "ann", "view", at(days=2), url="/p2", product_id="P2"),
    event("a5", "ann", "purchase", at(days=2, minutes=5), source="till", value="12.5"),
    event("b1", "bob", "view", at(days=1), channel="email", properties={"test": "yes"}),
    event("b2", "bob", "cart", at(days=1, minutes=31)),
    event("b3", "bob", "add_to_cart", at(days=1, minutes=31), product_id="P1", value="9.99"),
    event("x1", None, "view", at(), product_id="P1"),
]
PEOPLE = {"ann": "DE", "bob": None}
CLOCK = at(days=32)
STAGES = {"sessions": (SESSIONS, ATTRIBUTIONS), "behaviour": (FUNNELS, RETENTION, ABANDONED)}


@dataclass
class Nights:
    """A warehouse whose two stages run night after night.

    Args:
        store: its tables.
        insights: the configuration.
        events: of all people.
        people: profile to country.
        finished: the stages' last results.
        left: versions of the tables that an erasure wrote since.
    """

    store: Store
    insights: InsightsConfig = INSIGHTS
    events: list[dict[str, Any]] = field(default_factory=lambda: [*EVENTS])
    people: dict[str, str | None] = field(default_factory=lambda: dict(PEOPLE))
    finished: dict[str, StageResult] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    ordinal: int = 0

    def write(self) -> None:
        """Write what the stages before would have written."""
        names = PROFILES.schema.names
        fixed: dict[str, Any] = {"entity_type": "person", "emails": [], "phones": [], "attributes": {}, "sources": []}
        rows = [
            {**dict.fromkeys(names), **fixed, "record_count": 1, "consents": {}, "unified_id": who, "country": country}
            for who, country in self.people.items()
        ]
        self.store.overwrite(PROFILES, PROFILES.table([tuple(row[name] for name in names) for row in rows]))
        self.store.overwrite(UNIFIED_EVENTS, table_of(self.events))

    def night(self, clock: datetime = CLOCK, *, full: bool = False) -> dict[str, str]:
        """Run both stages; returns what each says."""
        self.ordinal += 1
        told = {}
        for stage in STAGES:
            before = self.finished.get(stage)
            base = {name: it for result in self.finished.values() for name, it in result.versions.items()} | self.left
            last = LastFinish(self.ordinal - 1, before.versions, base, before.metrics) if before else None
            context = RunContext(
                self.store.limited_to(BY_NAME[stage].access),
                project_of(self.insights),
                f"run-{self.ordinal}",
                self.ordinal,
                clock,
                base_versions=base,
                last=last,
                full=full,
            )
            result = work_or_keep(context, DEPENDENCIES[stage], BY_NAME[stage].work, self.carry)
            self.finished[stage], told[stage] = result, result.detail
        self.left = {}
        return told

    def carry(self, versions: Mapping[str, int], _ordinal: int) -> dict[str, int]:
        """Follow versions through the erasure since."""
        return {name: self.left.get(name, version) for name, version in versions.items()}

    def erase(self, who: str) -> None:
        """Take a person out of all tables with an id, as an erasure does."""
        for spec in (UNIFIED_EVENTS, PROFILES, SESSIONS, ATTRIBUTIONS, ABANDONED):
            rows = self.store.fetch(spec)
            kept = rows.filter(pc.invert(pc.fill_null(pc.equal(rows["unified_id"], who), False)))
            self.left[spec.name] = self.store.overwrite(spec, kept)
        self.events = [row for row in self.events if row["unified_id"] != who]
        del self.people[who]

    def rows(self, spec: TableSpec) -> list[tuple[Any, ...]]:
        rows = self.store.fetch(spec).sort_by([(key, "ascending") for key in spec.keys]).to_pylist()
        return [tuple(row.values()) for row in rows]

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        return {spec.name: self.rows(spec) for specs in STAGES.values() for spec in specs}


def project_of(insights: InsightsConfig) -> Project:
    settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="w"))
    return Project(folder=".", settings=settings, sources=(), match=MatchConfig(), insights=insights, config_hash="-")


@pytest.fixture
def nights(spark: SparkSession, tmp_path: Path) -> Nights:
    made = Nights(Store(spark, str(tmp_path / "w")))
    made.write()
    return made


def test_events_become_sessions_credits_funnels_cohorts_and_abandoned_products(nights: Nights) -> None:
    assert nights.night() == {"sessions": "full", "behaviour": "full"}
    assert nights.rows(SESSIONS) == [
        ("a1", "ann", "web", 1, at(), at(minutes=20), 1200.0, 3, 2, "view", "/p1", "/p2", "search", "spring", D(30)),
        ("a4", "ann", "web", 2, at(days=2), at(days=2), 0.0, 1, 1, "view", "/p2", "/p2", None, None, D(0)),
        ("a5", "ann", "till", 1, *[at(days=2, minutes=5)] * 2, 0.0, 1, 0, "purchase", *[None] * 4, D("12.5")),
        ("b1", "bob", "web", 1, *[at(days=1)] * 2, 0.0, 1, 0, "view", None, None, "email", None, D(0)),
        ("b2", "bob", "web", 2, *[at(days=1, minutes=31)] * 2, 0.0, 2, 0, "cart", *[None] * 4, D(0) + D("9.99")),
    ]
    first, second = (at(minutes=20), at()), (at(days=2, minutes=5), at(days=2))
    search, none = ("search", "spring"), (None, None)
    assert nights.rows(ATTRIBUTIONS) == [
        ("a3", "data_driven", "a1", "ann", *first, *search, 1.0, D(30)),
        ("a3", "last_non_direct", "a1", "ann", *first, *search, 1.0, D(30)),
        ("a3", "linear", "a1", "ann", *first, *search, 1.0, D(30)),
        ("a5", "data_driven", "a1", "ann", second[0], first[1], *search, 0.5, D("6.25")),
        ("a5", "data_driven", "a4", "ann", *second, *none, 0.5, D("6.25")),
        ("a5", "last_non_direct", "a1", "ann", second[0], first[1], *search, 1.0, D("12.5")),
        ("a5", "linear", "a1", "ann", second[0], first[1], *search, 0.5, D("6.25")),
        ("a5", "linear", "a4", "ann", *second, *none, 0.5, D("6.25")),
    ]
    assert nights.rows(FUNNELS) == [
        ("buying", "(all)", 1, "view", 2),
        ("buying", "(all)", 2, "bought", 1),
        ("buying", "(none)", 1, "view", 1),
        ("buying", "(none)", 2, "bought", 0),
        ("buying", "DE", 1, "view", 1),
        ("buying", "DE", 2, "bought", 1),
    ]
    assert nights.rows(RETENTION) == [
        ("buyers", date(2026, 1, 1), 0, 1, 1, D("42.5")),
        ("buyers", date(2026, 1, 1), 1, 1, 0, D(0)),
    ]
    assert nights.rows(ABANDONED) == [
        ("ann", "browse", "P2", "toys", 2, at(days=2), None),
        ("bob", "cart", "P1", None, 1, at(days=1, minutes=31), D("9.99")),
    ]


def D(value: str | int) -> Decimal:  # noqa: N802 - reads as a number
    return Decimal(value).quantize(Decimal("0.0001"))


def test_nights_equal_full_ones_and_touch_only_whom_something_changed_for(
    nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.night()
    assert nights.night() == dict.fromkeys(STAGES, "unchanged since run 1")

    moved = {"event_key": "x1", "unified_id": "bob"}
    nights.events = [{**row, **moved} if row["event_key"] == "x1" else row for row in nights.events]
    nights.events += [event("b4", "bob", "purchase", at(days=1, minutes=40), value="9.99", product_id="P1")]
    nights.events += [event("c1", "cem", "view", at(days=31), product_id="P1")]
    nights.people |= {"bob": "FR", "cem": "FR"}
    nights.write()
    monkeypatch.setattr(stage_sessions, "EVENTS_ON_DRIVER", 0)  # the full night of `full_tables` is the driver's
    later = CLOCK + timedelta(days=50)  # what ann looked at is too old, and a month has begun
    assert nights.night(later) == {
        "sessions": "incremental: 2 profiles with new or changed events",
        "behaviour": "incremental: 3 profiles with new or changed events",
    }
    monkeypatch.undo()
    assert nights.tables() == full_tables(nights, tmp_path / "1", later)
    assert ("buying", "FR", 2, "bought", 1) in nights.rows(FUNNELS)
    assert nights.rows(ABANDONED) == []

    nights.erase("ann")
    told = nights.night(later)
    assert told == {"sessions": "incremental: 0 profiles with new or changed events", "behaviour": "full"}
    assert nights.tables() == full_tables(nights, tmp_path / "2", later)


def full_tables(nights: Nights, folder: Path, clock: datetime) -> dict[str, list[tuple[Any, ...]]]:
    """What a warehouse that never saw an earlier night has."""
    fresh = Nights(Store(nights.store.spark, str(folder)), nights.insights, nights.events, nights.people)
    fresh.write()
    fresh.night(clock)
    return fresh.tables()


def test_without_a_section_nothing_is_made_and_what_was_made_is_emptied(nights: Nights) -> None:
    nights.insights = InsightsConfig()
    assert nights.night() == dict.fromkeys(STAGES, "not configured")
    assert not any(nights.store.exists(spec) for specs in STAGES.values() for spec in specs)
    nights.insights = InsightsConfig(sessions=SessionsConfig())
    nights.night()
    nights.insights = InsightsConfig()
    nights.night()
    assert nights.tables()["sessions"] == []


def test_a_bot_is_capped_at_its_newest_events(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    ranges = [event(f"z{number}", "bot", "view", at(days=number), url=f"/{number}") for number in range(9)]
    nights.events = [*ranges, event("a1", "ann", "view", DAY_1)]
    nights.write()
    monkeypatch.setattr(frames.read_histories, "__kwdefaults__", {"most": 3})
    told = nights.night()
    assert told["sessions"] == "full; 1 profile capped at their newest 50,000 events"
    assert [row[0] for row in nights.rows(SESSIONS)] == ["a1", "z6", "z7", "z8"]
    assert nights.finished["sessions"].metrics["sessions.capped_profiles"] == 1.0


def test_many_events_are_counted_in_sparks_tasks(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.night()
    on_driver = nights.tables()
    monkeypatch.setattr(frames, "GATHERED_ROWS", 0)
    monkeypatch.setattr(stage_sessions, "EVENTS_ON_DRIVER", 0)
    nights.night(full=True)
    assert nights.tables() == on_driver
