"""What EM counts, where it starts and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIFFERENT = 1
"""The level of two known values that have nothing in common; 0 is missing, higher levels agree more."""

_ANCHOR_PAIRS = 2.0
_FEW_PAIRS = 2_000
"""Fewer pairs don't show whether there are relatives, nor what levels are worth: that is known beforehand."""

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

    @property
    def are_few(self) -> bool:
        """Whether too few pairs were found for agreeing on something to say by themselves what levels are worth.

        Pairs of a rule that asks for nothing don't count: there are many of them in any file, and nearly all are of
        strangers.
        """
        asked = np.asarray(self.forced.any(axis=1))[self.rule]
        return float(self.count[asked].sum()) < _FEW_PAIRS


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
        agreed: how often matches and others agreed on each comparison before levels were put in order, shape
            (2, comparisons); None where they were not, and in a model that was saved.
        rival: share of matches among the pairs here, and where another start ends that is hardly less likely; None
            where no start ends so, and in a model that was saved.
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
    agreed: NDArray[np.float64] | None = None
    rival: tuple[float, float] | None = None


@dataclass(frozen=True)
class Limit:
    """How frequent the levels of a comparison may be among matches; infinity where nothing limits a level.

    Args:
        times_others: most times as frequent as among others, shape (levels,).
        share: most as a share of matches, shape (levels,).
    """

    times_others: NDArray[np.float64]
    share: NDArray[np.float64]

    def given(self, others: NDArray[np.float64]) -> NDArray[np.float64]:
        """Largest share of matches at each level, where the shares of others are known."""
        return np.minimum(self.times_others * others, self.share)


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
        pulls: pairs of each level that are added to those found, by class; None for two pairs' worth of the anchors.
        rule_pull: pairs of each class that are added to those that a rule finds, shape (rules, classes).
        expected_related: what `related` is to begin with where that class is tried; None to work it out.
        starts_at_rules: whether the first shares of the classes are those of `rule_pull`.
        own: part of related people who agree on a tied comparison as one person does, shape (comparisons,).
        limits: how frequent a level may be among matches, by comparison; None where the data alone says it.
        ordered: comparisons in which a level that agrees more never speaks less for a match, shape (comparisons,);
            None for none.
    """

    m: Side
    u: Side
    related: Side | None = None
    tied: NDArray[np.bool_] | None = None
    unrelated: NDArray[np.bool_] | None = None
    shares: NDArray[np.float64] | None = None
    prior: NDArray[np.float64] | None = None
    sides: tuple[Side, ...] | None = None
    pulls: tuple[Side, ...] | None = None
    rule_pull: NDArray[np.float64] | None = None
    expected_related: Side | None = None
    starts_at_rules: bool = False
    own: NDArray[np.float64] | None = None
    limits: tuple[Limit, ...] | None = None
    ordered: NDArray[np.bool_] | None = None

    @property
    def anchors(self) -> tuple[Side, ...]:
        """By class: matches, others, and related people where there are some."""
        return (self.m, self.u) if self.related is None else (self.m, self.u, self.related)

    @property
    def pairs_before(self) -> tuple[Side, ...]:
        """Pairs of each level that every class begins with."""
        if self.pulls is not None:
            return self.pulls[: len(self.anchors)]
        return tuple(tuple(_ANCHOR_PAIRS * level for level in side) for side in self.anchors)

    def rule_pairs_before(self, rules: int) -> NDArray[np.float64]:
        """Pairs of each class that every rule begins with, shape (rules, classes)."""
        classes = len(self.anchors)
        if self.rule_pull is None:
            return np.ones((rules, classes))
        pull = self.rule_pull[:, :classes]
        return np.asarray(pull / pull.sum(axis=1, keepdims=True) * self.rule_pull.sum(axis=1, keepdims=True))


def log_ratios(m: Side, u: Side) -> Side:
    """log2(m/u) by level, one array a comparison; 0 bits for a missing value."""
    ratios = []
    for matched, unmatched in zip(m, u, strict=True):
        ratio = np.log2(matched) - np.log2(unmatched)
        ratio[0] = 0.0
        ratios.append(ratio)
    return tuple(ratios)


def agreement(side: Side) -> NDArray[np.float64]:
    """Probability of more than `different`, shape (comparisons,)."""
    return np.array([levels[_DIFFERENT + 1 :].sum() for levels in side])
