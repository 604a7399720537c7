"""Expectation-maximisation for Fellegi–Sunter parameters, conditioned on the blocking rule.

A pair that a blocking rule finds agrees on what the rule asks for, so pairs are counted for every rule that finds them,
and the comparisons that the rule forces are left out of that rule's counts. The priors are the rules' own; the
probabilities of the levels among matches (m) and non-matches (u) are shared by all rules.
Source: Fellegi & Sunter 1969; Winkler 1988 for EM; docs/adr/0005 for the conditioning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLOOR = 1e-6


@dataclass(frozen=True)
class PatternCounts:
    """How often each comparison pattern was found by each rule.

    Args:
        rule: the rule, shape (patterns,).
        levels: level of each comparison, 0 for missing, shape (patterns, comparisons).
        count: pairs, shape (patterns,).
        forced: comparisons that a rule forces, shape (rules, comparisons).
        known: 1 where a label says that the pairs match, 0 where one says that they do not, NaN where none says
            anything, shape (patterns,); None without labels.
    """

    rule: NDArray[np.int64]
    levels: NDArray[np.int64]
    count: NDArray[np.float64]
    forced: NDArray[np.bool_]
    known: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Parameters:
    """A fitted model's probabilities.

    Args:
        prior: share of matches among the pairs that a rule finds, shape (rules,).
        m: probability of a level among matches, one array a comparison; level 0 is unused.
        u: the same among non-matches.
        log_likelihood: at the last iteration, natural logarithm.
        iterations: until convergence.
        converged: False where the limit of iterations ended it.
    """

    prior: NDArray[np.float64]
    m: tuple[NDArray[np.float64], ...]
    u: tuple[NDArray[np.float64], ...]
    log_likelihood: float
    iterations: int
    converged: bool


def fit(
    counts: PatternCounts,
    *,
    start_m: tuple[NDArray[np.float64], ...],
    start_u: tuple[NDArray[np.float64], ...],
    start_prior: float = 0.3,
    max_iterations: int = 500,
    tolerance: float = 1e-7,
) -> Parameters:
    """Maximise the likelihood of the counts from the given start.

    Args:
        counts: what was found.
        start_m: first m, one array a comparison.
        start_u: first u.
        start_prior: first share of matches of every rule.
        max_iterations: give up after these.
        tolerance: relative change of the log-likelihood that ends the search.
    """
    prior = np.full(len(counts.forced), start_prior)
    m, u = start_m, start_u
    last, converged, iteration = -np.inf, False, 0
    while iteration < max_iterations and not converged:
        iteration += 1
        posterior, log_likelihood = _expect(counts, prior, m, u)
        prior, m, u = _maximise(counts, posterior, prior, start_m, start_u)
        converged = abs(log_likelihood - last) <= tolerance * abs(log_likelihood)
        last = log_likelihood
    return Parameters(prior, m, u, last, iteration, converged)


def log_ratios(
    m: tuple[NDArray[np.float64], ...], u: tuple[NDArray[np.float64], ...]
) -> tuple[NDArray[np.float64], ...]:
    """log2(m/u) by level, one array a comparison; 0 bits for a missing value."""
    ratios = []
    for matched, unmatched in zip(m, u, strict=True):
        ratio = np.log2(matched) - np.log2(unmatched)
        ratio[0] = 0.0
        ratios.append(ratio)
    return tuple(ratios)


def _sides(counts: PatternCounts, probabilities: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64]:
    """Log-probability of each pattern's unforced levels."""
    total = np.zeros(len(counts.rule))
    for comparison, probability in enumerate(probabilities):
        logs = np.log(probability)
        logs[0] = 0.0
        free = ~counts.forced[counts.rule, comparison]
        total += np.where(free, logs[counts.levels[:, comparison]], 0.0)
    return total


def _expect(
    counts: PatternCounts,
    prior: NDArray[np.float64],
    m: tuple[NDArray[np.float64], ...],
    u: tuple[NDArray[np.float64], ...],
) -> tuple[NDArray[np.float64], float]:
    match = np.log(prior)[counts.rule] + _sides(counts, m)
    other = np.log1p(-prior)[counts.rule] + _sides(counts, u)
    total = np.logaddexp(match, other)
    posterior = np.exp(match - total)
    if counts.known is not None:
        labelled = ~np.isnan(counts.known)
        posterior = np.where(labelled, counts.known, posterior)
        total = np.where(labelled, np.where(counts.known == 1, match, other), total)
    return posterior, float(counts.count @ total)


def _maximise(
    counts: PatternCounts,
    posterior: NDArray[np.float64],
    prior: NDArray[np.float64],
    prior_m: tuple[NDArray[np.float64], ...],
    prior_u: tuple[NDArray[np.float64], ...],
) -> tuple[NDArray[np.float64], tuple[NDArray[np.float64], ...], tuple[NDArray[np.float64], ...]]:
    matched = counts.count * posterior
    unmatched = counts.count - matched
    found = np.bincount(counts.rule, counts.count, minlength=len(prior))
    hits = np.bincount(counts.rule, matched, minlength=len(prior))
    new_prior = np.where(found > 0, (hits + 1) / (found + 2), prior)
    m, u = [], []
    for comparison, (anchor_m, anchor_u) in enumerate(zip(prior_m, prior_u, strict=True)):
        free = ~counts.forced[counts.rule, comparison]
        levels = counts.levels[:, comparison]
        m.append(_shares(levels, np.where(free, matched, 0.0), anchor_m))
        u.append(_shares(levels, np.where(free, unmatched, 0.0), anchor_u))
    return np.clip(new_prior, _FLOOR, 1 - _FLOOR), tuple(m), tuple(u)


def _shares(levels: NDArray[np.int64], weight: NDArray[np.float64], anchor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each level among known values, with two pairs' worth of the anchor mixed in."""
    by_level = np.bincount(levels, weight, minlength=len(anchor))
    by_level[0] = 0.0
    smoothed = by_level + 2.0 * anchor
    smoothed[0] = 0.0
    share = np.clip(smoothed / smoothed.sum(), _FLOOR, 1.0)
    share[0] = 1.0
    return np.asarray(share)
