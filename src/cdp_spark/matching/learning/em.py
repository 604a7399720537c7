"""Expectation-maximisation for Fellegi–Sunter parameters, conditioned on the blocking rule.

A pair that a blocking rule finds agrees on what the rule asks for, so pairs are counted for every rule that finds them,
and the comparisons that the rule forces are left out of that rule's counts. The priors are the rules' own; the
probabilities of the levels among matches (m), related people (r) and others (u) are shared by all rules.
Source: Fellegi & Sunter 1969; Winkler 1988 for EM; docs/adr/0005 for the conditioning, 0008 for related people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLOOR = 1e-6
_NOBODY = 1e-100
"""A share that no evidence makes up for, and of which there is a logarithm."""
_START_PRIOR, _START_RELATED = 0.3, 0.1
"""First share of matches, and of related people, under every rule; where EM ends hardly depends on it."""


Side = tuple["NDArray[np.float64]", ...]
"""Probability of each level within one class, one array a comparison."""


@dataclass(frozen=True)
class PatternCounts:
    """How often each comparison pattern was found by each rule.

    Args:
        rule: the rule, shape (patterns,).
        levels: level of each comparison, 0 for missing or forced by the rule, shape (patterns, comparisons).
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
class Related:
    """Pairs of two people who have much in common, such as those of one household: a class of its own.

    Args:
        prior: share of such pairs among those that a rule finds, shape (rules,).
        r: probability of a level among them, one array a comparison; level 0 is unused.
    """

    prior: NDArray[np.float64]
    r: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class Within:
    """Probabilities of levels among pairs that share a key on the comparison's own column.

    Args:
        place: where a rule's and comparison's probabilities stand, -1 where the rule asks nothing of its column, shape
            (rules, comparisons).
        m: probability of a level among matches, one array a place.
        u: the same among non-matches, those of related people apart.
        r: the same among related people; None where the data has none.
    """

    place: NDArray[np.int64]
    m: Side
    u: Side
    r: Side | None = None


@dataclass(frozen=True)
class Parameters:
    """A fitted model's probabilities.

    Args:
        prior: share of matches among the pairs that a rule finds, shape (rules,).
        m: probability of a level among matches, one array a comparison; level 0 is unused.
        u: the same among non-matches, those of related people apart.
        log_likelihood: at the last iteration, natural logarithm.
        iterations: until convergence.
        converged: False where the limit of iterations ended it.
        related: the class of related people; None where the data has none.
        shares: part of its bits that each comparison keeps, shape (comparisons,); None where all keep all.
        within: what levels are worth under the rules that ask for their column; None where that is not known.
    """

    prior: NDArray[np.float64]
    m: tuple[NDArray[np.float64], ...]
    u: tuple[NDArray[np.float64], ...]
    log_likelihood: float
    iterations: int
    converged: bool
    related: Related | None = None
    shares: NDArray[np.float64] | None = None
    within: Within | None = None


@dataclass(frozen=True)
class Start:
    """Where EM starts, and which classes there are.

    Args:
        m: first probability of a level among matches, one array a comparison.
        u: the same among others.
        related: the same among related people; None for two classes.
        tied: comparisons in which related people are as any others, shape (comparisons,); None for two classes.
        unrelated: rules that find no related people, shape (rules,); None for two classes.
        shares: part of its bits that each comparison keeps, shape (comparisons,); None where all keep all.
        prior: first share of each class under every rule, shape (rules, classes); None for the same under all.
        sides: first probabilities where they are not the anchors `m`, `u` and `related`.
    """

    m: Side
    u: Side
    related: Side | None = None
    tied: NDArray[np.bool_] | None = None
    unrelated: NDArray[np.bool_] | None = None
    shares: NDArray[np.float64] | None = None
    prior: NDArray[np.float64] | None = None
    sides: tuple[Side, ...] | None = None

    @property
    def anchors(self) -> tuple[Side, ...]:
        """By class: matches, others, and related people where there are some."""
        return (self.m, self.u) if self.related is None else (self.m, self.u, self.related)


def fit(counts: PatternCounts, start: Start, *, max_iterations: int = 500, tolerance: float = 1e-7) -> Parameters:
    """Maximise the likelihood of the counts from the given start.

    Args:
        counts: what was found.
        start: first probabilities, two pairs' worth of which stay mixed in.
        max_iterations: give up after these.
        tolerance: relative change of the log-likelihood that ends the search.
    """
    anchors, sides = start.anchors, start.sides or start.anchors
    prior = _without_related(_first_prior(start, rules=len(counts.forced)), start)
    last, converged, iteration = -np.inf, False, 0
    while iteration < max_iterations and not converged:
        iteration += 1
        classes, log_likelihood = _expect(counts, prior, sides, start.shares)
        prior, sides = _maximise(counts, classes, prior, anchors)
        prior = _without_related(prior, start)
        if start.tied is not None:
            sides = _tie(counts, classes, sides, start)
        converged = abs(log_likelihood - last) <= tolerance * abs(log_likelihood)
        last = log_likelihood
    third = None if start.related is None else Related(prior[:, 2], sides[2])
    return Parameters(prior[:, 0], sides[0], sides[1], last, iteration, converged, third, start.shares)


def _first_prior(start: Start, *, rules: int) -> NDArray[np.float64]:
    if start.prior is not None:
        return start.prior
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


def log_ratios(m: Side, u: Side) -> Side:
    """log2(m/u) by level, one array a comparison; 0 bits for a missing value."""
    ratios = []
    for matched, unmatched in zip(m, u, strict=True):
        ratio = np.log2(matched) - np.log2(unmatched)
        ratio[0] = 0.0
        ratios.append(ratio)
    return tuple(ratios)


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
    joint = np.stack(
        [np.log(prior[counts.rule, at]) + _log_probability(counts, side, shares) for at, side in enumerate(sides)],
        axis=1,
    )
    if counts.known is not None:  # a label rules classes out
        joint[counts.known == 1, 1:] = -np.inf
        joint[counts.known == 0, 0] = -np.inf
    total = np.logaddexp.reduce(joint, axis=1)
    return np.exp(joint - total[:, np.newaxis]), float(counts.count @ total)


def _maximise(
    counts: PatternCounts,
    classes: NDArray[np.float64],
    prior: NDArray[np.float64],
    anchors: tuple[Side, ...],
) -> tuple[NDArray[np.float64], tuple[Side, ...]]:
    weight = counts.count[:, np.newaxis] * classes
    rules, size = prior.shape
    hits = np.stack([np.bincount(counts.rule, weight[:, at], minlength=rules) for at in range(size)], axis=1)
    found = hits.sum(axis=1, keepdims=True)
    shares = np.clip(np.where(found > 0, (hits + 1) / (found + size), prior), _FLOOR, 1 - _FLOOR)
    sides = tuple(_side(counts, weight[:, at], anchor) for at, anchor in enumerate(anchors))
    return shares / shares.sum(axis=1, keepdims=True), sides


def _tie(
    counts: PatternCounts, classes: NDArray[np.float64], sides: tuple[Side, ...], start: Start
) -> tuple[Side, ...]:
    """Give related people and others one probability of the levels of each tied comparison."""
    assert start.tied is not None
    together = _side(counts, counts.count * classes[:, 1:].sum(axis=1), start.u)
    others, related = (
        tuple(np.where(tied, one, own) for tied, one, own in zip(start.tied, together, side, strict=True))
        for side in sides[1:]
    )
    return sides[0], others, related


def _side(counts: PatternCounts, weight: NDArray[np.float64], anchors: Side) -> Side:
    return tuple(_shares(counts.levels[:, at], weight, anchor) for at, anchor in enumerate(anchors))


def _shares(levels: NDArray[np.int64], weight: NDArray[np.float64], anchor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each level among known values, with two pairs' worth of the anchor mixed in."""
    by_level = np.bincount(levels, weight, minlength=len(anchor))
    by_level[0] = 0.0
    smoothed = by_level + 2.0 * anchor
    smoothed[0] = 0.0
    share = np.clip(smoothed / smoothed.sum(), _FLOOR, 1.0)
    share[0] = 1.0
    return np.asarray(share)
