"""Estimates from a sample: known values, order, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.evaluation.sampled import Estimate, Stratum, estimate_precision, estimate_recall


@st.composite
def strata(draw: st.DrawFn) -> list[Stratum]:
    found = []
    for number in range(draw(st.integers(1, 5))):
        pairs = draw(st.integers(1, 10_000))
        answered = draw(st.integers(0, min(pairs, 50)))
        together = draw(st.booleans())
        found.append(Stratum(str(number), together, pairs, answered, draw(st.integers(0, answered))))
    return found


@given(strata())
def test_a_figure_lies_in_its_interval(sample: list[Stratum]) -> None:
    for estimate in (estimate_precision(sample), estimate_recall(sample)):
        assert 0.0 <= estimate.low <= estimate.value + 1e-9
        assert estimate.value - 1e-9 <= estimate.high <= 1.0


def test_each_stratum_counts_by_its_pairs() -> None:
    sample = [Stratum("sure", True, 900, 10, 10), Stratum("near", True, 100, 10, 5), Stratum("far", False, 1000, 10, 0)]
    assert estimate_precision(sample).value == pytest.approx((900 + 50) / 1000)
    assert estimate_recall(sample).value == pytest.approx(1.0)
    assert estimate_recall(sample).low < 0.9
    assert estimate_precision(sample[2:]) == Estimate(1.0, 0.0, 1.0)


def test_the_intervals_cover_what_they_promise() -> None:
    generator = np.random.default_rng(5)
    truth = [("a", True, 5000, 0.98), ("b", True, 800, 0.7), ("c", False, 700, 0.3), ("d", False, 9000, 0.02)]
    true_found, true_missed = 5000 * 0.98 + 800 * 0.7, 700 * 0.3 + 9000 * 0.02
    precision, recall = true_found / 5800, true_found / (true_found + true_missed)
    covered = np.zeros(2)
    rounds = 400
    for _ in range(rounds):
        drawn = [Stratum(n, f, pairs, 60, int(generator.binomial(60, share))) for n, f, pairs, share in truth]
        for number, (estimate, value) in enumerate(
            [(estimate_precision(drawn), precision), (estimate_recall(drawn), recall)]
        ):
            covered[number] += estimate.low <= value <= estimate.high
    assert (covered / rounds >= 0.93).all()
