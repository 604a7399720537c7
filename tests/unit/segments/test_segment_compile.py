from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.segment import SegmentConfig
from cdp_spark.config.traits.definitions import trait_columns
from cdp_spark.errors import ConfigError
from cdp_spark.segments.compile import CompiledSegment, Surroundings, compile_segments
from cdp_spark.segments.members import build_current_members
from cdp_spark.segments.traits import asked_traits, with_days_since
from cdp_spark.tables.catalog import PROFILES, TRAITS
from cdp_spark.tables.wide import with_wide_columns

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def segment(name: str, members: dict[str, Any], entity_type: str = "person") -> SegmentConfig:
    return SegmentConfig.model_validate_json(json.dumps({"name": name, "members": members, "entity_type": entity_type}))


def profiles_of(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    defaults = {"entity_type": "person", "emails": [], "phones": [], "attributes": {}, "sources": []}
    complete = [
        {**dict.fromkeys(PROFILES.schema.names), **defaults, "record_count": 1, "consents": {}, **row} for row in rows
    ]
    return spark.createDataFrame(complete, PROFILES.schema)


def compiled_segment(root: SegmentConfig, *others: SegmentConfig, silence_is_consent: bool = False) -> CompiledSegment:
    by_name = {each.name: each for each in (root, *others)}
    found = compile_segments(Surroundings(by_name, NOW, silence_is_consent))
    return next(each for each in found if each.name == root.name)


ROMAN = segment("roman", {"where": "city = 'Rome'"})
SEGMENTS = {
    each.name: each
    for each in (
        ROMAN,
        segment("not_rome", {"not": {"where": "city = 'Rome'"}}),
        segment("not_roman", {"not": {"segment": "roman"}}),
        segment("loyal_roman", {"all": [{"segment": "roman"}, {"where": "record_count >= 2"}]}),
        segment("either", {"any": [{"where": "record_count >= 2"}, {"where": "city = 'Ulm'"}]}),
        segment("firms", {"where": "city = 'Rome'"}, entity_type="account"),
    )
}


def test_all_segments_are_asked_at_once_and_the_unknown_is_no_membership(spark: SparkSession) -> None:
    profiles = profiles_of(
        spark,
        {"unified_id": "rome", "city": "Rome", "record_count": 2},
        {"unified_id": "ulm", "city": "Ulm"},
        {"unified_id": "nowhere", "city": None},
        {"unified_id": "firm", "city": "Rome", "entity_type": "account"},
    )
    compiled = compile_segments(Surroundings(SEGMENTS, NOW))
    expected = [
        ("roman", "rome"),
        ("not_rome", "ulm"),
        ("not_roman", "ulm"),
        ("not_roman", "nowhere"),
        ("loyal_roman", "rome"),
        ("either", "rome"),
        ("either", "ulm"),
        ("firms", "firm"),
    ]
    assert_df_equality(
        build_current_members(profiles, compiled).select("segment", "unified_id"),
        spark.createDataFrame(expected, "segment string, unified_id string"),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_segments_ask_for_traits_and_for_days_since_a_time(spark: SparkSession) -> None:
    traits = [
        {"name": "bought", "of": "count"},
        {"name": "quiet", "of": "days_since_last"},
        {"name": "liked", "of": "recent", "value_of": "category"},
        {"name": "channel", "kind": "preferred_channel"},
    ]
    asked = {
        "buyers": "trait.bought >= 2",
        "others": "trait.bought = 0",
        "quiet": "trait.quiet > 30",
        "unheard": "trait.quiet is null",
        "hikers": "contains(trait.liked, 'boots') and trait.channel = 'web'",
    }
    values: list[tuple[object, ...]] = [
        ("ann", "bought", 2.0, None, None, None, None),
        ("ann", "quiet", None, None, None, NOW - timedelta(days=31), None),
        ("ann", "liked", None, None, ["tents", "boots"], None, None),
        ("ann", "channel", None, "web", None, None, None),
        ("bob", "bought", 3.0, None, None, None, NOW),
        ("bob", "quiet", None, None, None, NOW - timedelta(days=30.9), None),
    ]
    rows = [(who, name, "h", *value, NOW - timedelta(days=1), end) for who, name, *value, end in values]
    project = Project(
        folder=".",
        settings=ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="w")),
        sources=(),
        match=MatchConfig(),
        insights=InsightsConfig.model_validate_json(json.dumps({"traits": traits})),
        segments=tuple(segment(name, {"where": where}) for name, where in asked.items()),
        config_hash="-",
    )
    profiles = profiles_of(spark, {"unified_id": "ann"}, {"unified_id": "bob"}, {"unified_id": "eve"})
    spans, asked_of_traits = spark.createDataFrame(rows, TRAITS.schema), asked_traits(project)
    wide = with_wide_columns(profiles, asked_of_traits, read=lambda _spec: spans, insights=project.insights)
    found = with_days_since(wide, asked_of_traits, now=NOW)
    by_name = {each.name: each for each in project.segments}
    compiled = compile_segments(Surroundings(by_name, NOW, traits=trait_columns(project.insights)))
    members = build_current_members(found, compiled).select("segment", "unified_id").collect()
    assert sorted(map(tuple, members)) == [
        ("buyers", "ann"),
        ("hikers", "ann"),
        ("others", "bob"),
        ("others", "eve"),
        ("quiet", "ann"),
        ("unheard", "eve"),
    ]


def test_silence_is_consent_only_where_the_project_says_so(spark: SparkSession) -> None:
    statuses = {"yes": "granted", "unasked": "unknown", "no": "denied", "never": "withdrawn"}
    rows = [{"unified_id": name, "consents": {"mail": status}} for name, status in statuses.items()]
    profiles = profiles_of(spark, *rows, {"unified_id": "nothing"})
    reachable = segment("reachable", {"where": "has_consent('mail')"})
    compiled = {
        default: compiled_segment(reachable, silence_is_consent=default == "granted")
        for default in ("denied", "granted")
    }
    members = {
        default: {row["unified_id"] for row in build_current_members(profiles, [each]).collect()}
        for default, each in compiled.items()
    }
    assert members == {"denied": {"yes"}, "granted": {"yes", "unasked", "nothing"}}
    assert compiled["denied"].definition_hash != compiled["granted"].definition_hash
    hashes = {compiled_segment(ROMAN, silence_is_consent=silence).definition_hash for silence in (False, True)}
    assert len(hashes) == 1


def test_a_project_without_segments_has_no_members(spark: SparkSession) -> None:
    members = build_current_members(profiles_of(spark, {"unified_id": "u"}), [])
    assert members.columns == ["segment", "unified_id", "definition_hash", "distance"]
    assert members.isEmpty()


def test_the_hash_is_of_the_meaning(spark: SparkSession) -> None:
    def hash_of(root: SegmentConfig, *others: SegmentConfig) -> str:
        return compiled_segment(root, *others).definition_hash

    root = segment("root", {"segment": "roman"})
    base = hash_of(root, ROMAN)
    assert base == hash_of(root, segment("roman", {"where": "city   =  'Rome'"}))
    assert base == hash_of(segment("root", {"segment": "latin"}), segment("latin", {"where": "city = 'Rome'"}))
    assert base != hash_of(root, segment("roman", {"where": "city = 'rome'"}))


@pytest.mark.parametrize(
    ("name", "members", "words"),
    [
        ("a", {"segment": "b"}, "a cycle: a → b → a"),
        ("x", {"segment": "firms"}, "no segment of persons"),
        ("x", {"segment": "nobody"}, "no segment of persons"),
        ("x", {"where": "shoe_size > 40"}, "unknown column 'shoe_size'"),
    ],
)
def test_a_segment_that_means_nothing_is_refused(
    spark: SparkSession, name: str, members: dict[str, Any], words: str
) -> None:
    others = {**SEGMENTS, "b": segment("b", {"segment": "a"})} if name == "a" else SEGMENTS
    with pytest.raises(ConfigError, match=words):
        compiled_segment(segment(name, members), *others.values())


def test_a_long_chain_in_which_each_names_the_two_before_it_is_asked_once_per_segment(spark: SparkSession) -> None:
    chain = [ROMAN, segment("s0", {"not": {"segment": "roman"}})]
    for number in range(1, 40):
        inner = chain[-2].name
        chain.append(segment(f"s{number}", {"any": [{"segment": chain[-1].name}, {"not": {"segment": inner}}]}))
    profiles = profiles_of(spark, {"unified_id": "rome", "city": "Rome"}, {"unified_id": "ulm", "city": "Ulm"})
    by_name = {each.name: each for each in chain}
    compiled = compile_segments(Surroundings(by_name, NOW))
    rows = build_current_members(profiles, compiled).select("segment", "unified_id").collect()
    assert {tuple(row) for row in rows} == {
        (name, person) for person, city in (("rome", "Rome"), ("ulm", "Ulm")) for name in _members(chain, city)
    }


def _members(chain: list[SegmentConfig], city: str) -> set[str]:
    """What a chain means, answered without Spark."""
    answers = {"roman": city == "Rome", "s0": city != "Rome"}
    for before, last, each in zip(chain, chain[1:], chain[2:], strict=False):
        answers[each.name] = answers[last.name] or not answers[before.name]
    return {name for name, holds in answers.items() if holds}
