"""The traits stage: from events to the whole table, and nights that touch only what changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp_spark import limits
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.segment import SegmentConfig, define_event_conditions
from cdp_spark.config.traits.definitions import define_traits
from cdp_spark.tables.catalog import PROFILES, TRAITS, UNIFIED_EVENTS
from cdp_spark.tables.increments.basis import newest_version_of
from cdp_spark.tables.run import Basis, RunContext, StageResult
from cdp_spark.tables.store import Store
from cdp_spark.traits.frames_affected import has_expressions
from cdp_spark.traits.stage import definitions_hold, run

FIRST = datetime(2026, 2, 1, 2, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)
TRAIT = {
    "bought": {"name": "bought", "of": "count", "events": "purchase", "window_days": 30},
    "spent": {"name": "spent", "of": "sum", "value_of": "value"},
    "recent": {"name": "recent", "of": "recent", "value_of": "lines.product_id", "top": 2},
    "big": {"name": "big", "of": "days_since_last", "expression": "value > 20 and attribute('device') = 'phone'"},
    "hour": {"name": "hour", "kind": "preferred_hour", "zone_attribute": "zone"},
}

Event = tuple[str, str | None, str, float, str]
"""Key, person, type, age in days at the first clock, and value."""
EVENTS: tuple[Event, ...] = (
    ("1", "ann", "purchase", 29.5, "10"),
    ("2", "ann", "purchase", 3, "25.5"),
    ("3", "bob", "purchase", 10, "5"),
    ("4", "bob", "view", -0.5, "0"),
    ("5", "eve", "view", 400, "0"),
    ("6", None, "view", 1, "0"),
    ("7", "ann", "return", 2, "-10"),
)


def project_of(*traits: str, rfm: bool = False) -> Project:
    sections = {"traits": [TRAIT[name] for name in traits], **({"rfm": {"purchases": ["purchase"]}} if rfm else {})}
    return Project(
        folder=".",
        settings=ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="w")),
        sources=(),
        match=MatchConfig(),
        insights=InsightsConfig.model_validate_json(json.dumps(sections)),
        config_hash="-",
    )


def events_of(spark: SparkSession, events: Sequence[Event]) -> DataFrame:
    empty = dict.fromkeys(UNIFIED_EVENTS.schema.names)
    rows = [
        {
            **empty,
            "event_key": key,
            "source": "shop",
            "event_type": kind,
            "occurred_at_utc": FIRST - timedelta(days=age),
            "unified_id": person,
            "value": Decimal(value),
            "lines": [(f"p{key}", None, 1.0, None)],
            "properties": {"device": "phone"},
        }
        for key, person, kind, age, value in events
    ]
    return spark.createDataFrame([tuple(row.values()) for row in rows], UNIFIED_EVENTS.schema)


def write_events(store: Store, events: Sequence[Event]) -> None:
    """Write what `events_of` makes, without Spark."""
    rows = [
        {
            "event_key": key,
            "source": "shop",
            "event_type": kind,
            "occurred_at_utc": FIRST - timedelta(days=age),
            "unified_id": person,
            "value": Decimal(value),
            "lines": [{"product_id": f"p{key}", "quantity": 1.0}],
            "properties": [],
        }
        for key, person, kind, age, value in events
    ]
    store.overwrite(UNIFIED_EVENTS, pa.Table.from_pylist(rows, UNIFIED_EVENTS.table([]).schema))


def fetched_spans(store: Store) -> dict[tuple[str, str], list[tuple[object, int, int | None]]]:
    """What `spans` says, without Spark."""
    found: dict[tuple[str, str], list[Any]] = {}
    for row in store.fetch(TRAITS).sort_by("valid_from_utc").to_pylist():
        value = next(it for it in list(row.values())[3:7] if it is not None)
        days = [(at - FIRST).days if at else None for at in (row["valid_from_utc"], row["valid_to_utc"])]
        found.setdefault((row["unified_id"], row["trait"]), []).append((value, *days))
    return found


def profiles_of(spark: SparkSession, **homes: tuple[str | None, str | None]) -> DataFrame:
    empty = dict.fromkeys(PROFILES.schema.names) | {"entity_type": "person", "emails": [], "phones": [], "sources": []}
    rows = [
        {
            **empty,
            "unified_id": name,
            "country": country,
            "attributes": {"zone": zone} if zone else {},
            "record_count": 1,
            "consents": {},
        }
        for name, (country, zone) in homes.items()
    ]
    return spark.createDataFrame([tuple(row.values()) for row in rows], PROFILES.schema)


def spans(store: Store) -> dict[tuple[str, str], list[tuple[object, int, int | None]]]:
    """Value and days of each span, by person and trait."""
    found: dict[tuple[str, str], list[Any]] = {}
    for row in store.read(TRAITS).orderBy("valid_from_utc").collect():
        value = next(row[name] for name in row.__fields__[3:7] if row[name] is not None)
        days = [(at - FIRST.replace(tzinfo=None)).days if at else None for at in row[7:]]
        shown = value - FIRST.replace(tzinfo=None) if isinstance(value, datetime) else value
        found.setdefault((row["unified_id"], row["trait"]), []).append((shown, *days))
    return found


def night(store: Store, project: Project, as_of: datetime, before: StageResult | None = None) -> StageResult:
    """Run the stage; on what a run before left, as the basis that a released run would be."""
    versions = dict(before.versions) if before else {}
    context = RunContext(store, project, "run", 2 if before else 1, as_of, versions)
    if before:
        read = {spec.name: newest_version_of(store, spec) - 1 for spec in (UNIFIED_EVENTS, PROFILES)}
        basis = Basis(1, FIRST, read, versions, before.metrics)
        context = replace(context, basis=basis)
    return run(context)


def test_a_stage_without_traits_makes_no_table(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path))
    assert night(store, project_of(), FIRST).detail == "no traits are asked for"
    assert not store.exists(TRAITS)


@pytest.mark.parametrize("on_driver", [True, False], ids=["on the driver", "in Spark"])
def test_nights_touch_what_changed_and_equal_a_full_one(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, on_driver: bool
) -> None:
    monkeypatch.setattr(limits, "EVENTS_ON_DRIVER", 100 if on_driver else 0)
    store = Store(spark, str(tmp_path / "w"))
    store.overwrite(UNIFIED_EVENTS, events_of(spark, EVENTS))
    store.overwrite(PROFILES, profiles_of(spark, ann=("DE", None), bob=("US", "Asia/Tokyo")))
    names = ("bought", "spent", "recent", "hour", *(() if on_driver else ("big",)))  # Spark evaluates expressions
    first = night(store, project_of(*names, rfm=True), FIRST)
    since = timedelta(days=-3)
    big = {} if on_driver else {("ann", "big"): [(since, 0, None)]}
    assert spans(store) == big | {
        ("ann", "bought"): [(2.0, 0, None)],
        ("ann", "spent"): [(25.5, 0, None)],
        ("ann", "recent"): [(["p7", "p2"], 0, None)],
        ("ann", "hour"): [(3.0, 0, None)],
        ("ann", "rfm_last_purchase"): [(since, 0, None)],
        ("ann", "rfm_purchases"): [(2.0, 0, None)],
        ("ann", "rfm_value"): [(35.5, 0, None)],
        ("ann", "rfm_recency_score"): [(3.0, 0, None)],
        ("ann", "rfm_frequency_score"): [(3.0, 0, None)],
        ("ann", "rfm_monetary_score"): [(3.0, 0, None)],
        ("ann", "rfm_group"): [("need_attention", 0, None)],
        ("bob", "bought"): [(1.0, 0, None)],
        ("bob", "spent"): [(5.0, 0, None)],
        ("bob", "recent"): [(["p3"], 0, None)],
        ("bob", "hour"): [(11.0, 0, None)],
        ("bob", "rfm_last_purchase"): [(timedelta(days=-10), 0, None)],
        ("bob", "rfm_purchases"): [(1.0, 0, None)],
        ("bob", "rfm_value"): [(5.0, 0, None)],
        ("bob", "rfm_recency_score"): [(1.0, 0, None)],
        ("bob", "rfm_frequency_score"): [(1.0, 0, None)],
        ("bob", "rfm_monetary_score"): [(1.0, 0, None)],
        ("bob", "rfm_group"): [("hibernating", 0, None)],
        ("eve", "recent"): [(["p5"], 0, None)],
    }
    assert first.metrics["traits.bought"] == 2

    moved = [event if event[0] != "3" else ("3", "joe", "purchase", 10, "5") for event in EVENTS]
    store.overwrite(UNIFIED_EVENTS, events_of(spark, [*moved, ("8", "eve", "purchase", -0.25, "7")]))
    store.overwrite(PROFILES, profiles_of(spark, ann=("GB", None), bob=("US", "Asia/Tokyo")))
    changed = project_of("bought", "spent", "recent", "hour", rfm=True)
    second = night(store, changed, SECOND, first)
    assert second.detail == "incremental: 4 profiles affected by changes"
    incremental = spans(store)
    assert incremental["ann", "bought"] == [(2.0, 0, 1), (1.0, 1, None)]  # a window let a purchase out
    assert incremental.get(("ann", "big")) == (None if on_driver else [(since, 0, 1)])  # the trait is gone
    assert incremental["ann", "hour"] == [(3.0, 0, 1), (2.0, 1, None)]  # she moved
    assert incremental["ann", "recent"] == [(["p7", "p2"], 0, None)]
    assert incremental["bob", "spent"] == [(5.0, 0, 1)]
    assert incremental["bob", "recent"] == [(["p3"], 0, 1), (["p4"], 1, None)]  # its time had not come
    assert incremental["joe", "spent"] == [(5.0, 1, None)]
    assert incremental["eve", "recent"] == [(["p5"], 0, 1), (["p8", "p5"], 1, None)]
    assert incremental["ann", "rfm_monetary_score"] == [(3.0, 0, 1), (4.0, 1, None)]  # among three customers

    full = run(RunContext(store, changed, "run", 2, SECOND, dict(first.versions)))
    assert full.detail == "full"
    assert spans(store) == incremental


def test_a_night_of_few_events_asks_spark_nothing(tmp_path: Path) -> None:
    store = Store(cast("SparkSession", None), str(tmp_path))
    vars(store)["folder"] = tmp_path
    write_events(store, EVENTS)
    first = night(store, project_of("bought", "recent"), FIRST)
    bought, last = ("ann", "bought"), ("eve", "recent")
    assert {it: fetched_spans(store)[it] for it in (bought, last)} == {
        bought: [(2.0, 0, None)],
        last: [(["p5"], 0, None)],
    }
    write_events(store, [*EVENTS, ("8", "eve", "purchase", -0.25, "7")])
    second = night(store, project_of("recent", "spent"), SECOND, first)
    assert second.detail == "incremental: 2 profiles affected by changes; evaluated for everyone: spent"
    assert second.metrics["traits.spent"] == 3
    assert {it: fetched_spans(store)[it] for it in (bought, last, ("eve", "spent"), ("ann", "recent"))} == {
        bought: [(2.0, 0, 1)],  # the trait is gone
        last: [(["p5"], 0, 1), (["p8", "p5"], 1, None)],
        ("eve", "spent"): [(7.0, 1, None)],
        ("ann", "recent"): [(["p7", "p2"], 0, None)],
    }


def test_conditions_of_segments_on_few_events_ask_spark_nothing(tmp_path: Path) -> None:
    store = Store(cast("SparkSession", None), str(tmp_path))
    vars(store)["folder"] = tmp_path
    write_events(store, EVENTS)
    returned = {"sequence": {"steps": [{"of": "purchase"}, {"of": "return"}], "within_days": 7, "at_most": 0}}
    viewed = {"events": {"of": "view", "within_days": 30}}
    asked = SegmentConfig.model_validate_json(json.dumps({"name": "asked", "members": {"any": [returned, viewed]}}))
    views, chains = (it.name for it in define_event_conditions([asked]))
    project = project_of("bought").model_copy(update={"segments": (asked,)})
    first = night(store, project, FIRST)
    assert first.metrics.keys() & {"traits.bought", f"traits.{views}"} == {"traits.bought"}
    assert fetched_spans(store) == {
        ("ann", "bought"): [(2.0, 0, None)],
        ("bob", "bought"): [(1.0, 0, None)],
        ("ann", chains): [(1.0, 0, None)],
    }
    write_events(store, EVENTS)
    second = night(store, project, SECOND, first)
    assert second.detail == "incremental: 2 profiles affected by changes"
    assert fetched_spans(store)["bob", views] == [(1.0, 1, None)]  # its time had not come


def test_conditions_in_the_grammar_are_left_to_spark() -> None:
    plain, expressed = (define_traits(project_of(name).insights, time_zone="UTC") for name in ("bought", "big"))
    assert not has_expressions(plain)
    assert has_expressions(expressed)


def test_a_changed_definition_is_evaluated_for_everyone_and_nothing_else_is(
    spark: SparkSession, tmp_path: Path
) -> None:
    store = Store(spark, str(tmp_path / "w"))
    store.overwrite(UNIFIED_EVENTS, events_of(spark, EVENTS[:3]))
    first = night(store, project_of("spent"), FIRST)
    basis = Basis(1, FIRST, {UNIFIED_EVENTS.name: 1, PROFILES.name: -1}, first.versions, first.metrics)
    context = RunContext(store, project_of("spent"), "run", 2, SECOND, dict(first.versions), basis=basis)
    assert definitions_hold(context, basis)  # all three events counted before, and count still
    assert not definitions_hold(replace(context, project=project_of("bought")), basis)
    second = run(replace(context, project=project_of("spent", "bought")))
    assert second.detail == "incremental: 0 profiles affected by changes; evaluated for everyone: bought"
    assert spans(store) == {
        ("ann", "spent"): [(35.5, 0, None)],
        ("bob", "spent"): [(5.0, 0, None)],
        ("ann", "bought"): [(1.0, 1, None)],
        ("bob", "bought"): [(1.0, 1, None)],
    }
