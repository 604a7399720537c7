"""Journeys: which touches a conversion has, exact shares, and what ends a journey."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.behaviour.conftest import at

from cdp_spark import columns as c
from cdp_spark.behaviour.journeys import (
    STEPS,
    Lookback,
    count_steps,
    credit_conversions,
    find_touches,
    rules_of,
    sort_steps,
)
from cdp_spark.config.insights.behaviour import AttributionModel
from cdp_spark.insights.markov import OTHER_CHANNELS, add_transitions, merge_rare_channels, removal_effects

Step = tuple[str, datetime, bool, str, str | None]
MONTH = Lookback(timedelta(days=30))


def touch(who: str, key: str, days: float, channel: str | None = None) -> Step:
    return (who, at(days=days), False, key, channel)


def conversion(who: str, key: str, days: float) -> Step:
    return (who, at(days=days), True, key, None)


def steps(*rows: Step) -> pa.Table:
    listed = [(*row, None, Decimal("10.0000") if row[2] else None) for row in rows]
    columns = list(zip(*listed, strict=True)) or [()] * len(STEPS)
    return sort_steps(pa.table([pa.array(it, f.type) for it, f in zip(columns, STEPS, strict=True)], schema=STEPS))


def pairs(table: pa.Table) -> list[tuple[str, str]]:
    return list(zip(table[c.CONVERSION_KEY].to_pylist(), table[c.SESSION_ID].to_pylist(), strict=True))


def test_a_conversion_has_the_persons_sessions_of_the_lookback() -> None:
    rows = steps(
        touch("ann", "old", -31),
        touch("ann", "oldest", -30),
        touch("ann", "same", 0),
        conversion("ann", "k1", 0),
        touch("ann", "later", 1),
        conversion("ann", "k2", 2),
        touch("bob", "of bob", 0),
        conversion("cem", "k3", 0),
    )
    assert pairs(find_touches(rows, MONTH)) == [
        ("k1", "oldest"),
        ("k1", "same"),
        ("k2", "same"),
        ("k2", "later"),
    ]
    assert pairs(find_touches(rows, Lookback(touches=1))) == [("k1", "same"), ("k2", "later")]
    assert find_touches(steps(), MONTH).num_rows == 0
    assert find_touches(steps(conversion("ann", "k", 0)), MONTH).num_rows == 0


def test_each_model_has_its_rows_and_touches_without_share_have_none() -> None:
    rows = steps(touch("ann", "a", 0, "search"), touch("ann", "b", 1, "direct"), conversion("ann", "k", 2))
    models: tuple[AttributionModel, ...] = ("last_non_direct", "linear", "data_driven")
    rules = rules_of(models, half_life=timedelta(days=7), direct=frozenset({"direct"}), effects={"search": 0.5})
    found = credit_conversions(find_touches(rows, MONTH), rules)
    shown = found.select([c.MODEL, c.SESSION_ID, c.SHARE, c.VALUE]).to_pylist()
    assert [tuple(row.values()) for row in shown] == [
        ("last_non_direct", "a", 1.0, Decimal("10.0000")),
        ("linear", "a", 0.5, Decimal("5.0000")),
        ("linear", "b", 0.5, Decimal("5.0000")),
        ("data_driven", "a", 1.0, Decimal("10.0000")),
    ]
    assert rules_of(("data_driven",), half_life=timedelta(1), direct=frozenset(), effects={}) == ()


def transitions(rows: pa.Table) -> list[tuple[str, str, int]]:
    return [tuple(row.values()) for row in add_transitions(count_steps(rows, MONTH)).to_pylist()]


def test_a_journey_ends_with_a_conversion_or_after_a_pause_of_the_lookback() -> None:
    rows = steps(
        touch("ann", "a", 0, "search"),
        touch("ann", "b", 1, "email"),
        conversion("ann", "k1", 2),
        conversion("ann", "k2", 3),
        touch("ann", "c", 4, "search"),
        touch("ann", "d", 40, "email"),
        conversion("ann", "too late", 80),
        touch("bob", "e", 0, "search"),
    )
    assert transitions(rows) == [
        ("(start)", "email", 1),
        ("(start)", "search", 3),
        ("email", "(conversion)", 1),
        ("email", "(nothing)", 1),
        ("search", "(nothing)", 2),
        ("search", "email", 1),
    ]
    assert transitions(steps()) == []
    assert transitions(steps(conversion("ann", "k", 0))) == []


def test_rare_channels_are_one_and_have_its_effect() -> None:
    rows = [touch(f"p{it}", f"t{it}", 0, channel) for it, channel in enumerate(["a", "a", "b", "c"])]
    counts = count_steps(steps(*rows, conversion("p0", "k0", 1), conversion("p2", "k2", 1)), MONTH)
    merged = merge_rare_channels(add_transitions(counts), 1)
    assert merged.to_pylist() == [
        {"from_state": "(other)", "to_state": "(conversion)", "transitions": 1},
        {"from_state": "(other)", "to_state": "(nothing)", "transitions": 1},
        {"from_state": "(start)", "to_state": "(other)", "transitions": 2},
        {"from_state": "(start)", "to_state": "a", "transitions": 2},
        {"from_state": "a", "to_state": "(conversion)", "transitions": 1},
        {"from_state": "a", "to_state": "(nothing)", "transitions": 1},
    ]
    assert removal_effects(merged) == pytest.approx({OTHER_CHANNELS: 0.5, "a": 0.5})
    assert merge_rare_channels(merged, 2) is merged


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 90), st.booleans()), max_size=20))
def test_touches_are_those_of_a_plain_search(drawn: list[tuple[str, int, bool]]) -> None:
    rows: list[Step] = [(who, at(days=day), ends, f"{it:02}", None) for it, (who, day, ends) in enumerate(drawn)]
    expected = {
        (key, touched)
        for who, when, ends, key, _ in rows
        if ends
        for other, since, is_conversion, touched, _ in rows
        if not is_conversion and other == who and timedelta(0) <= when - since <= timedelta(days=30)
    }
    assert set(pairs(find_touches(steps(*rows), MONTH))) == expected


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 90), st.booleans()), max_size=20))
def test_transitions_of_batches_of_whole_persons_add_up(drawn: list[tuple[str, int, bool]]) -> None:
    rows: list[Step] = [(who, at(days=day), ends, f"{it:02}", who) for it, (who, day, ends) in enumerate(drawn)]
    parts = [count_steps(steps(*[row for row in rows if row[0] == who]), MONTH) for who in "abc"]
    assert add_transitions(pa.concat_tables(parts)) == add_transitions(count_steps(steps(*rows), MONTH))
