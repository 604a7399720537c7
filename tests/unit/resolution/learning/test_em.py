"""EM finds the parameters that data was drawn from."""

import numpy as np
import pytest

from cdp_spark.resolution.learning.em import fit
from cdp_spark.resolution.learning.parameters import PatternCounts, Start, log_ratios

TRUE_M = (np.array([1.0, 0.1, 0.9]), np.array([1.0, 0.2, 0.8]), np.array([1.0, 0.05, 0.95]))
TRUE_U = (np.array([1.0, 0.9, 0.1]), np.array([1.0, 0.95, 0.05]), np.array([1.0, 0.7, 0.3]))


def _expected_counts(prior: tuple[float, ...], pairs: int, forced: np.ndarray) -> PatternCounts:
    """The exact expected counts of every pattern under the true parameters."""
    rows = []
    for rule, share in enumerate(prior):
        for levels in np.ndindex(2, 2, 2):
            cells = np.where(forced[rule], 0, np.array(levels) + 1)
            match = other = 1.0
            for m, u, level in zip(TRUE_M, TRUE_U, np.array(levels) + 1, strict=True):
                match, other = match * m[level], other * u[level]
            rows.append((rule, *cells, pairs * (share * match + (1 - share) * other)))
    table = np.array(rows)
    return PatternCounts(table[:, 0].astype(int), table[:, 1:4].astype(int), table[:, 4], forced)


def test_recovers_priors_m_and_u() -> None:
    forced = np.zeros((2, 3), dtype=bool)
    counts = _expected_counts((0.3, 0.02), 1_000_000, forced)
    start_m = tuple(np.array([1.0, 0.3, 0.7]) for _ in TRUE_M)
    start_u = tuple(np.array([1.0, 0.8, 0.2]) for _ in TRUE_U)
    found = fit(counts, Start(start_m, start_u), tolerance=1e-12, max_iterations=5000)
    assert found.converged
    assert found.prior == pytest.approx([0.3, 0.02], abs=2e-3)
    for got, want in zip((*found.m, *found.u), (*TRUE_M, *TRUE_U), strict=True):
        assert got[1:] == pytest.approx(want[1:], abs=5e-3)


def test_a_forced_comparison_teaches_nothing_about_its_rule() -> None:
    forced = np.array([[True, False, False], [False, False, False]])
    counts = _expected_counts((0.9, 0.3), 1_000_000, forced)
    start_m = tuple(np.array([1.0, 0.3, 0.7]) for _ in TRUE_M)
    start_u = tuple(np.array([1.0, 0.8, 0.2]) for _ in TRUE_U)
    found = fit(counts, Start(start_m, start_u), tolerance=1e-12, max_iterations=5000)
    assert found.prior == pytest.approx([0.9, 0.3], abs=5e-3)
    assert found.m[0][1:] == pytest.approx(TRUE_M[0][1:], abs=1e-2)


def test_a_missing_value_weighs_nothing() -> None:
    assert [ratio[0] for ratio in log_ratios(TRUE_M, TRUE_U)] == [0.0, 0.0, 0.0]


def test_no_patterns_keep_the_start() -> None:
    forced = np.zeros((1, 3), dtype=bool)
    empty = PatternCounts(np.zeros(0, dtype=int), np.zeros((0, 3), dtype=int), np.zeros(0), forced)
    found = fit(empty, Start(TRUE_M, TRUE_U))
    assert found.prior == pytest.approx([0.3])
    assert found.m[0][1:] == pytest.approx(TRUE_M[0][1:])


def test_the_class_of_a_labelled_pair_is_not_guessed() -> None:
    forced = np.zeros((1, 1), dtype=bool)
    start = (np.array([1.0, 0.5, 0.5]),)
    counts = PatternCounts(
        rule=np.zeros(4, dtype=int),
        levels=np.array([[1], [2], [1], [2]]),
        count=np.array([30.0, 70.0, 90.0, 10.0]),
        forced=forced,
        known=np.array([1.0, 1.0, 0.0, 0.0]),
    )
    found = fit(counts, Start(start, start))
    assert found.m[0][1:] == pytest.approx([0.3, 0.7], abs=0.01)
    assert found.u[0][1:] == pytest.approx([0.9, 0.1], abs=0.01)
    assert found.prior == pytest.approx([0.5], abs=0.01)


def test_a_few_labels_turn_classes_that_data_alone_would_swap() -> None:
    """Two patterns and a start that calls the wrong one a match; twenty labels say which is which."""
    forced = np.zeros((1, 2), dtype=bool)
    wrong = (np.array([1.0, 0.7, 0.3]), np.array([1.0, 0.7, 0.3]))
    right = (np.array([1.0, 0.3, 0.7]), np.array([1.0, 0.3, 0.7]))
    levels, count = np.array([[1, 1], [2, 2]]), np.array([900.0, 100.0])
    alone = PatternCounts(np.zeros(2, dtype=int), levels, count, forced)
    assert fit(alone, Start(wrong, right)).m[0][1] > 0.9
    labelled = PatternCounts(
        rule=np.zeros(4, dtype=int),
        levels=np.concatenate([levels, levels]),
        count=np.array([500.0, 50.0, 400.0, 50.0]),
        forced=forced,
        known=np.array([np.nan, np.nan, 0.0, 1.0]),
    )
    assert fit(labelled, Start(wrong, right)).m[0][2] > 0.9
