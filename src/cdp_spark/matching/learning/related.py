"""Related people: pairs that agree because two people share a household, not because they are one.

Two classes assume that agreement on one value says nothing about another, once it is known that a pair does not match.
Relatives break that: they share family name, address and phone at once, and count as matches. A class of their own
takes the dependence up (Larsen & Rubin 2001, Iterative automated record linkage using mixture models).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark import columns as c
from cdp_spark.matching.learning.em import fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import Comparison
    from cdp_spark.matching.learning.parameters import Parameters, PatternCounts, Side, Start

SHARED = frozenset({c.FAMILY_NAME, c.STREET, c.HOUSE_NUMBER, c.CITY, c.POSTCODE, c.PHONE, c.PHONES, c.REGION, "unit"})
"""What people of one household have in common."""
OWN = frozenset({c.GIVEN_NAME, c.BIRTH_DATE, c.NATIONAL_ID, c.EMAIL, c.EMAILS, c.GENDER})
"""What tells them apart."""
_DIFFERENT = 1
_ONE_PERSON = 2
"""Of what is one's own, so much in common makes one person: a rule that asks for it finds no related people."""


def fit_classes(counts: PatternCounts, comparisons: tuple[Comparison, ...], start: Start) -> tuple[Parameters, Start]:
    """Fit matches and others; and related people, where that explains the data better.

    In what is one's own, related people agree as often as any others; in all else they have probabilities of their own.
    Left free, the class takes in matches whose values were mistyped. A rule that asks for two own things finds no
    related people: it leaves to compare what a household shares, and its matches would look like relatives. The class
    is kept where it lowers the Bayesian information criterion (Schwarz 1978) and agrees on half of what is shared at
    least half as often as matches do.

    Args:
        counts: what was found.
        comparisons: as configured; their first column tells what is shared and what is one's own.
        start: of two classes.
    Returns: what was found, and the start that led there.
    """
    two = fit(counts, start)
    columns = tuple(comparison.columns[0] for comparison in comparisons)
    if not (SHARED.intersection(columns) and OWN.intersection(columns)) or not counts.count.sum():
        return two, start
    tied = np.isin(columns, sorted(OWN))
    unrelated = counts.forced[:, tied].sum(axis=1) >= _ONE_PERSON
    of_three = replace(start, related=_related(columns, start), tied=tied, unrelated=unrelated)
    three = fit(counts, of_three)
    if _explains(three, two, counts, of_three) and _share_half(three, columns):
        return three, of_three
    return two, start


def _related(columns: tuple[str, ...], start: Start) -> Side:
    """Like matches in what is shared, like others in what is one's own, half way in what nobody knows."""
    sides = []
    for column, m, u in zip(columns, start.m, start.u, strict=True):
        sides.append(m if column in SHARED else u if column in OWN else (m + u) / 2)
    return tuple(sides)


def _explains(three: Parameters, two: Parameters, counts: PatternCounts, start: Start) -> bool:
    assert start.tied is not None
    assert start.unrelated is not None
    levels = sum(len(side) - 2 for side, same in zip(two.u, start.tied, strict=True) if not same)
    free = levels + int((~start.unrelated).sum())
    return 2 * (three.log_likelihood - two.log_likelihood) > free * float(np.log(counts.count.sum()))


def _share_half(three: Parameters, columns: tuple[str, ...]) -> bool:
    assert three.related is not None
    m, r = (_agreement(side) for side in (three.m, three.related.r))
    return bool(np.mean((r > m / 2)[np.isin(columns, sorted(SHARED))]) >= 0.5)


def _agreement(side: Side) -> NDArray[np.float64]:
    """Probability of more than `different`, shape (comparisons,)."""
    return np.array([levels[_DIFFERENT + 1 :].sum() for levels in side])
