"""The sections `insights.traits` and `insights.rfm`: what they define, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.load.project import load_project
from cdp_spark.config.traits.definitions import borders_of, define_traits, trait_columns
from cdp_spark.errors import InvalidProjectError

COUNT = {"name": "bought", "of": "count", "events": "purchase", "window_days": 90}
SUM = {"name": "spent", "of": "sum", "value_of": "value"}


def read(*traits: Mapping[str, object], **sections: object) -> InsightsConfig:
    return InsightsConfig.model_validate_json(json.dumps({"traits": traits, **sections}))


def hash_of(**changes: object) -> str:
    return define_traits(read({**COUNT, **changes}), time_zone="UTC")[0].definition_hash


def test_a_definition_is_its_meaning_whatever_it_is_called_and_however_it_is_written() -> None:
    assert hash_of(name="other") == hash_of()
    assert hash_of(events=["a", "b"]) == hash_of(events=["b", "a"])
    assert hash_of(expression="value>1") == hash_of(expression="(value > 1)")
    assert len({hash_of(), hash_of(window_days=30), hash_of(events="view"), hash_of(expression="value > 1")}) == 4


def test_a_preset_stands_for_plain_traits_and_segments_know_the_kind_of_each() -> None:
    ratio = {"name": "basket", "of": "ratio", "numerator": "spent", "denominator": "bought"}
    affinity = {"name": "likes", "kind": "category_affinity"}
    score = {"name": "score", "kind": "engagement", "weights": {"view": 1, "like": 1, "purchase": 5}}
    since = {"name": "quiet", "of": "days_since_last"}
    insights = read(ratio, COUNT, SUM, affinity, score, since, {"name": "channel", "kind": "preferred_channel"})
    assert trait_columns(insights) == {
        "trait.basket": "double",
        "trait.bought": "double",
        "trait.spent": "double",
        "trait.likes": "strings",
        "trait.likes_shares": "strings",
        "trait.score": "double",
        "trait.quiet": "long",
        "trait.channel": "string",
    }
    every, scored = frozenset[str](), frozenset({"view", "like", "purchase"})
    borders = {0: every, 7: scored, 30: scored, 90: every, 365: every}
    assert borders_of(define_traits(insights, time_zone="UTC")) == borders
    assert list(trait_columns(read(rfm={"purchases": "purchase"}))) == [
        "trait.rfm_last_purchase",
        "trait.rfm_purchases",
        "trait.rfm_value",
        "trait.rfm_recency_score",
        "trait.rfm_frequency_score",
        "trait.rfm_monetary_score",
        "trait.rfm_group",
    ]


def test_traits_of_accounts_are_for_segments_of_accounts() -> None:
    of_account = {**SUM, "name": "spent_below", "entity": "account", "include_subsidiaries": True}
    best = {"name": "best", "of": "score", "score": "lead", "roll_up": "max", "entity": "account"}
    people = {"name": "buyers", "of": "members", "role": "influencer", "entity": "account"}
    model = {"name": "lead", "outcome": {"event_types": ["purchase"], "within_days": 30}}
    insights = read(SUM, of_account, best, people, scores=[model], rfm={"purchases": "purchase"})
    own = {f"trait.{name}": "double" for name in ("spent_below", "best", "buyers")}
    assert trait_columns(insights, entity_type="account") == own
    assert list(trait_columns(insights, entity_type="visitor"))[:2] == ["trait.spent", "trait.rfm_last_purchase"]
    assert trait_columns(insights, entity_type="person").keys() | own.keys() == trait_columns(insights).keys()
    hashes = {it.definition_hash for it in define_traits(read(SUM, of_account), time_zone="UTC")}
    assert len(hashes) == 2


MISTAKES = {
    "{of: members}": "traits.0.entity: got members of a person; allowed: of an account. Fix: write `entity: account`",
    "{of: count, include_subsidiaries: true}": "got include_subsidiaries beside count; allowed: events, where,",
    "{kind: preferred_hour, entity: account}": "got preferred_hour of an account; allowed: of a person.",
    "{of: score, entity: account, score: lead}": "got score without roll_up. Fix: add the key `roll_up`",
    "{of: score, entity: account, score: lead, roll_up: max}": (
        "traits.0.score: got 'lead'; allowed: scores of insights.yaml; there are none. Fix: add the section `scores`"
    ),
    "{of: ratio, entity: account, numerator: bought, denominator: spent}": "traits.0.numerator: got 'bought'",
    "of: counts": "traits.0.of: got 'counts'; allowed: count, sum,",
    "kind: engagment": "traits.0.kind: got 'engagment'; allowed: engagement, category_affinity,",
    "of: sum": "traits.0: got sum without value_of. Fix: add the key `value_of`",
    "{of: count, kind: engagement}": "traits.0: got both `of` and `kind`; allowed: one of them.",
    "{of: count, value_of: value}": (
        "traits.0.value_of: got value_of beside count; allowed: events, where, expression, window_days. "
        "Fix: drop `value_of`"
    ),
    "{of: sum, value_of: quantty}": (
        "traits.0.value_of: got 'quantty'; allowed: value, quantity, lines.quantity, lines.value, properties.NAME. "
        "Fix: choose one of these (did you mean 'quantity'?)"
    ),
    "{of: count, where: [{column: chanel, any_of: web}]}": "traits.0.where.0.column: got 'chanel'; allowed: event_typ",
    "{of: count, where: [{column: channel, above: 3}]}": (
        "traits.0.where.0: got a comparison of channel with a number; allowed: any_of, none_of"
    ),
    "{of: ratio, numerator: spent, denominator: bougt}": (
        "traits.0.denominator: got 'bougt'; allowed: traits of count, sum, average, min, max, distinct: bought, spent. "
        "Fix: choose one of these (did you mean 'bought'?)"
    ),
    "{of: count, name: spent}": "traits.2.name: got a second trait 'spent'. Fix: give each trait its own name",
    "{of: count, expression: valu > 3}": "got unknown column 'valu'; allowed: event_type,",
    "{of: count, expression: occurred_at_utc > now()}": "got an expression that depends on the clock.",
    "{kind: engagement, weights: {view: 1}, recency: [{within_days: 9, weight: 1}, {within_days: 7, weight: 1}]}": (
        "traits.0.recency: got steps out of order; allowed: rising within_days. Fix: sort them"
    ),
}


@pytest.mark.parametrize("written", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_what_is_allowed(project: Path, written: str) -> None:
    trait = {"name": "x", **yaml.safe_load(written if written.startswith("{") else f"{{{written}}}")}
    (project / "insights.yaml").write_text(json.dumps({"traits": [trait, COUNT, SUM]}))
    with pytest.raises(InvalidProjectError) as error:
        load_project(project, env={})
    assert MISTAKES[written] in str(error.value)


def test_a_segment_that_names_an_unknown_trait_is_told_the_nearest(project: Path) -> None:
    (project / "insights.yaml").write_text(json.dumps({"traits": [COUNT]}))
    segment = project / "segments" / "buyers.yaml"
    segment.parent.mkdir(exist_ok=True)
    segment.write_text("name: buyers\nmembers:\n  where: trait.bougt >= 2 or trait.bought is null\n")
    with pytest.raises(InvalidProjectError, match=r"unknown column 'trait.bougt'.*did you mean 'trait.bought'"):
        load_project(project, env={})
    segment.write_text("name: buyers\nmembers:\n  where: trait.bought >= 2\n")
    assert load_project(project, env={}).insights.traits[0].name == "bought"
