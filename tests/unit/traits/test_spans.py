"""How the history of traits goes on, without Spark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from cdp_spark.traits.finish import TRAIT_VALUES
from cdp_spark.traits.spans import SPANS, carry_on

NOW = datetime(2026, 2, 3, tzinfo=UTC)
FIRST, LATER = NOW - timedelta(days=2), NOW + timedelta(days=1)
NUMBER: dict[str, Any] = {"value_number": 1.0}


def value(person: str, trait: str = "bought", definition: str = "d1", **given: object) -> dict[str, Any]:
    return {"unified_id": person, "trait": trait, "definition_hash": definition, **given}


def span(start: datetime, end: datetime | None, row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "valid_from_utc": start, "valid_to_utc": end}


def carried(values: list[dict[str, Any]], previous: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The spans that come of it, without the columns that are null."""
    tables = (pa.Table.from_pylist(rows, schema) for rows, schema in ((values, TRAIT_VALUES), (previous, SPANS)))
    rows = carry_on(*tables, as_of=NOW).to_pylist()
    there = [{k: v for k, v in row.items() if v is not None or k == "valid_to_utc"} for row in rows]
    return sorted(there, key=lambda row: (row["unified_id"], row["trait"], row["valid_from_utc"]))


def test_values_without_a_history_open_spans() -> None:
    values = [value("ann", **NUMBER), value("bob", **NUMBER)]
    assert carried(values, []) == [span(NOW, None, it) for it in values]


def test_no_values_and_no_history_make_no_spans() -> None:
    assert carry_on(TRAIT_VALUES.empty_table(), SPANS.empty_table(), as_of=NOW) == SPANS.empty_table()


@pytest.mark.parametrize(
    "given",
    [
        {"value_number": 2.0},
        {"value_text": "web"},
        {"value_list": ["a", "b"]},
        {"value_list": []},
        {"value_time_utc": FIRST},
    ],
)
def test_the_same_value_leaves_the_span_open(given: dict[str, Any]) -> None:
    row = value("ann", **given)
    assert carried([row], [span(FIRST, None, row)]) == [span(FIRST, None, row)]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"value_number": 2.0}, {"value_number": 3.0}),
        ({"value_number": 2.0}, {"value_text": "2"}),
        ({"value_list": ["a", "b"]}, {"value_list": ["b", "a"]}),
        ({"value_list": ["a", "b"]}, {"value_list": ["a"]}),
        ({"value_list": ["a", "b"]}, {"value_list": ["a\x1fb"]}),
        ({"value_time_utc": FIRST}, {"value_time_utc": NOW}),
        ({"value_number": 2.0}, {"value_number": 2.0, "definition": "d2"}),
    ],
)
def test_another_value_or_meaning_ends_the_span_and_opens_one(before: dict[str, Any], now: dict[str, Any]) -> None:
    old, new = value("ann", **before), value("ann", **now)
    assert carried([new], [span(FIRST, None, old)]) == [span(FIRST, NOW, old), span(NOW, None, new)]


def test_a_value_that_is_gone_ends_its_span_and_spans_of_others_are_not_mixed_up() -> None:
    ann, seen, bob = value("ann", **NUMBER), value("ann", "seen", **NUMBER), value("bob", **NUMBER)
    assert carried([seen, bob], [span(FIRST, None, it) for it in (bob, seen, ann)]) == [
        span(FIRST, NOW, ann),
        span(FIRST, None, seen),
        span(FIRST, None, bob),
    ]


def test_what_the_history_says_of_the_clock_and_later_is_written_anew() -> None:
    row, other = value("ann", **NUMBER), value("ann", value_number=2.0)
    middle = FIRST + timedelta(days=1)
    history = [span(FIRST, middle, other), span(middle, NOW, row), span(NOW, LATER, other), span(LATER, None, row)]
    assert carried([row], history) == [span(FIRST, middle, other), span(middle, None, row)]
