"""Traits of accounts: of their people's events, of the people themselves, and of their scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from tests.unit.traits.test_traits_stage import FIRST, SECOND, Event, events_of, project_of, spans

from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.tables.catalog import ACCOUNT_HIERARCHY, ACCOUNT_MEMBERS, PROFILES, SCORES, UNIFIED_EVENTS
from cdp_spark.tables.increments.basis import newest_version_of
from cdp_spark.tables.run import Basis, RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store
from cdp_spark.traits.stage import run

OF_ACCOUNTS: tuple[dict[str, Any], ...] = (
    {"name": "spent", "of": "sum", "value_of": "value"},
    {"name": "basket", "of": "average", "value_of": "value", "events": "purchase"},
    {"name": "last", "of": "last", "value_of": "event_type"},
    {"name": "staff", "of": "members"},
    {"name": "deciders", "of": "members", "role": "decision_maker"},
    {"name": "best", "of": "score", "score": "lead", "roll_up": "max"},
    {"name": "usual", "of": "score", "score": "lead", "roll_up": "mean"},
    {"name": "group_spent", "of": "sum", "value_of": "value", "include_subsidiaries": True},
    {"name": "group_staff", "of": "members", "include_subsidiaries": True},
    {"name": "group_lead", "of": "score", "score": "lead", "roll_up": "sum", "include_subsidiaries": True},
)
EVENTS: tuple[Event, ...] = (
    ("1", "ann", "purchase", 5, "10"),
    ("2", "ann", "view", 2, "0"),
    ("3", "bob", "purchase", 4, "30"),
    ("4", "cyd", "purchase", 3, "7"),
    ("5", "eve", "purchase", 3, "100"),
)
"""Eve is nobody's member."""
MEMBERS = (
    ("ann", "acme", True, "decision_maker"),
    ("bob", "acme", True, "user"),
    ("bob", "top", False, "user"),
    ("cyd", "top", True, None),
)


def rows_of(spec: TableSpec, rows: Sequence[dict[str, Any]]) -> Any:
    empty = {"details": {}, "reasons": [], "version": 1, "tier": 1, "decile": 1, "relation": "key", "record_count": 1}
    keys = {"record_key": "-", "account_record_key": "-"}
    return spec.table([tuple({**empty, **keys, **row}.get(name) for name in spec.schema.names) for row in rows])


def write(store: Store, *, members: Sequence[tuple[str, str, bool, str | None]], below: bool, lead: float) -> None:
    names = ("unified_id", "account_id", "is_primary", "role")
    path = ["top", "acme"] if below else ["acme"]
    tree = {"unified_id": "acme", "path": path, "ultimate_parent_id": path[0], "depth": len(path) - 1}
    scores = [
        {"unified_id": who, "model": "lead", "score": it} for who, it in (("ann", lead), ("bob", 0.3), ("cyd", 0.2))
    ]
    store.overwrite(ACCOUNT_MEMBERS, rows_of(ACCOUNT_MEMBERS, [dict(zip(names, it, strict=True)) for it in members]))
    store.overwrite(ACCOUNT_HIERARCHY, rows_of(ACCOUNT_HIERARCHY, [tree]))
    store.overwrite(SCORES, rows_of(SCORES, scores))


def night(store: Store, before: StageResult | None = None) -> StageResult:
    model = {"name": "lead", "outcome": {"event_types": ["purchase"], "within_days": 30}}
    traits = [{**it, "entity": "account"} for it in OF_ACCOUNTS]
    insights = InsightsConfig.model_validate_json(json.dumps({"traits": traits, "scores": [model]}))
    project = project_of().model_copy(update={"insights": insights})
    versions = dict(before.versions) if before else {}
    context = RunContext(store, project, "run", 2 if before else 1, SECOND if before else FIRST, versions)
    if before:
        changed = (ACCOUNT_MEMBERS, ACCOUNT_HIERARCHY, SCORES)
        read = {spec.name: newest_version_of(store, spec) - 1 for spec in changed}
        read |= {spec.name: newest_version_of(store, spec) for spec in (UNIFIED_EVENTS, PROFILES)}
        context = replace(context, basis=Basis(1, FIRST, read, versions, before.metrics))
    return run(context)


def now(store: Store) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for (who, trait), of_trait in spans(store).items():
        if of_trait[-1][2] is None:
            found.setdefault(who, {})[trait] = of_trait[-1][0]
    return found


def test_accounts_have_what_their_people_and_those_of_their_subsidiaries_come_to(
    spark: SparkSession, tmp_path: Path
) -> None:
    store = Store(spark, str(tmp_path))
    store.overwrite(UNIFIED_EVENTS, events_of(spark, EVENTS))
    write(store, members=MEMBERS, below=True, lead=0.9)
    first = night(store)
    acme = {"spent": 40.0, "basket": 20.0, "last": "view", "staff": 2.0, "deciders": 1.0, "best": 0.9, "usual": 0.6}
    acme_alone = {"group_spent": 40.0, "group_staff": 2.0, "group_lead": 1.2}
    top = {"spent": 7.0, "basket": 7.0, "last": "purchase", "staff": 1.0, "best": 0.2, "usual": 0.2}
    assert now(store) == {
        "acme": acme | acme_alone,
        "top": top | {"group_spent": 47.0, "group_staff": 3.0, "group_lead": 1.4},
    }

    write(store, members=(MEMBERS[0], *MEMBERS[2:]), below=False, lead=0.5)
    told = night(store, first).detail
    assert told == "incremental: 2 profiles affected by changes"
    alone = {"spent": 10.0, "basket": 10.0, "last": "view", "staff": 1.0, "deciders": 1.0, "best": 0.5, "usual": 0.5}
    assert now(store) == {
        "acme": alone | {"group_spent": 10.0, "group_staff": 1.0, "group_lead": 0.5},
        "top": top | {"group_spent": 7.0, "group_staff": 1.0, "group_lead": 0.2},
    }
