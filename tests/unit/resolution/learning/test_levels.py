"""Levels in order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.resolution.learning.levels import held_below, level_shares, rising

PAIRS = st.lists(st.floats(1, 1000), min_size=5, max_size=5)


def _pairs(values: list[float]) -> np.ndarray:
    return np.array([0.0, *values])


@given(PAIRS, PAIRS, PAIRS)
def test_what_agrees_more_never_speaks_less(matches: list[float], others: list[float], related: list[float]) -> None:
    m, u, r = level_shares([_pairs(matches), _pairs(others), _pairs(related)], ordered=True)
    for side in (u, r):
        ratio = np.log2(m[1:] / side[1:])
        assert (np.diff(ratio) > -1e-3).all()
        assert ratio[0] <= 1e-3, "values that differ never speak for a match"
        assert ratio[-1] >= -1e-3


def test_levels_in_order_are_left_alone() -> None:
    m, u = level_shares([_pairs([1, 2, 7]), _pairs([7, 2, 1])], ordered=True)
    assert m[1:] == pytest.approx([0.1, 0.2, 0.7])
    assert u[1:] == pytest.approx([0.7, 0.2, 0.1])


def test_a_common_value_that_weighs_more_than_a_rare_one_is_pooled_with_it() -> None:
    m, u = level_shares([_pairs([2, 40, 20]), _pairs([90, 1, 5])], ordered=True)
    assert m[2] / u[2] == pytest.approx(m[3] / u[3])


def test_relatives_are_as_others_but_for_namesakes() -> None:
    _, u, r = level_shares([_pairs([1, 9]), _pairs([90, 10]), _pairs([9, 1])], own=0.1)
    assert u[1:] == pytest.approx([0.9, 0.1])
    assert r[2] == pytest.approx(0.9 * 0.1 + 0.1 * 0.9)


def test_neighbours_out_of_order_are_pooled() -> None:
    assert rising(np.array([1.0, 3.0, 2.0, 4.0]), np.array([1.0, 1.0, 3.0, 1.0])) == pytest.approx([1, 2.25, 2.25, 4])


@given(PAIRS, st.floats(0.0, 0.2))
def test_shares_stay_below_their_limits_and_sum_to_one(matches: list[float], limit: float) -> None:
    shares = np.array([1.0, *np.array(matches) / sum(matches)])
    held = held_below(shares, np.array([np.inf, limit, limit, np.inf, np.inf, np.inf]))
    assert held[1:].sum() == pytest.approx(1.0, abs=1e-4)
    assert (held[1:3] <= max(limit, 1e-6) + 1e-9).all()
