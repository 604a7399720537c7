"""Expectation-maximisation for Fellegi–Sunter parameters, conditioned on the blocking rule.

A pair that a blocking rule finds agrees on what the rule asks for, so pairs are counted for every rule that finds them,
and the comparisons that the rule forces are left out of that rule's counts. The priors are the rules' own; the
probabilities of the levels among matches (m), related people (r) and others (u) are shared by all rules.

What is known beforehand counts as so many pairs more, of each level and of each rule. Where levels are to be in order,
the likeliest probabilities are taken under which a level that agrees more never speaks less for a match.
Source: Fellegi & Sunter 1969; Winkler 1988 for EM; docs/adr/0005 for the conditioning, 0008 for related people.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.resolution.learning.levels import held_below, level_shares
from cdp_spark.resolution.learning.parameters import Parameters, Related

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.resolution.learning.parameters import PatternCounts, Side, Start

_FLOOR = 1e-6
_NOBODY = 1e-100
"""A share that no evidence makes up for, and of which there is a logarithm."""
_START_PRIOR, _START_RELATED = 0.3, 0.1
"""First share of matches, and of related people, under every rule; where EM ends hardly depends on it."""


def fit(counts: PatternCounts, start: Start, *, max_iterations: int = 500, tolerance: float = 1e-7) -> Parameters:
    """Maximise the likelihood of the counts from the given start.

    Args:
        counts: what was found.
        start: first probabilities, two pairs' worth of which stay mixed in.
        max_iterations: give up after these.
        tolerance: relative change of the log-likelihood that ends the search.
    """
    counts = replace(counts, levels=np.asfortranarray(counts.levels))  # it is read by columns
    sides = start.sides or start.anchors
    prior = _without_related(_first_prior(start, rules=len(counts.forced)), start)
    last, converged, iteration = -np.inf, False, 0
    while iteration < max_iterations and not converged:
        iteration += 1
        classes, log_likelihood = _expect(counts, prior, sides, start.shares)
        prior, sides = _maximise(counts, classes, prior, start)
        prior = _without_related(prior, start)
        converged = abs(log_likelihood - last) <= tolerance * abs(log_likelihood)
        last = log_likelihood
    third = None if start.related is None else Related(prior[:, 2], sides[2])
    return Parameters(prior[:, 0], sides[0], sides[1], last, iteration, converged, third, start.shares)


def _first_prior(start: Start, *, rules: int) -> NDArray[np.float64]:
    if start.prior is not None:
        return start.prior
    if start.starts_at_rules:
        before = start.rule_pairs_before(rules)
        return np.asarray(before / before.sum(axis=1, keepdims=True))
    related = 0.0 if start.related is None else _START_RELATED
    first = np.array([_START_PRIOR, 1 - _START_PRIOR - related, related])[: len(start.anchors)]
    return np.tile(first, (rules, 1))


def _without_related(prior: NDArray[np.float64], start: Start) -> NDArray[np.float64]:
    """The priors of all rules and classes, next to none of related people under the rules that find none."""
    if start.unrelated is None:
        return prior
    left = prior.copy()
    left[start.unrelated, 2] = _NOBODY
    return np.asarray(left / left.sum(axis=1, keepdims=True))


def _log_probability(counts: PatternCounts, side: Side, shares: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Log-probability of each pattern's levels within a class, shape (patterns,)."""
    total = np.zeros(len(counts.rule))
    for comparison, probability in enumerate(side):
        logs = np.log(probability) * (1.0 if shares is None else shares[comparison])
        logs[0] = 0.0
        total += logs[counts.levels[:, comparison]]
    return total


def _expect(
    counts: PatternCounts, prior: NDArray[np.float64], sides: tuple[Side, ...], shares: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], float]:
    """Probability of each class given the pattern, shape (patterns, classes), and the log-likelihood of all pairs."""
    log_prior = np.log(prior)
    joint = np.stack(
        [log_prior[counts.rule, at] + _log_probability(counts, side, shares) for at, side in enumerate(sides)]
    )
    if counts.known is not None:  # a label rules classes out
        joint[1:, counts.known == 1] = -np.inf
        joint[0, counts.known == 0] = -np.inf
    most = joint.max(axis=0)
    likelihood = np.exp(joint - most)
    total = likelihood.sum(axis=0)
    return (likelihood / total).T, float(counts.count @ (most + np.log(total)))


def _maximise(
    counts: PatternCounts, classes: NDArray[np.float64], prior: NDArray[np.float64], start: Start
) -> tuple[NDArray[np.float64], tuple[Side, ...]]:
    weight = counts.count[:, np.newaxis] * classes
    rules, size = prior.shape
    hits = np.stack([np.bincount(counts.rule, weight[:, at], minlength=rules) for at in range(size)], axis=1)
    before = start.rule_pairs_before(rules)
    found = hits.sum(axis=1, keepdims=True)
    shares = np.where(found > 0, (hits + before) / (found + before.sum(axis=1, keepdims=True)), prior)
    shares = np.clip(shares, _FLOOR, 1 - _FLOOR)
    return shares / shares.sum(axis=1, keepdims=True), _sides(counts, weight, start)


def _sides(counts: PatternCounts, weight: NDArray[np.float64], start: Start) -> tuple[Side, ...]:
    """Probabilities of the levels in each class, one array a comparison."""
    before = start.pairs_before
    size = counts.levels.shape[1]
    found: list[list[NDArray[np.float64]]] = [[] for _ in before]
    for at in range(size):
        pairs = [_by_level(counts.levels[:, at], weight[:, of], side[at]) for of, side in enumerate(before)]
        is_tied = start.tied is not None and bool(start.tied[at])
        own = 0.0 if start.own is None else float(start.own[at])
        ordered = start.ordered is not None and bool(start.ordered[at])
        shares = level_shares(pairs, own=own if is_tied else None, ordered=ordered)
        if start.limits is not None:
            shares[0] = held_below(shares[0], start.limits[at].given(shares[1]))
        for side, levels in zip(found, shares, strict=True):
            side.append(levels)
    return tuple(map(tuple, found))


def _by_level(
    levels: NDArray[np.int64], weight: NDArray[np.float64], before: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Pairs of each known level, those that are known beforehand among them; 0 for level 0."""
    pairs = np.bincount(levels, weight, minlength=len(before)) + before
    pairs[0] = 0.0
    return np.asarray(pairs)
