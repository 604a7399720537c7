"""What agreement weighs within a key: two records that share a coarse key of a column can still agree on it or not.

A rule that asks for a birth date's day and month says nothing about its year, one that asks for a word nothing about
the other words. Among the pairs with such a key the levels have probabilities of their own, the same for all rules with
it. To EM they are further comparisons, which count under those rules only; docs/adr/0011.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.resolution.learning.em import fit
from cdp_spark.resolution.learning.parameters import Related, Within, agreement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cdp_spark.config.match import BlockingKey
    from cdp_spark.resolution.learning.parameters import Parameters, PatternCounts, Side, Start

_FURTHER_ITERATIONS = 50
"""After a fit that converged a few dozen change the weights by less than anyone can tell."""


@dataclass(frozen=True)
class Layout:
    """Which comparisons count under which rule.

    Args:
        forced: comparisons whose column a rule asks for, shape (rules, comparisons).
        place: number of the key by which a rule asks for the column, -1 for none, shape (rules, comparisons).
        whole: comparisons whose very value, of their first column, a rule asks for, shape (rules, comparisons).
    """

    forced: NDArray[np.bool_]
    place: NDArray[np.int64]
    whole: NDArray[np.bool_]

    @property
    def comparison(self) -> NDArray[np.int64]:
        """The comparison of each numbered key, shape (keys,)."""
        found = np.zeros(int(self.place.max(initial=-1)) + 1, dtype=np.int64)
        rules, comparisons = np.nonzero(self.place >= 0)
        found[self.place[rules, comparisons]] = comparisons
        return found


def lay_out(
    keys: list[list[tuple[BlockingKey, ...]]], comparisons: int, *, first: Sequence[str] | None = None
) -> Layout:
    """Number the distinct keys.

    Args:
        keys: of each rule and comparison, the parts of the rule on the comparison's columns.
        comparisons: how many there are.
        first: each comparison's first column; None where any counts as such.
    """
    numbers: dict[tuple[int, tuple[tuple[str, str, int], ...]], int] = {}
    place = [
        [numbers.setdefault((at, _signature(parts)), len(numbers)) if parts else -1 for at, parts in enumerate(of_rule)]
        for of_rule in keys
    ]
    shaped = np.array(place, dtype=np.int64).reshape(len(keys), comparisons)
    whole = [
        [
            any(key.transform == "exact" and (first is None or key.column == first[at]) for key in parts)
            for at, parts in enumerate(of_rule)
        ]
        for of_rule in keys
    ]
    return Layout(shaped >= 0, shaped, np.array(whole, dtype=bool).reshape(shaped.shape))


def _signature(parts: tuple[BlockingKey, ...]) -> tuple[tuple[str, str, int], ...]:
    return tuple(sorted((key.column, key.transform, key.length) for key in parts))


def fit_within(counts: PatternCounts, start: Start, fitted: Parameters, layout: Layout) -> Parameters:
    """Go on from a fit without forced comparisons, and learn what they weigh within the keys as well.

    Where the keys come into it from the start, they decide what a match is: people of one flat, where those are many.

    Args:
        counts: the level of every comparison, forced or not.
        start: of the fit that was made.
        fitted: what it found.
        layout: keys of the rules.
    """
    keys = layout.comparison
    further = _with_keys(counts, layout.place, keys)
    begin = replace(_start_from(fitted, start, keys, further), ordered=_ordered(fitted, keys, counts))
    found = fit(further, begin, max_iterations=_FURTHER_ITERATIONS, tolerance=1e-6)
    size, related = layout.place.shape[1], found.related
    within = Within(layout.place, found.m[size:], found.u[size:], None if related is None else related.r[size:])
    return replace(
        found,
        iterations=fitted.iterations + found.iterations,
        converged=fitted.converged,
        m=found.m[:size],
        u=found.u[:size],
        related=None if related is None else Related(related.prior, related.r[:size]),
        shares=start.shares,
        within=within if len(keys) else None,
        agreed=np.stack([agreement(fitted.m), agreement(fitted.u)]),
        rival=fitted.rival,
    )


def _with_keys(counts: PatternCounts, place: NDArray[np.int64], keys: NDArray[np.int64]) -> PatternCounts:
    """Put the keys behind the comparisons: a comparison's level stands under its key where the rule asks for one."""
    size = place.shape[1]
    forced = np.ones((len(place), size + len(keys)), dtype=bool)
    forced[:, :size] = place >= 0
    rules, columns = np.nonzero(place >= 0)
    forced[rules, size + place[rules, columns]] = False
    every = np.concatenate([np.arange(size), keys])
    levels = np.where(forced[counts.rule], 0, counts.levels[:, every])
    return replace(counts, levels=levels, forced=forced)


def _start_from(fitted: Parameters, start: Start, keys: NDArray[np.int64], counts: PatternCounts) -> Start:
    """The classes as they were found; to the keys, half way between matches and others, all classes are alike."""
    neutral = tuple((start.m[at] + start.u[at]) / 2 for at in keys)
    related = fitted.related
    third = 0.0 if related is None else related.prior
    prior = [fitted.prior, 1 - fitted.prior - third, *([] if related is None else [related.prior])]
    sides = [fitted.m, fitted.u, *([] if related is None else [related.r])]
    return replace(
        start,
        m=start.m + neutral,
        u=start.u + neutral,
        related=None if start.related is None else start.related + neutral,
        tied=None if start.tied is None else np.concatenate([start.tied, start.tied[keys]]),
        shares=None if start.shares is None else np.concatenate([start.shares, start.shares[keys]]),
        prior=np.stack(prior, axis=1),
        sides=tuple(side + neutral for side in sides),
        pulls=None if start.pulls is None else _pulls_within(start.pulls, keys, counts),
        own=None if start.own is None else np.concatenate([start.own, start.own[keys]]),
        limits=None if start.limits is None else start.limits + tuple(start.limits[at] for at in keys),
    )


def _ordered(fitted: Parameters, keys: NDArray[np.int64], counts: PatternCounts) -> NDArray[np.bool_]:
    """Which comparisons keep to the order of their levels: within a key few pairs do, many speak for themselves."""
    return np.concatenate([np.ones(len(fitted.m), dtype=bool), np.full(len(keys), counts.are_few)])


def _pulls_within(pulls: tuple[Side, ...], keys: NDArray[np.int64], counts: PatternCounts) -> tuple[Side, ...]:
    """What is known beforehand holds within a key, too, for the levels that pairs with that key have."""
    size = len(pulls[0])
    seen = [np.bincount(counts.levels[:, size + at], minlength=len(pulls[0][key])) > 0 for at, key in enumerate(keys)]
    return tuple(
        side + tuple(_restricted(side[key], levels) for key, levels in zip(keys, seen, strict=True)) for side in pulls
    )


def _restricted(pull: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    kept = np.where(seen, pull, 0.0)
    kept[0] = 0.0
    return np.asarray(kept)
