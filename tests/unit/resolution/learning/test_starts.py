"""Many starts find what one start misses, and change nothing where it missed nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_spark.resolution.learning import starts
from cdp_spark.resolution.learning.em import fit
from cdp_spark.resolution.learning.parameters import Parameters, PatternCounts, Start, agreement
from cdp_spark.resolution.learning.starts import contradictions, fit_many, starts_around

SEED = 7
RARE = 0.002
M = (0.9, 0.7, 0.95, 0.8, 0.9)
U = (0.2, 0.2, 0.15, 0.25, 0.2)
"""Probability of agreement among matches and others that a rule finds."""
RANDOM = (0.06, 0.01, 0.13, 0.2, 0.18)
"""And among random pairs, which agree less than what shares a key."""


def _sides(shares: tuple[float, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.array([1.0, 1 - share, share]) for share in shares)


def _start(size: int) -> Start:
    return Start(_sides((0.75,) * size), _sides(RANDOM[:size]))


START = _start(5)


def _counts(prior: float, m: tuple[float, ...], u: tuple[float, ...], pairs: float = 100_000) -> PatternCounts:
    """The exact expected counts of every pattern under one rule that forces nothing."""
    agrees = np.array(list(np.ndindex(*[2] * len(m))))
    matched, other = (np.prod(np.where(agrees, side, 1 - np.array(side)), axis=1) for side in (m, u))
    count = pairs * (prior * matched + (1 - prior) * other)
    return PatternCounts(np.zeros(len(count), dtype=int), agrees + 1, count, np.zeros((1, len(m)), dtype=bool))


def _first_priors(seed: int) -> np.ndarray:
    """First shares of matches of all starts under the one rule."""
    starts = starts_around(START, _counts(RARE, M, U), np.random.default_rng(seed))
    return np.array([start.prior[0, 0] for start in starts if start.prior is not None])


def _same(one: Parameters, other: Parameters) -> bool:
    return one.log_likelihood == other.log_likelihood and all(
        np.array_equal(a, b)
        for a, b in zip((one.prior, *one.m, *one.u), (other.prior, *other.m, *other.u), strict=True)
    )


def test_many_starts_find_rare_matches_that_the_anchored_start_misses() -> None:
    counts = _counts(RARE, M, U)
    anchored, found = fit(counts, START), fit_many(counts, START, seed=SEED)
    assert anchored.prior[0] > 0.1
    assert agreement(anchored.m)[0] < 0.3
    assert found.prior[0] == pytest.approx(RARE, abs=0.001)
    assert agreement(found.m) == pytest.approx(M, abs=0.12)
    assert found.log_likelihood > anchored.log_likelihood + 20


@pytest.mark.parametrize(
    ("matches", "others_agree", "replaced"),
    [(0.1, 0.2, True), (0.1, 0.6, False), (0.9, 0.2, False)],
    ids=["few matches, others apart", "others that are matches with errors", "most pairs match"],
)
def test_a_likelier_end_replaces_the_anchored_one_where_matches_are_few_and_others_apart(
    monkeypatch: pytest.MonkeyPatch, matches: float, others_agree: float, replaced: bool
) -> None:
    anchored = Parameters(np.array([matches]), _sides((0.9,) * 5), _sides((0.1,) * 5), -100.0, 9, converged=True)
    likelier = Parameters(
        np.array([matches / 2]), _sides((0.99,) * 5), _sides((others_agree,) * 5), -50.0, 9, converged=True
    )
    monkeypatch.setattr(starts, "fit", lambda *given, **_: anchored if given[1] is START else likelier)
    found = fit_many(_counts(RARE, M, U), START, seed=SEED)
    assert found.log_likelihood == (likelier if replaced else anchored).log_likelihood


def test_pairs_beyond_what_short_runs_see_count_in_the_end() -> None:
    found = fit_many(_counts(RARE, M, U, pairs=1e7), START, seed=SEED)
    assert found.prior[0] == pytest.approx(RARE, abs=0.001)
    assert agreement(found.m) == pytest.approx(M, abs=0.1)


def test_a_seed_gives_one_result() -> None:
    counts = _counts(RARE, M, U, pairs=1e6)
    first, second = (fit_many(counts, START, seed=SEED) for _ in range(2))
    assert _same(first, second)
    assert np.array_equal(_first_priors(SEED), _first_priors(SEED))
    assert not np.array_equal(_first_priors(SEED), _first_priors(SEED + 1))


def test_no_patterns_keep_the_start() -> None:
    empty = PatternCounts(
        np.zeros(0, dtype=int), np.zeros((0, 5), dtype=int), np.zeros(0), np.zeros((1, 5), dtype=bool)
    )
    found = fit_many(empty, START, seed=SEED)
    assert found.prior == pytest.approx([0.3])
    assert found.rival is None


def test_an_end_that_is_found_by_all_starts_has_no_rival() -> None:
    assert fit_many(_counts(0.3, (0.9,) * 5, (0.05,) * 5), START, seed=SEED).rival is None


def test_two_comparisons_alone_do_not_tell_how_many_match() -> None:
    """Any share of matches explains two of them equally well: the end is where the start was."""
    found = fit_many(_counts(0.05, (0.8, 0.7), (0.2, 0.1)), _start(2), seed=SEED)
    assert found.rival is not None
    here, there = found.rival
    assert max(here, there) > 1.5 * min(here, there)


def test_labels_hold_in_every_run() -> None:
    counts = _counts(RARE, M, U, pairs=1e6)
    all_agree = (counts.levels == 2).all(axis=1)
    known = np.where(all_agree, 0.0, np.nan)
    labelled = PatternCounts(counts.rule, counts.levels, counts.count, counts.forced, known)
    assert fit_many(labelled, START, seed=SEED).log_likelihood >= fit(labelled, START).log_likelihood


def test_agreeing_less_among_matches_is_a_contradiction_where_enough_is_known() -> None:
    counts = _counts(0.3, (0.9, 0.9), (0.1, 0.1), pairs=1_000)
    swapped = Parameters(np.array([0.3]), _sides((0.9, 0.3)), _sides((0.1, 0.5)), 0.0, 1, converged=True)
    assert contradictions(swapped, counts).tolist() == [False, True]
    few = PatternCounts(counts.rule, counts.levels, counts.count / 10, counts.forced)
    assert contradictions(swapped, few).tolist() == [False, False]


_SHARES = st.tuples(*[st.floats(0.01, 0.99)] * 4)


@settings(max_examples=30, deadline=None)
@given(prior=st.floats(0.001, 0.6), m=_SHARES, u=_SHARES)
def test_a_sound_end_is_only_replaced_by_a_likelier_sound_one(
    prior: float, m: tuple[float, ...], u: tuple[float, ...]
) -> None:
    counts, start = _counts(prior, m, u), _start(4)
    anchored, found = fit(counts, start), fit_many(counts, start, seed=SEED)
    if _same(anchored, found):
        return
    assert not contradictions(found, counts).any()
    if not contradictions(anchored, counts).any():
        assert found.log_likelihood > anchored.log_likelihood
        assert agreement(found.m).mean() >= agreement(anchored.m).mean()
