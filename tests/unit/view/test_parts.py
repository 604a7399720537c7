"""The parts of a view, out of rows: timeline, sureness, insights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from tests.unit.view.conftest import rows_of

from cdp_spark.tables.catalog import UNIFIED_EVENTS
from cdp_spark.view.insights import BUILDERS, in_days
from cdp_spark.view.model import Section
from cdp_spark.view.sureness import judge, weigh_links
from cdp_spark.view.timeline import EVENT_COLUMNS, build_timeline

DAY = datetime(2026, 1, 10, 12, 30, tzinfo=UTC)


def events(*rows: dict[str, Any]) -> pa.Table:
    common = {"source": "shop", "event_type": "purchase", "occurred_at_utc": DAY, "unified_id": "p"}
    table = UNIFIED_EVENTS.table(rows_of(UNIFIED_EVENTS, [{**common, **row} for row in rows]))
    return table.select(EVENT_COLUMNS)


def test_an_event_says_what_it_was_about() -> None:
    line = {"product_id": "P1", "category": "shoes", "quantity": 2.0, "value": Decimal("9.5")}
    order = {
        "event_key": "a",
        "value": Decimal("20.5"),
        "value_given": Decimal("22.1"),
        "currency": "USD",
        "lines": [line, {**line, "product_id": None, "quantity": 1.0}],
        "campaign": "spring",
        "properties": {"cookie_id": "c1", "till": "7", "at": "2026-01-10T12:30:59Z", "raw": '{"a": 1}', "x": ""},
    }
    view = {
        "event_key": "b",
        "value": Decimal("3"),
        "product_id": "P2",
        "quantity": 3.0,
        "category": "hats",
        "url": "/h",
    }
    assert [it.details for it in build_timeline(events(order, view))] == [
        "22.10 USD · 2 × P1, shoes · campaign spring · till 7",
        "3.00 · 3 × P2 · hats · /h",
    ]


def test_the_newest_event_is_first_and_none_is_later_than_asked_for() -> None:
    times = [DAY, DAY + timedelta(seconds=1), DAY, DAY - timedelta(days=1)]
    rows = [{"event_key": key, "occurred_at_utc": time} for key, time in zip("dcba", times, strict=True)]
    assert [it.event_key for it in build_timeline(events(*rows))] == ["c", "b", "d", "a"]
    assert [it.event_key for it in build_timeline(events(*rows), until=DAY)] == ["b", "d", "a"]


NO_LABELS = pa.table({"record_key_l": [], "record_key_r": [], "label": []})
TITLES = {"1": "crm:1", "2": "crm:2", "3": "shop:3"}


def weights(*, label: bool = False, holders: tuple[str, ...] = ()) -> dict[tuple[str, str], float]:
    scores = pa.Table.from_pylist(
        [
            {"record_key_l": "1", "record_key_r": "2", "weight_log2": 9.0, "deterministic": False},
            {"record_key_l": "2", "record_key_r": "3", "weight_log2": 3.0, "deterministic": False},
        ]
    )
    labels = pa.table({"record_key_l": ["2"], "record_key_r": ["3"], "label": ["must_link"]}) if label else NO_LABELS
    held = {"record_key": list(holders), "type": ["loyalty_id"] * len(holders), "value_hash": ["h"] * len(holders)}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in held.items()})
    return weigh_links(scores, labels, table, linking=("loyalty_id",), keys=list(TITLES))


@pytest.mark.parametrize(
    ("found", "sureness"),
    [
        (weights(), "weakest link: crm:2 and shop:3, probability 70.4% (+1.2 bits)"),
        (weights(label=True), "weakest link: crm:1 and crm:2, probability 95.0% (+4.2 bits)"),
        (weights(holders=("1", "2", "3")), "certain: a rule, a label or an identifier joins all records"),
        (weights(holders=("0", "1", "2", "3")), "weakest link: crm:2 and shop:3, probability 70.4% (+1.2 bits)"),
        ({("1", "2"): 9.0}, "not known: scores are newer than this release, or another person's record decided"),
    ],
    ids=["weights", "a label joins", "an identifier joins", "joined to a record elsewhere", "a pair is missing"],
)
def test_a_profile_is_as_sure_as_its_weakest_link(found: dict[tuple[str, str], float], sureness: str) -> None:
    assert judge(TITLES, found, visitors=0, missing_weight=-0.5).sureness == sureness


def test_a_single_record_needs_no_link() -> None:
    assert judge({"1": "crm:1"}, {}, visitors=2, missing_weight=-0.5).sureness == "a single record"


OFFER = {"product_id": "P1", "product_name": "Tent", "score": 0.5, "reason": "popular", "unified_id": "p"}
OFFER_SHOWN = {"product_name": "Tent", "reason": "popular"}
SCORE = {"unified_id": "p", "version": 2, "reasons": [{"reason": "3 visits", "contribution": 0.5}] * 4}
WHY = "3 visits: +0.50; 3 visits: +0.50; 3 visits: +0.50"
SPAN = {"valid_from_utc": DAY, "valid_to_utc": None}
TRAIT = {"value_number": None, "value_text": None, "value_list": None, "value_time_utc": None, **SPAN}
SESSION = {
    "started_at_utc": DAY,
    "duration_seconds": 90.0,
    "source": "web",
    "events": 4,
    "channel": None,
    "campaign": "spring",
    "entry_url": "/a",
}
SHARE = {"converted_at_utc": DAY, "model": "linear", "channel": "search", "campaign": None, "value": Decimal("5")}


@pytest.mark.parametrize(
    ("table", "rows", "shown"),
    [
        (
            "offers",
            [{**OFFER, "rank": 2}, {**OFFER, "rank": 1}],
            [{"rank": 1, "product_name": "Tent", "reason": "popular"}, {**OFFER_SHOWN, "rank": 2}],
        ),
        (
            "scores",
            [
                {**SCORE, "model": "will_buy", "score": 0.231, "tier": 5, "details": [("log_odds", -1.2)]},
                {**SCORE, "model": "lifetime_value", "score": 1234.5, "tier": 100, "details": [("purchases", 2.0)]},
            ],
            [
                {"model": "lifetime_value", "says": "1,234.50", "among": "", "why": WHY},
                {"model": "will_buy", "says": "23.1%", "among": "top 5 %", "why": WHY},
            ],
        ),
        (
            "traits",
            [
                {**TRAIT, "trait": "spend", "value_number": 12.5},
                {**TRAIT, "trait": "city", "value_text": "Leeds"},
                {**TRAIT, "trait": "old", "value_text": "x", "valid_to_utc": DAY},
            ],
            [{"trait": "city", "value": "Leeds", "since": DAY}, {"trait": "spend", "value": 12.5, "since": DAY}],
        ),
        (
            "sessions",
            [SESSION],
            [{"started": DAY, "minutes": 1.5, "source": "web", "events": 4, "came_by": "spring", "entry": "/a"}],
        ),
        (
            "attributions",
            [{**SHARE, "share": 0.25}],
            [{"converted": DAY, "model": "linear", "channel": "search", "share": "25%", "value": Decimal("5")}],
        ),
        (
            "abandoned",
            [
                {
                    "last_seen_at_utc": DAY,
                    "kind": "cart",
                    "product_id": None,
                    "category": "hats",
                    "times": 2,
                    "value": None,
                }
            ],
            [{"last_seen": DAY, "left_in": "cart", "product": "hats", "times": 2}],
        ),
    ],
)
def test_insights_are_shown_as_they_are_now_and_never_before_their_time(
    table: str, rows: list[dict[str, Any]], shown: list[dict[str, Any]]
) -> None:
    assert list(BUILDERS[table](rows, None).table) == shown
    assert BUILDERS[table](rows, DAY - timedelta(days=1)).rows == ()


def test_a_trait_that_is_a_time_is_shown_as_the_whole_days_since() -> None:
    rows: list[dict[str, Any]] = [
        {**TRAIT, "trait": "last_seen", "value_time_utc": DAY - timedelta(days=3, hours=20)},
        {**TRAIT, "trait": "spend", "value_number": 12.5},
    ]
    section = BUILDERS["traits"](in_days(rows, DAY), None)
    assert section.rows == (
        {"trait": "last_seen", "value": 3, "unit": "days", "since": DAY},
        {"trait": "spend", "value": 12.5, "unit": None, "since": DAY},
    )


def test_programs_get_a_score_as_the_table_has_it() -> None:
    row = {**SCORE, "model": "will_buy", "score": 0.231, "tier": 5, "details": [("log_odds", -1.2)]}
    [told] = BUILDERS["scores"]([row], None).rows
    assert {name: told[name] for name in ("version", "score", "tier", "details", "reasons")} == {
        "version": 2,
        "score": 0.231,
        "tier": 5,
        "details": {"log_odds": -1.2},
        "reasons": SCORE["reasons"],
    }


def test_a_long_section_shows_its_first_rows_and_says_so() -> None:
    section = BUILDERS["sessions"]([SESSION] * 60, None)
    assert (len(section.rows), section.count, section.heading) == (50, 60, "Sessions (50 of 60)")


def test_people_see_no_column_that_is_empty_or_for_programs() -> None:
    section = Section("x", "X", ({"a": 1, "b": None, "id": "z"}, {"a": 2, "b": "", "id": "y"}), 2, ("id",))
    assert section.table == ({"a": 1}, {"a": 2})
