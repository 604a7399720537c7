"""What segments ask beyond a profile: events, scores, offers, accounts, people, households, lookalikes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.segment import SegmentConfig, define_event_conditions
from cdp_spark.config.source import SourceConfig
from cdp_spark.segments.asked import build_asked_profiles, read_relations, surroundings_of
from cdp_spark.segments.compile import compile_segments
from cdp_spark.segments.members import build_current_members
from cdp_spark.tables.catalog import ACCOUNT_MEMBERS, HOUSEHOLDS, OFFERS, PROFILES, SCORES, TRAITS
from cdp_spark.tables.spec import TableSpec

NOW = datetime(2026, 3, 1, tzinfo=UTC)
INSIGHTS = {
    "traits": [{"name": "orders", "of": "count"}, {"name": "spend", "of": "sum", "value_of": "value"}],
    "lifetime_value": {},
    "scores": [{"name": "will_buy", "outcome": {"event_types": ["purchase"], "within_days": 30}}],
    "offers": {},
}
FIRMS = {
    "name": "firms",
    "kind": "records",
    "entity_type": "account",
    "format": "csv",
    "path": "firms.csv",
    "key": "id",
    "columns": {"company_name": "name"},
    "attributes": {"tier": "tier"},
}
VIEWS = {"of": "page_view", "within_days": 7}
ROLES = {"ann": "decision_maker", "cat": "user", "dan": "billing"}
HEAD = {"where": "job_title ilike '%head%'"}
ASKED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "viewed": ({"events": {**VIEWS, "at_least": 3}}, {"ann"}),
    "hardly": ({"events": {**VIEWS, "at_most": 2}}, {"bob", "cat", "dan", "eve"}),
    "never": ({"events": {**VIEWS, "at_most": 0}}, {"cat", "dan", "eve"}),
    "both": ({"all": [{"events": VIEWS}, {"events": {"of": "purchase", "at_most": 0}}]}, {"ann"}),
    "likely": ({"where": "score.will_buy > 0.5 and score.will_buy.tier <= 10"}, {"ann"}),
    "alive": ({"where": "score.lifetime_value.probability_alive > 0.9"}, {"bob"}),
    "offered": ({"where": "offer.2.product_id = 'p2' and offer.1.score > 1"}, {"ann"}),
    "of_large": ({"account": {"where": "employees >= 50"}}, {"ann", "bob", "cat"}),
    "not_of_large": ({"not": {"account": {"where": "employees >= 50"}}}, {"dan", "eve"}),
    "at_large": ({"where": "account.employees >= 50 and account.attributes.tier = 'gold'"}, {"ann", "bob", "cat"}),
    "at_tiny": ({"where": "account.id = 'tiny'"}, {"dan"}),
    "heads_there": ({"all": [HEAD, {"account": {"members": {"who": HEAD, "at_least": 2}}}]}, {"ann", "bob"}),
    "firms_of_heads": ({"members": {"who": HEAD, "at_least": 2}}, {"acme"}),
    "firms_by_key": ({"members": {"who": HEAD, "relation": ["key"]}}, {"acme", "tiny"}),
    "firms_led": ({"members": {"who": HEAD, "role": ["decision_maker", "user"]}}, {"acme"}),
    "firms_without": ({"members": {"who": {"segment": "likely"}, "at_most": 0}}, {"tiny", "idle"}),
    "firms_all_heads": ({"members": {"who": HEAD, "every": True}}, {"tiny"}),
    "with_likely": ({"household": {"who": {"segment": "likely"}, "others": True}}, {"cat"}),
    "house_of_two": ({"household": {"who": {"where": "entity_type = 'person'"}, "at_least": 2}}, {"ann", "cat"}),
    "nearest": (
        {"like": {"segment": "viewed", "traits": ["trait.orders", "trait.spend"], "nearest": 2}},
        {"bob", "eve"},
    ),
    "near": ({"like": {"segment": "viewed", "traits": ["trait.orders"], "within": 0.5}}, {"bob"}),
}


def segment(name: str, members: dict[str, Any]) -> SegmentConfig:
    entity_type = "account" if name.startswith("firms") else "person"
    return SegmentConfig.model_validate_json(json.dumps({"name": name, "members": members, "entity_type": entity_type}))


def project_of(*segments: SegmentConfig) -> Project:
    return Project(
        folder=".",
        settings=ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="w")),
        sources=(SourceConfig.model_validate_json(json.dumps(FIRMS)),),
        match=MatchConfig(),
        insights=InsightsConfig.model_validate_json(json.dumps(INSIGHTS)),
        segments=segments,
        config_hash="-",
    )


def filled(spark: SparkSession, spec: TableSpec, *rows: dict[str, Any]) -> DataFrame:
    kinds = {
        "string": "-",
        "array": [],
        "map": {},
        "boolean": True,
        "bigint": 1,
        "int": 1,
        "double": 0.0,
        "timestamp": NOW,
    }
    empty = {it.name: None if it.nullable else kinds[it.dataType.simpleString().split("<")[0]] for it in spec.schema}
    return spark.createDataFrame([tuple((empty | row).values()) for row in rows], spec.schema)


def profiles_of(spark: SparkSession) -> DataFrame:
    heads = {"ann": "Head of Sales", "bob": "head of IT", "dan": "Head Cook"}
    people = [
        {"unified_id": it, "entity_type": "person", "job_title": heads.get(it)}
        for it in ("ann", "bob", "cat", "dan", "eve")
    ]
    sizes = {"acme": 80, "tiny": 3, "idle": 50}
    gold = {"entity_type": "account", "attributes": {"tier": "gold"}}
    firms = [{"unified_id": it, **gold, "employees": size} for it, size in sizes.items()]
    return filled(spark, PROFILES, *people, *firms)


def tables_of(spark: SparkSession, project: Project) -> dict[str, DataFrame]:
    unnamed = {it.measures[0].events.events[0]: it.name for it in define_event_conditions(project.segments)}
    views, bought = unnamed["page_view"], unnamed["purchase"]
    values = [
        *(("ann", views, 3.0), ("bob", views, 1.0), ("bob", bought, 1.0)),
        *(("ann", "orders", 4.0), ("bob", "orders", 5.0), ("cat", "orders", 8.0), ("dan", "orders", 20.0)),
        *(("ann", "spend", 10.0), ("bob", "spend", 12.0), ("cat", "spend", 30.0), ("dan", "spend", 90.0)),
    ]
    traits = [{"unified_id": who, "trait": trait, "value_number": value} for who, trait, value in values]
    scores = [
        {"unified_id": "ann", "model": "will_buy", "score": 0.8, "tier": 5},
        {"unified_id": "bob", "model": "will_buy", "score": 0.6, "tier": 25},
        {"unified_id": "bob", "model": "lifetime_value", "score": 9.0, "details": {"probability_alive": 0.95}},
    ]
    offers = [{"unified_id": "ann", "rank": rank, "product_id": f"p{rank}", "score": 2.0} for rank in (1, 2, 3)]
    links = [("ann", "acme", "key"), ("ann", "acme", "domain"), ("bob", "acme", "domain"), ("cat", "acme", "employer")]
    members = [
        {
            "unified_id": who,
            "account_id": firm,
            "relation": how,
            "role": ROLES.get(who),
            "is_primary": how != "domain" or who == "bob",
        }
        for who, firm, how in (*links, ("dan", "tiny", "key"))
    ]
    homes = [{"unified_id": who, "household_id": home} for who, home in (("ann", "h1"), ("cat", "h1"), ("dan", "h2"))]
    return {
        "profiles": profiles_of(spark),
        "traits": filled(spark, TRAITS, *traits),
        "scores": filled(spark, SCORES, *scores),
        "offers": filled(spark, OFFERS, *offers),
        "account_members": filled(spark, ACCOUNT_MEMBERS, *members),
        "households": filled(spark, HOUSEHOLDS, *homes),
    }


def members_of(tables: dict[str, DataFrame], project: Project) -> DataFrame:
    def read(spec: TableSpec) -> DataFrame:
        return tables[spec.name]

    asked = build_asked_profiles(read, project, now=NOW)
    return build_current_members(asked, compile_segments(surroundings_of(project, now=NOW)), read_relations(read))


def test_every_kind_of_condition_finds_its_members(spark: SparkSession) -> None:
    project = project_of(*(segment(name, members) for name, (members, _) in ASKED.items()))
    rows = members_of(tables_of(spark, project), project).collect()
    found = {name: {row["unified_id"] for row in rows if row["segment"] == name} for name in ASKED}
    assert found == {name: expected for name, (_, expected) in ASKED.items()}
    # orders of 4, 5, 8, 20 and, of who has none, 0: spread 6.8; spend of 10, 12, 30, 90 and 0: spread 32.3
    distances = {(row["segment"], row["unified_id"]): row["distance"] for row in rows if row["distance"] is not None}
    assert {key: round(value, 3) for key, value in distances.items()} == {
        ("nearest", "bob"): 0.113,
        ("nearest", "eve"): 0.47,
        ("near", "bob"): 0.147,
    }


def test_many_segments_read_the_profiles_once(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [segment(f"s{number}", {"where": f"trait.orders > {number}"}) for number in range(10)]
    windows = [segment(f"w{days}", {"events": {"of": "page_view", "within_days": days}}) for days in range(1, 10)]
    scored = [
        segment("likely", ASKED["likely"][0]),
        segment("chained", {"all": [{"segment": "likely"}, {"segment": "s1"}]}),
    ]
    project = project_of(*many, *windows, *scored)
    tables = {}
    for spec in (PROFILES, TRAITS, SCORES, OFFERS, ACCOUNT_MEMBERS, HOUSEHOLDS):
        spark.createDataFrame([], spec.schema).write.parquet(str(tmp_path / spec.name))
        tables[spec.name] = spark.read.parquet(str(tmp_path / spec.name))
    members_of(tables, project).explain("formatted")
    locations = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Location:")]
    scans = {name: sum(f"/{name}]" in line for line in locations) for name in tables}
    assert scans == {"profiles": 1, "traits": 1, "scores": 1, "offers": 0, "account_members": 0, "households": 0}
