"""Purchases become histories, equal histories are counted, and too little of them is refused."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.insights.conftest import make_histories

from cdp_spark import columns as c
from cdp_spark.errors import ContractError, DataError
from cdp_spark.insights.histories import check_histories, count_histories, purchase_histories

D = date


def purchases(*rows: tuple[str, date, float | None]) -> pa.Table:
    names = (c.UNIFIED_ID, c.DAY, c.VALUE)
    types = (pa.string(), pa.date32(), pa.float64())
    columns = [pa.array([row[it] for row in rows], types[it]) for it in range(3)]
    return pa.table(dict(zip(names, columns, strict=True)))


def test_purchases_of_a_day_are_one_and_a_refund_reduces_its_day() -> None:
    rows = purchases(
        ("a", D(2024, 1, 1), 50.0),
        ("a", D(2024, 1, 8), 10.0),
        ("a", D(2024, 1, 8), 5.0),
        ("a", D(2024, 1, 22), 30.0),
        ("a", D(2024, 1, 22), -5.0),
        ("a", D(2024, 2, 1), -50.0),
        ("b", D(2024, 1, 29), None),
        ("c", D(2024, 1, 2), 7.0),
        ("c", D(2024, 1, 9), 0.0),
        ("d", D(2024, 3, 1), 9.0),
    )
    assert purchase_histories(rows, until=D(2024, 2, 5)).to_pylist() == [
        {
            "unified_id": "a",
            "first_purchase_day": D(2024, 1, 1),
            "repeat_purchases": 2,
            "recency_weeks": 3.0,
            "age_weeks": 5.0,
            "valued_purchases": 2,
            "average_value": 20.0,
        },
        {
            "unified_id": "b",
            "first_purchase_day": D(2024, 1, 29),
            "repeat_purchases": 0,
            "recency_weeks": 0.0,
            "age_weeks": 1.0,
            "valued_purchases": 0,
            "average_value": None,
        },
        {
            "unified_id": "c",
            "first_purchase_day": D(2024, 1, 2),
            "repeat_purchases": 1,
            "recency_weeks": 1.0,
            "age_weeks": 34 / 7,
            "valued_purchases": 0,
            "average_value": None,
        },
    ]


def test_no_purchases_make_no_histories() -> None:
    assert purchase_histories(purchases(), until=D(2024, 1, 1)).num_rows == 0


def test_purchases_out_of_order_are_refused() -> None:
    rows = purchases(("b", D(2024, 1, 1), 1.0), ("a", D(2024, 1, 1), 1.0))
    with pytest.raises(
        ContractError, match="purchases: got rows out of order; allowed: rows sorted by unified_id, day"
    ):
        purchase_histories(rows, until=D(2024, 1, 1))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=30), st.integers(0, 30))
def test_counts_of_batches_add_up_to_the_counts_of_all(rows: list[tuple[int, int]], cut: int) -> None:
    histories = make_histories([(x, float(min(x, age)), float(age)) for x, age in rows])
    parts = [count_histories(histories.slice(0, cut)), count_histories(histories.slice(cut))]
    assert count_histories(pa.concat_tables(parts)) == count_histories(histories)


def test_too_little_history_is_refused_naming_all_that_is_missing() -> None:
    counts = count_histories(make_histories([(1, 1.0, 3.0), (0, 0.0, 2.0)]))
    with pytest.raises(DataError) as refused:
        check_histories(counts)
    assert str(refused.value) == (
        "lifetime model: There is too little history. The model needs at least 17 weeks of purchases (there are 3.0), "
        "200 customers (there are 2), 50 who bought again (there are 1). Load older purchases, or wait 99 days."
    )
