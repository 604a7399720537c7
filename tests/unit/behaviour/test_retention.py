"""Cohorts: weeks and months of the project's time zone, sums, and batches that add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.behaviour.sums import add_returns

from cdp_spark import columns as c
from cdp_spark.behaviour.retention import count_returns, first_day, period_of, retention_rows
from cdp_spark.config.insights.behaviour import Period, RetentionConfig

Row = tuple[str, datetime, str | None]


def events(*rows: Row) -> pa.Table:
    ordered = sorted(rows, key=lambda row: row[:2])
    return pa.table(
        {
            c.UNIFIED_ID: pa.array([row[0] for row in ordered], pa.string()),
            c.OCCURRED_AT: pa.array([row[1] for row in ordered], pa.timestamp("us", "UTC")),
            c.VALUE: pa.array([row[2] and Decimal(row[2]) for row in ordered], pa.decimal128(18, 4)),
        }
    )


def day(month: int, number: int, hour: int = 12) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


def counted(*rows: Row, every: Period = "month", periods: int = 12, zone: str = "UTC") -> list[tuple[object, ...]]:
    found = add_returns([count_returns(events(*rows), every=every, periods=periods, time_zone=zone)])
    order = [(c.COHORT, "ascending"), (c.PERIOD, "ascending")]
    return [tuple(row.values()) for row in found.sort_by(order).to_pylist()]


def test_people_are_counted_once_a_period_and_their_values_are_summed() -> None:
    rows: list[Row] = [
        ("ann", day(1, 5), "10.5"),
        ("ann", day(1, 20), "4.5"),
        ("ann", day(3, 1), None),
        ("bob", day(1, 31), "-1"),
        ("bob", day(3, 31), "2"),
        ("cem", day(2, 1), "7"),
    ]
    assert counted(*rows) == [
        (date(2026, 1, 1), 0, 2, Decimal("14.0000")),
        (date(2026, 1, 1), 2, 2, Decimal("2.0000")),
        (date(2026, 2, 1), 0, 1, Decimal("7.0000")),
    ]
    assert [row[1] for row in counted(*rows, periods=1)] == [0, 0]
    assert counted() == []


def test_a_week_begins_on_the_projects_monday() -> None:
    sunday, monday = day(1, 4, hour=23), day(1, 5, hour=23)
    assert counted(("a", sunday, None), ("a", monday, None), every="week") == [
        (date(2025, 12, 29), 0, 1, Decimal(0)),
        (date(2025, 12, 29), 1, 1, Decimal(0)),
    ]
    assert counted(("a", sunday, None), ("a", monday, None), every="week", zone="Europe/Berlin") == [
        (date(2026, 1, 5), 0, 1, Decimal(0))
    ]


@pytest.mark.parametrize("every", ["week", "month"])
def test_a_period_has_its_first_day(every: Period) -> None:
    days = [date(1969, 12, 1) + timedelta(days=3 * it) for it in range(400)]
    for it in days:
        assert first_day(period_of(it, every), every) <= it < first_day(period_of(it, every) + 1, every)


def test_periods_that_have_begun_have_a_row_and_later_ones_only_with_somebody() -> None:
    rows = [("ann", day(1, 5), "1"), ("bob", day(1, 6), "1"), ("ann", day(5, 1), "2")]
    returns = add_returns([count_returns(events(*rows), every="month", periods=4, time_zone="UTC")])
    config = RetentionConfig(name="buyers", periods=4)
    january = date(2026, 1, 1)
    found = retention_rows(returns, config, today=date(2026, 3, 31))
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("buyers", january, 0, 2, 2, Decimal(2)),
        ("buyers", january, 1, 2, 0, Decimal(0)),
        ("buyers", january, 2, 2, 0, Decimal(0)),
        ("buyers", january, 4, 2, 1, Decimal(2)),
    ]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200), st.integers(-5, 5)), max_size=20),
    st.sampled_from(["week", "month"]),
)
def test_counts_are_those_of_plain_python_in_any_batches(drawn: list[tuple[str, int, int]], every: Period) -> None:
    rows: list[Row] = [(who, day(1, 1) + timedelta(days=days), str(value)) for who, days, value in drawn]
    cells: dict[tuple[date, int], tuple[set[str], int]] = {}
    for who, when, value in rows:
        first = period_of(min(at for name, at, _ in rows if name == who).date(), every)
        people, total = cells.get(key := (first_day(first, every), period_of(when.date(), every) - first), (set(), 0))
        cells[key] = ({*people, who}, total + int(value or 0))
    expected = [(*key, len(people), Decimal(total)) for key, (people, total) in sorted(cells.items())]
    batches = [events(*[row for row in rows if row[0] == who]) for who in "abc"]
    counts = add_returns([count_returns(it, every=every, periods=99, time_zone="UTC") for it in batches])
    found = counts.sort_by([(c.COHORT, "ascending"), (c.PERIOD, "ascending")]).to_pylist()
    assert [tuple(row.values()) for row in found] == expected
