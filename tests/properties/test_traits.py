"""Traits equal a naive model's, whatever the borders of the batches and the order of events of one time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.traits.definitions import define_traits
from cdp_spark.traits.engine import Plan
from cdp_spark.traits.finish import TRAIT_VALUES, make_traits

AS_OF = datetime(2026, 2, 1, 2, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
LINE = pa.struct([("product_id", pa.string()), ("quantity", pa.float64()), ("value", pa.decimal128(18, 4))])
EVENTS = pa.schema(
    [
        ("unified_id", pa.string()),
        ("occurred_at_utc", pa.timestamp("us", "UTC")),
        ("event_key", pa.string()),
        ("event_type", pa.string()),
        ("value", pa.decimal128(18, 4)),
        ("channel", pa.string()),
        ("category", pa.string()),
        ("properties.score", pa.string()),
        ("lines", pa.list_(LINE)),
        ("country", pa.string()),
        ("zone", pa.string()),
    ]
)
CONFIG = InsightsConfig.model_validate_json(
    json.dumps(
        {
            "traits": [
                {"name": "count", "of": "count", "window_days": 30},
                {"name": "sum", "of": "sum", "value_of": "value", "events": ["buy"]},
                {"name": "average", "of": "average", "value_of": "value"},
                {"name": "least", "of": "min", "value_of": "value", "window_days": 7},
                {"name": "most", "of": "max", "value_of": "properties.score"},
                {"name": "first_value", "of": "first", "value_of": "value"},
                {"name": "last_value", "of": "last", "value_of": "value", "window_days": 30},
                {"name": "first_channel", "of": "first", "value_of": "channel"},
                {"name": "last_channel", "of": "last", "value_of": "channel"},
                {"name": "usual", "of": "most_frequent", "value_of": "category", "window_days": 30},
                {"name": "products", "of": "distinct", "value_of": "lines.product_id"},
                {"name": "line_sum", "of": "sum", "value_of": "lines.value", "window_days": 30},
                {"name": "since_first", "of": "days_since_first"},
                {
                    "name": "since_last",
                    "of": "days_since_last",
                    "where": [{"column": "channel", "none_of": "web"}, {"column": "value", "at_least": 2}],
                },
                {"name": "recent", "of": "recent", "value_of": "channel", "top": 3},
                {"name": "share", "of": "ratio", "numerator": "sum", "denominator": "count"},
                {"name": "trend", "of": "trend", "window_days": 7, "previous_days": 23},
                {"name": "score", "kind": "engagement", "weights": {"buy": 10, "view": 1}, "full_points": 30},
                {"name": "liked", "kind": "category_affinity", "weights": {"buy": 5, "view": 1}, "top": 2},
                {"name": "hour", "kind": "preferred_hour"},
            ]
        }
    )
)


class Event(NamedTuple):
    """A row of EVENTS."""

    who: str
    at: datetime
    key: str
    kind: str
    value: Decimal | None
    channel: str | None
    category: str | None
    score: str | None
    lines: list[dict[str, Any]] | None
    country: str | None
    zone: str | None


ages = st.one_of(st.sampled_from([-1.0, 0.0, 7.0, 30.0, 90.0]), st.floats(-2, 100)).map(timedelta)
amounts = st.none() | st.decimals(-9, 9, places=4)
texts = st.none() | st.sampled_from(["web", "app", "shop"])
lines = st.lists(st.fixed_dictionaries({"product_id": texts, "quantity": st.just(1.0), "value": amounts}), max_size=3)
events = st.builds(
    Event,
    st.sampled_from("abc"),
    ages.map(lambda age: AS_OF - age),
    st.just(""),
    st.sampled_from(["buy", "view", "like"]),
    amounts,
    texts,
    texts,
    st.sampled_from([None, "1", "2.5", "x", "nan", "-3"]),
    st.none() | lines,
    st.just("DE"),
    st.just("nowhere"),
)


def sorted_events(drawn: list[Event]) -> list[Event]:
    keyed = [event._replace(key=f"{place:03}") for place, event in enumerate(drawn)]
    return sorted(keyed, key=lambda event: event[:3])


def made(rows: Sequence[Event], size: int) -> dict[tuple[str, str], object]:
    plan = Plan(define_traits(CONFIG, time_zone="UTC"), int(AS_OF.timestamp()) * 1_000_000, {})
    found = pa.Table.from_batches(make_traits(batches_of(rows, size), plan), TRAIT_VALUES).to_pylist()
    values = {
        (row["unified_id"], row["trait"]): next(row[name] for name in TRAIT_VALUES.names[3:] if row[name] is not None)
        for row in found
    }
    assert len(values) == len(found)
    return values


def batches_of(rows: Sequence[Event], size: int) -> list[pa.RecordBatch]:
    arrays = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(EVENTS)]
    return list(pa.Table.from_arrays(arrays, schema=EVENTS).to_batches(max_chunksize=size))


def within(rows: list[Event], days: float, over: float | None = None) -> list[Event]:
    return [it for it in rows if AS_OF - timedelta(days) < it.at <= AS_OF - timedelta(over or 0)]


def ranked(weighed: Iterable[tuple[str, float, datetime]]) -> list[tuple[str, float]]:
    totals: dict[str, float] = {}
    last: dict[str, datetime] = {}
    for text, weight, at in weighed:
        totals[text] = totals.get(text, 0.0) + weight
        last[text] = max(at, last.get(text, at))
    order = sorted(totals, key=lambda text: (-totals[text], -last[text].timestamp(), text))
    return [(text, totals[text]) for text in order]


def number(text: str | None) -> float | None:
    return float(text) if text in ("1", "2.5", "-3") else None


def naive(rows: list[Event]) -> dict[str, object]:
    """The traits of one person, of all of their events in order."""
    known = [it for it in rows if it.at <= AS_OF]
    worth = [float(it.value) for it in known if it.value is not None]
    month, week = within(known, 30), within(known, 7)
    bought = sum(float(it.value) for it in known if it.kind == "buy" and it.value is not None)
    channels = [it.channel for it in known if it.channel is not None]
    far = [it.at for it in known if it.channel in ("app", "shop") and it.value is not None and it.value >= 2]
    of_lines = [line for it in known for line in it.lines or []]
    month_lines = [line for it in month for line in it.lines or [] if line["value"] is not None]
    steps = ((week, 1.0), (within(known, 30, 7), 0.5), (within(known, 90, 30), 0.2))
    points = sum(weight * {"buy": 10, "view": 1, "like": 0}[it.kind] for those, weight in steps for it in those)
    before = len(within(known, 30, 7)) / 23
    liked = ranked(
        (it.category, {"buy": 5.0, "view": 1.0}[it.kind], it.at)
        for it in within(known, 90)
        if it.category is not None and it.kind != "like"
    )
    usual = ranked((it.category, 1.0, it.at) for it in month if it.category is not None)
    hours = ranked((f"{it.at.astimezone(BERLIN).hour:02}", 1.0, it.at) for it in within(known, 365))
    scores = [score for it in known if (score := number(it.score)) is not None]
    month_worth = [float(it.value) for it in month if it.value is not None]
    week_worth = [float(it.value) for it in week if it.value is not None]
    values: dict[str, object] = {
        "count": len(month) or None,
        "sum": round(bought, 4) or None,
        "average": round(sum(worth) / len(worth), 6) if worth else None,
        "least": min(week_worth, default=None),
        "most": max(scores, default=None),
        "first_value": next(iter(worth), None),
        "last_value": next(reversed(month_worth), None),
        "first_channel": next(iter(channels), None),
        "last_channel": next(reversed(channels), None),
        "usual": next((text for text, _ in usual), None),
        "products": len({line["product_id"] for line in of_lines} - {None}) or None,
        "line_sum": round(sum(float(line["value"]) for line in month_lines), 4) or None,
        "since_first": min((it.at for it in known), default=None),
        "since_last": max(far, default=None),
        "recent": channels[::-1][:3] or None,
        "share": round(bought / len(month), 6) if month else None,
        "trend": round((len(week) / 7 - before) / before, 6) if before else None,
        "score": round(min(points * 100 / 30, 100), 4) or None,
        "liked": [text for text, _ in liked[:2]] or None,
        "liked_shares": [f"{weight / sum(it for _, it in liked):.4f}" for _, weight in liked[:2]] or None,
        "hour": next((float(text) for text, _ in hours), None),
    }
    return {name: value for name, value in values.items() if value is not None}


@given(st.lists(events, max_size=25), st.integers(1, 9))
def test_traits_equal_a_naive_models_whatever_the_batches(drawn: list[Event], size: int) -> None:
    rows = sorted_events(drawn)
    expected = {
        (who, name): value for who in "abc" for name, value in naive([row for row in rows if row.who == who]).items()
    }
    found = made(rows, size)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == (pytest.approx(value, abs=1e-4) if isinstance(value, float) else value), key
