"""What each condition comes to, as Spark is asked, against brute force on a thousand people."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pyspark.sql import DataFrame, SparkSession

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.segment import Condition, SegmentConfig
from cdp_spark.segments.answers import ask, fetch_answers
from cdp_spark.segments.tree import Truth
from cdp_spark.tables.catalog import PROFILES
from cdp_spark.tables.rows import as_frame
from cdp_spark.tables.spec import TableSpec

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PEOPLE = 1_000
SEEN = "last_seen_at_utc"

Row = Mapping[str, Any]
LEAVES: dict[str, Callable[[Row], Truth]] = {
    "city = 'Rome'": lambda row: None if row["city"] is None else row["city"] == "Rome",
    "phone is null": lambda row: row["phone"] is None,
    "record_count >= 2": lambda row: row["record_count"] >= 2,
    "has_consent('sms')": lambda row: row["consents"].get("sms") == "granted",
    "attribute('plan') = 'gold'": lambda row: row["attributes"]["plan"] == "gold" if row["attributes"] else None,
    "days_since(last_seen_at_utc) > 30": lambda row: row[SEEN] and (NOW - row[SEEN]).days > 30,
}
SEGMENTS: dict[str, Any] = {
    "romans": {"where": "city = 'Rome'"},
    "golden": {"where": "attribute('plan') = 'gold' and (phone is null or not days_since(last_seen_at_utc) > 30)"},
    "asked": {
        "any": [
            {"all": [{"not": {"segment": "romans"}}, {"where": "record_count >= 2"}, {"segment": "golden"}]},
            {"not": {"where": "city = 'Rome' or attribute('plan') = 'gold' or days_since(last_seen_at_utc) > 30"}},
            {"all": [{"where": "has_consent('sms') and city = 'Rome'"}, {"not": {"segment": "golden"}}]},
        ]
    },
}


def project_of(segments: dict[str, Any]) -> Project:
    settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="w"))
    configs = [json.dumps({"name": name, "members": members}) for name, members in segments.items()]
    return Project(
        folder=".",
        settings=settings,
        sources=(),
        match=MatchConfig(),
        segments=tuple(map(SegmentConfig.model_validate_json, configs)),
        config_hash="-",
    )


def people() -> Iterator[dict[str, Any]]:
    drawn = random.Random(7)
    fixed = {"entity_type": "person", "emails": [], "phones": [], "sources": []}
    for number in range(PEOPLE):
        yield {
            **dict.fromkeys(PROFILES.schema.names),
            **fixed,
            "unified_id": f"p{number:04d}",
            "city": drawn.choice(["Rome", "Ulm", None]),
            "phone": drawn.choice(["+39", None]),
            "record_count": drawn.choice([1, 2, 3]),
            "consents": drawn.choice([{}, {"sms": "granted"}, {"sms": "denied"}]),
            "attributes": drawn.choice([{}, {"plan": "gold"}, {"plan": "silver"}]),
            "last_seen_at_utc": drawn.choice([None, NOW - timedelta(days=drawn.randint(1, 60))]),
        }


def brute_force(condition: Condition, row: Row) -> Truth:
    """The truth of a segment as it is written, its expressions read by Python, which has no unknown."""
    if condition.segment is not None:
        members = next(it.members for it in project_of(SEGMENTS).segments if it.name == condition.segment)
        return brute_force(members, row) is True
    if condition.not_ is not None:
        return negated(brute_force(condition.not_, row))
    if condition.where is not None:
        return of_expression(condition.where, row)
    return joined([brute_force(it, row) for it in condition.all or condition.any], decisive=not condition.all)


def of_expression(text: str, row: Row) -> Truth:
    """`or`, `and`, `not` and one pair of parentheses, as the segments above have them."""
    if "(phone" in text:
        first, _, rest = text.partition(" and ")
        return joined([of_expression(first, row), of_expression(rest.strip("()"), row)], decisive=False)
    for word, decisive in ((" or ", True), (" and ", False)):
        if word in text:
            return joined([of_expression(it, row) for it in text.split(word)], decisive=decisive)
    return negated(LEAVES[text.removeprefix("not ")](row)) if text.startswith("not ") else LEAVES[text](row)


def negated(truth: Truth) -> Truth:
    return None if truth is None else not truth


def joined(truths: list[Truth], *, decisive: bool) -> Truth:
    return decisive if decisive in truths else None if None in truths else not decisive


def test_every_condition_of_a_thousand_people_comes_to_what_brute_force_gives(spark: SparkSession) -> None:
    rows = list(people())

    def read(spec: TableSpec) -> DataFrame:
        found = [tuple(row.values()) for row in rows] if spec is PROFILES else []
        return as_frame(spark, spec.table(found))

    project = project_of(SEGMENTS)
    asked = ask(project, read, as_of=NOW)
    answers = fetch_answers(asked, "asked")
    members = next(it.members for it in project.segments if it.name == "asked")
    parts = list(asked.trees["asked"].walk())
    assert {who for who, it in answers.items() if it.is_member} == {
        row["unified_id"] for row in rows if brute_force(members, row) is True
    }
    assert {
        row["unified_id"]: [truth for part, truth in zip(parts, answers[row["unified_id"]].truths, strict=True)]
        for row in rows
    } == {row["unified_id"]: [brute_force(part.condition, row) for part in parts] for row in rows}
    assert {it.truths[0] for it in answers.values()} == {True, False, None}
