"""Funnels: order, window, the best attempt, and a search over all attempts."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.behaviour.conftest import at
from tests.unit.behaviour.sums import add_reached

from cdp_spark import columns as c
from cdp_spark.behaviour.funnels import MASK, REACHED, count_funnel, funnel_rows, microseconds
from cdp_spark.config.insights.behaviour import FunnelConfig, FunnelStep

WEEK = microseconds(7)
Row = tuple[str, float, int, str | None]
VIEW, CART, BUY = 1, 2, 4


def count(*rows: Row, steps: int = 3, window: int = WEEK) -> dict[tuple[str, int], int]:
    names = (c.UNIFIED_ID, c.OCCURRED_AT, MASK, c.BY_VALUE)
    types = (pa.string(), pa.timestamp("us", "UTC"), pa.int32(), pa.string())
    listed = [(who, at(days=days), mask, value) for who, days, mask, value in rows]
    columns = list(zip(*listed, strict=True)) or [()] * len(names)
    events = pa.table({name: pa.array(it, kind) for name, it, kind in zip(names, columns, types, strict=True)})
    found = count_funnel(events, steps=steps, window=window)
    assert found.schema == REACHED
    return {(row[c.BY_VALUE], row[c.STEP]): row[c.PROFILES] for row in found.to_pylist()}


def furthest(*rows: tuple[float, int]) -> int:
    return len(count(*[("p", days, mask, None) for days, mask in rows]))


def test_steps_count_in_their_order_only_and_others_may_come_between() -> None:
    assert furthest((0, VIEW), (1, CART), (2, BUY)) == 3
    assert furthest((0, VIEW), (1, VIEW), (2, CART), (3, VIEW), (4, BUY)) == 3
    assert furthest((0, BUY), (1, CART), (2, VIEW)) == 1
    assert furthest((0, VIEW), (1, BUY)) == 1
    assert furthest((0, CART), (1, BUY)) == 0
    assert count() == {}


def test_the_window_is_from_the_first_step_to_the_last_and_another_attempt_may_fit() -> None:
    assert furthest((0, VIEW), (3, CART), (7, BUY)) == 3
    assert furthest((0, VIEW), (3, CART), (7.01, BUY)) == 2
    assert furthest((0, VIEW), (3, CART), (4, VIEW), (5, CART), (8, BUY)) == 3


def test_one_event_is_one_step() -> None:
    assert furthest((0, VIEW | CART)) == 1
    assert furthest((0, VIEW | CART), (1, VIEW | CART)) == 2


def test_a_profile_counts_with_the_value_that_its_furthest_attempt_began_with() -> None:
    found = count(("p", 0, VIEW, "ads"), ("p", 1, CART, "x"), ("p", 30, VIEW, "mail"), ("q", 0, VIEW, None))
    assert found == {("ads", 1): 1, ("ads", 2): 1, ("(none)", 1): 1}


def test_rows_have_everybody_first_then_the_values_by_size() -> None:
    config = FunnelConfig(name="f", steps=(FunnelStep(event=("view", "tap")), FunnelStep(event=("buy",))), by="channel")
    parts: list[list[Any]] = [["ads", "ads", "mail"], [1, 2, 1], [2, 1, 5]]
    reached = pa.table([pa.array(it, field.type) for it, field in zip(parts, REACHED, strict=True)], schema=REACHED)
    gone = pa.table({c.BY_VALUE: ["tv", "tv"], c.STEP: [1, 1], c.PROFILES: [3, -3]})
    assert [tuple(row.values()) for row in funnel_rows(add_reached([reached, gone]), config).to_pylist()] == [
        ("f", "(all)", 1, "view or tap", 7),
        ("f", "(all)", 2, "buy", 1),
        ("f", "mail", 1, "view or tap", 5),
        ("f", "mail", 2, "buy", 0),
        ("f", "ads", 1, "view or tap", 2),
        ("f", "ads", 2, "buy", 1),
    ]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 7)), max_size=7))
def test_the_furthest_attempt_is_that_of_a_search_over_all(drawn: list[tuple[int, int]]) -> None:
    rows = sorted(drawn, key=lambda row: row[0])
    reached = [
        len(chosen)
        for size in (1, 2, 3)
        for chosen in itertools.combinations(rows, size)
        if all(mask >> step & 1 for step, (_, mask) in enumerate(chosen)) and chosen[-1][0] - chosen[0][0] <= 7
    ]
    assert furthest(*rows) == max(reached, default=0)
