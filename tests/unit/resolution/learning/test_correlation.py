"""Comparisons that repeat one another count once together."""

import numpy as np
import pytest

from cdp_spark.resolution.learning.correlation import correlate, shared_weights

PAIRS, RECORDS = 200_000, 20_000
MISSING, DIFFERENT, EQUAL = 0, 1, 2


def _levels(*agreement: float) -> np.ndarray:
    """Independent comparisons of random pairs that agree as often as told."""
    drawn = np.random.default_rng(5).random((PAIRS, len(agreement)))
    return np.where(drawn < np.array(agreement), EQUAL, DIFFERENT)


def test_a_copy_is_found_and_nothing_else() -> None:
    levels = _levels(0.2, 0.3, 0.05)
    correlation = correlate(np.column_stack([levels, levels[:, 0]]), records=RECORDS)
    expected = np.zeros((4, 4))
    expected[0, 3] = expected[3, 0] = 1.0
    assert correlation == pytest.approx(expected, abs=0.02)
    assert shared_weights(correlation) == pytest.approx([0.5, 1.0, 1.0, 0.5], abs=1e-6)


def test_missing_values_are_no_agreement_and_no_difference() -> None:
    levels = _levels(0.2, 0.3)
    copy = levels[:, 0].copy()
    copy[::2] = MISSING
    assert correlate(np.column_stack([levels, copy]), records=RECORDS)[0, 2] == pytest.approx(1.0)


def test_what_only_duplicates_share_is_not_called_a_copy() -> None:
    """E-mail and phone agree in the same hundred of 200,000 random pairs: those of one person with two records."""
    levels = np.full((PAIRS, 2), DIFFERENT)
    levels[:100] = EQUAL
    assert correlate(levels, records=RECORDS) == pytest.approx(np.zeros((2, 2)))


@pytest.mark.parametrize("constant", [MISSING, DIFFERENT, EQUAL])
def test_a_constant_correlates_with_nothing(constant: int) -> None:
    levels = np.column_stack([_levels(0.2), np.full(PAIRS, constant)])
    assert correlate(levels, records=RECORDS) == pytest.approx(np.zeros((2, 2)))


def test_no_pairs_correlate_nothing() -> None:
    assert correlate(np.zeros((0, 2), dtype=np.int64), records=1) == pytest.approx(np.zeros((2, 2)))


def test_three_copies_keep_a_third_each() -> None:
    assert shared_weights(np.ones((3, 3)) - np.eye(3)) == pytest.approx([1 / 3] * 3)


def test_weak_correlations_cost_nothing() -> None:
    assert shared_weights(np.full((3, 3), 0.4)) is None
