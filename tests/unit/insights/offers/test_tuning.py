from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from tests.unit.insights.offers.shop import AS_OF, lines

from cdp_spark.config.insights.offers import OfferWeights
from cdp_spark.insights.offers.purchases import Purchases, read_purchases
from cdp_spark.insights.offers.tuning import choose_weights, judge, make_trial, relevant_of, trial_lists


def read(*texts: str) -> Purchases:
    return read_purchases(lines(*texts), as_of=AS_OF)


def test_recall_and_ndcg_count_hits_and_the_early_ones_more() -> None:
    lists = np.array([[2, 0, 1], [0, 1, -1], [3, 2, 1], [-1, -1, -1]])
    bought = np.array([[1, 0, 1, 1, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]])
    recall, ndcg = judge(lists, sparse.csr_array(bought))
    third = 1 / np.log2(4)
    first_two = 1 + 1 / np.log2(3)
    assert recall == pytest.approx([0.5, 1, np.nan, 0], nan_ok=True)
    assert ndcg == pytest.approx([first_two / (first_two + third), 1, np.nan, 0], nan_ok=True)


def test_a_trial_hides_the_last_days_and_judges_those_who_bought_before_and_in_them() -> None:
    purchases = read("al milk 20", "al milk 3", "al tea 3", "bo tea 20", "cy tea 3")
    trial = make_trial(purchases, horizon_days=10)
    assert trial is not None
    assert trial.purchases.people.to_pylist() == ["al"]
    assert (trial.habits.last_days.tolist(), trial.later.toarray().tolist()) == ([10], [[1, 1]])
    assert relevant_of(trial, "repeat").toarray().tolist() == [[1, 0]]
    assert relevant_of(trial, "new").toarray().tolist() == [[0, 1]]
    weights = OfferWeights()
    assert [trial_lists(trial, weights, task)[0, :3].tolist() for task in ("repeat", "new", "both")] == [
        [0, -1, -1],
        [1, -1, -1],
        [0, 1, -1],
    ]


def test_without_both_periods_there_is_no_trial() -> None:
    assert make_trial(read("al milk 20", "bo milk 3"), horizon_days=10) is None
    assert make_trial(read(), horizon_days=10) is None


def test_too_few_people_leave_the_default_weights() -> None:
    assert choose_weights(read("al milk 20", "al milk 3"), horizon_days=10) == OfferWeights()


def test_products_that_go_together_are_given_weight_where_that_is_what_people_buy() -> None:
    """Who bought a{k} buys b{k} next; the popular products, which everybody has, tell nothing."""
    texts = []
    for person in range(120):
        kind, early = person % 12, person < 60
        texts += [f"u{person:03d} a{kind:02d} 40", f"u{person:03d} b{kind:02d} {30 if early else 5}"]
    chosen = choose_weights(read(*texts), horizon_days=10)
    assert chosen.together > 0


def test_habits_are_given_weight_where_people_buy_the_same_again() -> None:
    texts = [f"u{person:03d} own{person % 40:02d} {day}" for person in range(80) for day in (44, 34, 24, 14, 4)]
    texts += [f"u{person:03d} hit 25" for person in range(80)]
    purchases = read(*texts)
    trial = make_trial(purchases, horizon_days=10)
    assert trial is not None
    lists = trial_lists(trial, choose_weights(purchases, horizon_days=10), "both")
    recall, _ = judge(lists[:, :1], trial.later)
    assert recall.mean() == 1
