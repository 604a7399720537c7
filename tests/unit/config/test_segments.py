"""The language of segments: what is refused, where, and what conditions come to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from cdp_spark.config.load.project import load_project
from cdp_spark.config.project import Project
from cdp_spark.config.segment import SegmentConfig, conditions_of, define_event_conditions, references
from cdp_spark.config.traits.definitions import definition_figure
from cdp_spark.errors import InvalidProjectError
from cdp_spark.segments.asked import definitions_of, find_uncomputed
from cdp_spark.segments.clock import find_clocked, find_own

INSIGHTS = """\
traits:
  - {name: orders, of: count, events: purchase, window_days: 90}
  - {name: ever, of: count, events: purchase}
  - {name: quiet, of: days_since_last}
  - {name: liked, of: recent, value_of: category}
rfm: {purchases: purchase}
lifetime_value: {}
scores:
  - {name: will_buy, outcome: {event_types: purchase, within_days: 30}}
offers: {offers_per_person: 2}
"""


def load(project: Path, **segments: str) -> Project:
    (project / "insights.yaml").write_text(INSIGHTS)
    for name, members in segments.items():
        entity = "account" if name.startswith("firm") else "person"
        text = f"name: {name}\nentity_type: {entity}\nmembers: {members}\n"
        (project / "segments" / f"{name}.yaml").write_text(text)
    return load_project(project, env={})


MISTAKES = {
    "where: score.will_by > 0.5": (
        "segments/x.yaml:4:10 members.where at 1:1: got unknown column 'score.will_by'; allowed: ",
        "did you mean 'score.will_buy'?",
    ),
    "where: score.lifetime_value.probability_alife > 0.5": ("did you mean 'score.lifetime_value.probability_alive'?",),
    "where: offer.3.product_id = 'p'": ("unknown column 'offer.3.product_id'", "did you mean 'offer.2.product_id'?"),
    "where: offer.1.score = 'much'": ("members.where at 1:15: got a comparison of a number and a text",),
    "where: trait.orders > 5 and city is not null and trait.orders < 3": (
        "segments/x.yaml:4:10 members.where: `trait.orders > 5` and `trait.orders < 3` can't both hold, so nobody "
        "would be a member. Change one of them, or let one be enough (or, any).",
    ),
    "all: [{where: trait.orders >= 5}, {all: [{where: 5 > trait.orders}]}]": (
        "members.all.1.all.0.where: `trait.orders >= 5` and `5 > trait.orders` can't both hold",
    ),
    "any: [{where: city = 'York' and city = 'Hull'}]": ("`city = 'York'` and `city = 'Hull'` can't both hold",),
    "where: city in ('York', 'Ulm') and city = 'Hull'": ("can't both hold",),
    "where: country = 'DE' or (record_count > 3 and record_count <= 3)": ("can't both hold",),
    "where: city is null and city = 'Ulm'": ("`city is null` and `city = 'Ulm'` can't both hold",),
    "where: record_count between 5 and 2": ("`record_count between 5 and 2` never holds",),
    "where: birth_date > date '2010-01-01' and birth_date < date '2000-01-01'": ("can't both hold",),
    "all: [{events: {of: a, at_least: 3}}, {events: {of: a, at_most: 2}}]": (
        "members.all.1.events: `events at_least: 3` and `events at_most: 2` can't both hold",
    ),
    "events: {of: purchase, at_least: 5, at_most: 2}": (
        "members.events: got at_least 5 above at_most 2; allowed: at_least up to at_most. Fix: swap them, or drop one",
    ),
    "events: {of: purchase, at_least: 0}": (
        "members.events.at_least: got at_least 0, which always holds. "
        "Fix: write at_most: 0 for none, or drop the key for at least one",
    ),
    "events: {of: purchase, at_least: 1.5}": ("members.events.at_least: got 1.5; allowed: a whole number from 0",),
    "events: {of: purchase, sum_of: value}": (
        "members.events: got sum_of without a bound; allowed: at_least, at_most",
    ),
    "events: {of: purchase, sum_of: vale, at_least: 3}": ("did you mean 'value'?",),
    "events: {off: purchase}": ("members.events.off: ", "did you mean 'of'"),
    "events: {of: purchase, where: [{column: chanel, any_of: web}]}": ("events.where.0.column: got 'chanel'",),
    "events: {of: purchase, expression: valu > 3}": ("members.events.expression at 1:1: got unknown column 'valu'",),
    "sequence: {steps: [{of: a}, {of: b}], without: {expression: occurred_at_utc > now()}}": (
        "members.sequence.without.expression: got an expression that depends on the clock. "
        "Fix: choose ages of events by within_days",
    ),
    "sequence: {steps: [{of: a}]}": ("members.sequence.steps: ",),
    "sequence: {steps: [{of: a}, {of: b}], within_days: 2, within_hours: 3}": (
        "members.sequence.within_hours: got within_days beside within_hours. Fix: keep one of them",
    ),
    "sequence: {steps: [{of: a}, {of: b}], within_days: 20, since_days: 10}": (
        "members.sequence.since_days: got a sequence longer than since_days 10",
    ),
    "members: {who: {where: email is not null}}": (
        "members.members: got members of persons; allowed: members of accounts. Fix: write `account: {members: …}`",
    ),
    "account: {events: {of: purchase}}": ("Fix: ask `members: {who: {events: …}}`",),
    "account: {segment: gold}": (
        "members.account.segment: got 'gold', a segment of persons; allowed: segments of acc",
    ),
    "account: {members: {who: {segment: glod}}}": (
        "members.account.members.who.segment: got unknown segment 'glod'",
        "did you mean 'gold'?",
    ),
    "household: {who: {segment: gold}, every: true, at_least: 2}": (
        "members.household.every: got every beside a bound. Fix: drop at_least and at_most",
    ),
    "like: {segment: gold, traits: trait.orders}": (
        "members.like: got neither `nearest` nor `within`; allowed: one of them.",
    ),
    "like: {segment: gold, traits: [trait.liked], nearest: 3}": (
        "members.like.traits.0: got 'trait.liked', which is no number; allowed: ",
    ),
    "like: {segment: gold, traits: [trait.order], within: 1}": ("did you mean 'trait.orders'?",),
    "like: {segment: x, traits: [trait.orders], within: 1}": ("got a cycle: x → x",),
    "account: {members: {who: {segment: x}}}": ("got a cycle: x → x",),
}


@pytest.mark.parametrize("written", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_what_to_do(project: Path, written: str) -> None:
    with pytest.raises(InvalidProjectError) as error:
        load(project, x="\n  " + written)
    for words in MISTAKES[written]:
        assert words in str(error.value)


FINE = {
    "where": "{where: trait.orders > 3 and trait.orders < 5 and score.will_buy.tier <= 10 and offer.2.category = 'x'}",
    "either": "{any: [{where: record_count > 5}, {where: record_count < 3}]}",
    "edges": "{where: record_count >= 3 and record_count <= 3 and not (city = 'Ulm') and city > 'A'}",
    "different": "{all: [{events: {of: a, at_least: 3}}, {events: {of: a, within_days: 3, at_most: 2}}]}",
    "other_rows": "{all: [{where: country = 'DE'}, {account: {where: country = 'FR'}}]}",
}


def test_conditions_that_can_hold_together_are_loaded(project: Path) -> None:
    assert len(load(project, **FINE).segments) == len(FINE) + 1


def test_equal_conditions_on_events_are_one_trait_whatever_their_bounds(project: Path) -> None:
    made = load(
        project,
        a="{events: {of: purchase, within_days: 30, at_least: 3}}",
        b="{all: [{not: {events: {of: [purchase], within_days: 30, at_most: 9}}}, {events: {of: view}}]}",
        firm="{members: {who: {events: {of: purchase, within_days: 30}}}}",
    )
    names = [it.name for it in define_event_conditions(made.segments)]
    assert len(names) == 2
    assert all(re.fullmatch(r"_events_[0-9a-f]{16}", name) for name in names)


def test_references_are_found_at_every_depth() -> None:
    written = {
        "all": [
            {"account": {"members": {"who": {"segment": "a"}}}},
            {"household": {"who": {"not": {"segment": "b"}}}},
            {"like": {"segment": "c", "traits": ["trait.x"], "nearest": 1}},
        ]
    }
    found = SegmentConfig.model_validate_json(json.dumps({"name": "s", "members": written}))
    assert references(found.members) == ("a", "b", "c")
    places = [".".join(map(str, place)) for place, _ in conditions_of(found.members)]
    assert places == [
        *("", "all.0", "all.0.account", "all.0.account.members.who"),
        *("all.1", "all.1.household.who", "all.1.household.who.not", "all.2"),
    ]


def test_the_clock_alone_can_move_only_segments_that_ask_it_and_nobody_else(project: Path) -> None:
    made = load(
        project,
        windowed="{where: trait.orders > 2}",
        ever="{where: trait.ever > 2}",
        days="{where: trait.quiet > 30}",
        aged="{where: age_years(birth_date) > 18}",
        recent="{events: {of: view, within_days: 3}}",
        old="{events: {of: view}}",
        ranked="{where: trait.orders > 2 and trait.rfm_recency_score > 3}",
        scored="{all: [{events: {of: view, within_days: 3}}, {where: score.will_buy > 0.5}]}",
        outer="{any: [{segment: recent}, {where: city = 'Ulm'}]}",
        crowd="{all: [{segment: recent}, {account: {where: employees > 3}}]}",
    )
    assert find_clocked(made) == {"windowed", "days", "aged", "recent", "outer"}


def test_a_profile_moves_in_a_segment_by_its_own_values_alone_where_it_asks_neither_the_day_nor_anybody_else(
    project: Path,
) -> None:
    made = load(
        project,
        placed="{where: city = 'Ulm' and has_consent('email_marketing')}",
        counted="{where: trait.orders > 2 and trait.rfm_recency_score > 3}",
        recent="{events: {of: view, within_days: 3}}",
        outer="{any: [{segment: recent}, {not: {segment: placed}}]}",
        days="{where: trait.quiet > 30}",
        aged="{where: age_years(birth_date) > 18}",
        scored="{where: score.will_buy > 0.5}",
        housed="{where: household_size > 1}",
        employed="{where: account.domain = 'acme.org'}",
        crowd="{all: [{segment: recent}, {household: {who: {segment: recent}}}]}",
        alike="{like: {segment: recent, traits: [trait.orders], nearest: 5}}",
        outer_days="{all: [{segment: days}, {segment: recent}]}",
    )
    assert find_own(made) == {"gold", "placed", "counted", "recent", "outer"}


def test_a_segment_is_told_what_no_run_has_computed_as_it_is_defined_now(project: Path) -> None:
    made = load(
        project,
        x="{all: [{where: trait.orders > 1 and score.will_buy > 0}, {events: {of: a}}, {events: {of: b}}]}",
        y="{where: trait.rfm_group = 'x'}",
    )
    by_name = {it.name: it for it in made.segments}
    traits = (*definitions_of(made).values(), *define_event_conditions(made.segments))
    figures = {"traits": dict(map(definition_figure, traits)), "scores": {"scores.will_buy": 3.0}}
    assert [find_uncomputed(it, made, figures) for it in (by_name["x"], by_name["y"])] == ["", ""]
    figures["traits"]["traits.definition.orders"] += 1
    del figures["traits"][definition_figure(define_event_conditions(made.segments)[1])[0]]
    del figures["traits"]["traits.definition.rfm_value"]
    figures["scores"] = {"scores.will_buy": 0.0}
    assert [find_uncomputed(it, made, figures) for it in (by_name["x"], by_name["y"])] == [
        "trait.orders, a condition on events, score.will_buy",
        "trait.rfm_group",
    ]
    assert find_uncomputed(by_name["x"], made, {}) == ""


PAGE = Path(__file__).parents[3] / "docs" / "segments.md"


@pytest.mark.skipif(not PAGE.exists(), reason="an installed package has no docs")
def test_every_example_of_the_page_loads(project: Path) -> None:
    examples = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    (project / "insights.yaml").write_text(yaml.safe_dump(next(it for it in examples if "traits" in it)))
    segments = [it for it in examples if "members" in it]
    for segment in segments:
        (project / "segments" / f"{segment['name']}.yaml").write_text(yaml.safe_dump(segment))
    assert len(segments) > 10
    assert {it["name"] for it in segments} < {it.name for it in load_project(project, env={}).segments}
