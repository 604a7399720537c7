"""RFM scores and groups."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark import columns as c
from cdp_spark.insights.rfm import RfmCuts, rfm_cuts, score_rfm

CUTS = RfmCuts((-100.0, -50.0, -20.0, -5.0), (1.0, 2.0, 4.0, 8.0), (10.0, 20.0, 50.0, 100.0))


def customers(recency: list[float], purchases: list[int], value: list[float]) -> pa.Table:
    return pa.table({c.RECENCY_DAYS: recency, c.PURCHASES: purchases, c.VALUE: value})


def test_customers_get_scores_and_a_named_group() -> None:
    rows = customers([0, 5, 21, 60, 101, 3, 30], [9, 2, 5, 9, 1, 1, 4], [500.0, 20.0, 51.0, 99.0, 1.0, 5.0, 60.0])
    scored = score_rfm(rows, CUTS).select([c.RECENCY_SCORE, c.FREQUENCY_SCORE, c.MONETARY_SCORE, c.RFM_GROUP])
    assert [tuple(row.values()) for row in scored.to_pylist()] == [
        (5, 5, 5, "champions"),
        (4, 2, 2, "potential_loyalists"),
        (3, 4, 4, "loyal"),
        (2, 5, 4, "cannot_lose"),
        (1, 1, 1, "hibernating"),
        (5, 1, 1, "new"),
        (3, 3, 4, "need_attention"),
    ]


def test_ten_customers_are_parted_into_fifths() -> None:
    rows = customers(list(range(10)), list(range(10)), [1.0] * 10)
    scored = score_rfm(rows, rfm_cuts(rows))
    assert scored[c.RECENCY_SCORE].to_pylist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert scored[c.FREQUENCY_SCORE].to_pylist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert scored[c.MONETARY_SCORE].to_pylist() == [1] * 10


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6), st.integers(0, 9).map(float)), min_size=1, max_size=40))
def test_a_score_counts_the_fifths_of_customers_that_are_worse(rows: list[tuple[int, int, float]]) -> None:
    table = customers([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
    scored = score_rfm(table, rfm_cuts(table))
    for name, better in ((c.RECENCY_SCORE, [-row[0] for row in rows]), (c.FREQUENCY_SCORE, [row[1] for row in rows])):
        worse = [sum(other < own for other in better) for own in better]
        assert scored[name].to_pylist() == [1 + 5 * it // len(rows) for it in worse]


@given(st.permutations(range(12)), st.integers(0, 12))
def test_scores_do_not_depend_on_the_order_of_rows_or_on_the_batch(order: list[int], cut: int) -> None:
    rows = customers([it % 5 for it in range(12)], [it % 3 for it in range(12)], [it % 7 * 1.0 for it in range(12)])
    cuts, mixed = rfm_cuts(rows), rows.take(pa.array(order))
    assert rfm_cuts(mixed) == cuts
    parts = pa.concat_tables([score_rfm(mixed.slice(0, cut), cuts), score_rfm(mixed.slice(cut), cuts)])
    assert parts.take(pa.array(np.argsort(order))) == score_rfm(rows, cuts)
