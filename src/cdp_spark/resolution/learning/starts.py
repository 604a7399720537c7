"""Many starts: EM ends where the likelihood is highest nearby, and what is near depends on where it starts.

Where matches are rare among candidates, the first share of them that the anchors come with is far too high: the class
takes in a part of all pairs and may stay there. So short runs of EM go from many places around the anchors, and EM goes
on to the end from where they lead best.
Source: Biernacki, Celeux & Govaert 2003, Choosing starting values for the EM algorithm for getting the highest
likelihood in multivariate Gaussian mixture models (short runs of EM); docs/adr/0013.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.resolution.learning.em import fit
from cdp_spark.resolution.learning.parameters import agreement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.resolution.learning.parameters import Parameters, PatternCounts, Side, Start

FEWEST_PAIRS = 200
"""Below this many pairs EM follows its start rather than the data."""
CONTRADICTION_SHARE = 0.1
"""Agreeing less among matches by up to this share, a comparison says nothing; by more, the classes are wrong."""
_PRIORS = (0.1, 0.03, 0.01, 0.003)
"""Shares of matches to start with, beside that of the anchored start."""
_DRAWN = 4
"""Starts drawn at random around the anchors."""
_FIRM_M, _FIRM_U = 4.0, 50.0
"""How many pairs' worth of the anchors a drawn start follows: random pairs tell u well, m is a guess."""
_SHORT_ITERATIONS = 100
"""A start with few matches looks worse at first, even where it leads best; after ten it would be given up."""
_SHORT_PAIRS = 50_000
"""Short runs see about so many pairs: they only tell which starts lead well."""
_FINISHED = 2
"""So many of the best short runs go on to the end."""
_CLEARLY = 5.0
"""Difference of log-likelihoods that is very strong evidence: twice it is 10 (Kass & Raftery 1995, Bayes factors)."""
_FEW = 0.5
"""With more matches than this share of all pairs they are not what EM could overlook."""
_APART = 0.5
"""Others that agree more than half as often as matches do are not others: they are matches with errors in them."""
_ELSEWHERE = 1.5
"""Another end with so many times as many matches, or as few, is another answer."""
_RELATED = 0.1


def fit_many(counts: PatternCounts, start: Start, *, seed: int) -> Parameters:
    """Fit from the anchors and from many places around them, and choose.

    The end of the anchored start stays, unless it is unsound, or matches are few and another end is clearly likelier.
    That one must be sound, and its matches must agree as often, on average over the comparisons, as those of the
    anchored start do: what is likelier though its matches agree less is another likeness than one person's records
    have, such as a household's. And its others must be apart from them. Where most pairs match, the likeliest two
    classes can be the matches without errors and those with some; there the anchored start leads right anyway.

    Args:
        counts: what was found.
        start: the anchors.
        seed: of the drawn starts.
    """
    anchored = fit(counts, start)
    if not counts.count.sum():
        return anchored
    generator = np.random.default_rng(seed)
    few = _thinned(counts, generator)
    short = [(it, fit(few, it, max_iterations=_SHORT_ITERATIONS)) for it in starts_around(start, counts, generator)]
    short.sort(key=lambda run: -run[1].log_likelihood)
    others = [fit(counts, it) for it, _ in short[:_FINISHED]]
    chosen = _choose(anchored, others, counts)
    return replace(chosen, rival=_rival(chosen, [anchored, *others], counts))


def starts_around(start: Start, counts: PatternCounts, generator: np.random.Generator) -> list[Start]:
    """Lower first shares of matches, and m and u drawn from Dirichlet distributions around the anchors.

    Args:
        start: the anchors.
        counts: for the number of its rules.
        generator: what is drawn depends on its state alone.
    """
    rules, classes = len(counts.forced), len(start.anchors)
    low = [replace(start, prior=_prior(share, rules, classes)) for share in _PRIORS]
    firmness = (_FIRM_M, *[_FIRM_U] * (classes - 1))
    drawn = []
    for _ in range(_DRAWN):
        share = float(np.exp(generator.uniform(np.log(_PRIORS[-1]), np.log(_PRIORS[0]))))
        sides = tuple(_drawn(side, firm, generator) for side, firm in zip(start.anchors, firmness, strict=True))
        drawn.append(replace(start, prior=_prior(share, rules, classes), sides=sides))
    return low + drawn


def contradictions(parameters: Parameters, counts: PatternCounts) -> NDArray[np.bool_]:
    """Comparisons on which matches agree far less than others, shape (comparisons,).

    Args:
        parameters: as fitted.
        counts: a comparison known in too few of these pairs contradicts nothing.
    """
    known = counts.count @ (counts.levels > 0)
    excess = agreement(parameters.u) - agreement(parameters.m)
    return np.asarray((excess > CONTRADICTION_SHARE) & (known >= FEWEST_PAIRS))


def _choose(anchored: Parameters, others: list[Parameters], counts: PatternCounts) -> Parameters:
    agreed, needed = float(agreement(anchored.m).mean()), anchored.log_likelihood + _CLEARLY
    if contradictions(anchored, counts).any():
        agreed, needed = 0.0, -np.inf
    elif _share_of_matches(anchored, counts) > _FEW:
        return anchored
    better = [
        other
        for other in others
        if other.log_likelihood > needed
        and agreement(other.m).mean() >= agreed
        and _closeness(other) <= max(_APART, _closeness(anchored))
        and not contradictions(other, counts).any()
    ]
    return max(better, key=lambda other: other.log_likelihood, default=anchored)


def _closeness(parameters: Parameters) -> float:
    """How often others agree for each time that matches do, on average over the comparisons."""
    return float(agreement(parameters.u).mean() / agreement(parameters.m).mean())


def _rival(chosen: Parameters, ends: list[Parameters], counts: PatternCounts) -> tuple[float, float] | None:
    """Shares of matches under what was chosen, and under the end that differs most among those hardly less likely."""
    own = _share_of_matches(chosen, counts)
    near = [end for end in ends if end.log_likelihood > chosen.log_likelihood - _CLEARLY]
    shares = [_share_of_matches(end, counts) for end in near]
    furthest = max(shares, key=lambda share: abs(np.log(share / own)), default=own)
    return (own, furthest) if abs(np.log(furthest / own)) > np.log(_ELSEWHERE) else None


def _share_of_matches(parameters: Parameters, counts: PatternCounts) -> float:
    """Of all pairs, each counted for every rule that finds it."""
    pairs = np.bincount(counts.rule, counts.count, minlength=len(counts.forced))
    return float(pairs @ parameters.prior / pairs.sum())


def _prior(share: float, rules: int, classes: int) -> NDArray[np.float64]:
    """The same for all rules, shape (rules, classes)."""
    related = _RELATED * (classes - 2)
    return np.tile([share, (1 - share) * (1 - related), (1 - share) * related][:classes], (rules, 1))


def _drawn(side: Side, firmness: float, generator: np.random.Generator) -> Side:
    drawn = []
    for anchor in side:
        levels = generator.dirichlet(np.maximum(firmness * anchor[1:], 0.05))
        levels = np.maximum(levels, 1e-6)
        drawn.append(np.concatenate([[1.0], levels / levels.sum()]))
    return tuple(drawn)


def _thinned(counts: PatternCounts, generator: np.random.Generator) -> PatternCounts:
    share = _SHORT_PAIRS / float(counts.count.sum())
    if share >= 1:
        return counts
    drawn = generator.poisson(counts.count * share).astype(np.float64)
    kept = drawn > 0
    return replace(
        counts,
        rule=counts.rule[kept],
        levels=counts.levels[kept],
        count=drawn[kept],
        known=None if counts.known is None else counts.known[kept],
    )
