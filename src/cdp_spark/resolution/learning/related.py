"""Related people: pairs that agree because two people share a household, not because they are one.

Two classes assume that agreement on one value says nothing about another, once it is known that a pair does not match.
Relatives break that: they share family name, address and phone at once, and count as matches. A class of their own
takes the dependence up (Larsen & Rubin 2001, Iterative automated record linkage using mixture models). Things of one
kind, such as CDs of one genre, break it too, but nobody knows beforehand in what they are alike. docs/adr/0008, 0013.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark import columns as c
from cdp_spark.resolution.learning.em import fit
from cdp_spark.resolution.learning.parameters import agreement
from cdp_spark.resolution.learning.starts import contradictions, fit_many

if TYPE_CHECKING:
    from cdp_spark.config.match import Comparison
    from cdp_spark.resolution.learning.parameters import Parameters, PatternCounts, Side, Start

SHARED = frozenset(
    {c.FAMILY_NAME, c.STREET, c.HOUSE_NUMBER, c.CITY, c.POSTCODE, c.PHONE, c.PHONES, c.REGION, "unit", c.DOMAIN}
)
"""What people of one household have in common."""
OWN = frozenset({c.GIVEN_NAME, c.BIRTH_DATE, c.NATIONAL_ID, c.GENDER, c.REGISTRATION_NUMBER})
"""What tells them apart."""
_ONE_PERSON = 2
"""Of what is one's own, so much in common makes one person: a rule that asks for it finds no related people."""


def fit_classes(
    counts: PatternCounts, comparisons: tuple[Comparison, ...], start: Start, *, seed: int
) -> tuple[Parameters, Start]:
    """Fit matches and others; and a third class, where the data has one.

    Related people are tried where there are columns that a household shares and columns that are one's own. Where
    matches still contradict what matching means, EM took another likeness for them: then pairs that are alike, in
    whatever, are given a class. Data that does not need this class is not given it, for it would take matches in.

    Args:
        counts: what was found.
        comparisons: as configured; their first column tells what is shared and what is one's own.
        start: of two classes.
        seed: of the starts that are drawn.
    Returns: what was found, and the start that led there.
    """
    two = fit_many(counts, start, seed=seed)
    if not counts.count.sum():
        return two, start
    columns = tuple(comparison.columns[0] for comparison in comparisons)
    related = _with_related(counts, columns, start, two)
    found = (two, start) if related is None else related
    if not contradictions(found[0], counts).any():
        return found
    return _with_alike(counts, start, two, seed=seed) or found


def _with_related(
    counts: PatternCounts, columns: tuple[str, ...], start: Start, two: Parameters
) -> tuple[Parameters, Start] | None:
    """Related people: in what is one's own they agree as often as any others, else they have their own probabilities.

    There is one start: it says what relatives are. From many the likeliest is a class of matches whose values were
    mistyped, and left free the class takes those in as well. A rule that asks for two own things finds no
    related people: it leaves to compare what a household shares, and its matches would look like relatives. The class
    is kept where it lowers the Bayesian information criterion (Schwarz 1978) and agrees on half of what is shared at
    least half as often as matches do.
    """
    if not (SHARED.intersection(columns) and OWN.intersection(columns)):
        return None
    tied = np.isin(columns, sorted(OWN))
    unrelated = counts.forced[:, tied].sum(axis=1) >= _ONE_PERSON
    if counts.are_few:
        unrelated = np.zeros_like(unrelated)
    of_three = replace(start, related=_related(columns, start), tied=tied, unrelated=unrelated)
    three = fit(counts, of_three)
    levels = sum(len(side) - 2 for side, same in zip(two.u, tied, strict=True) if not same)
    free = levels + int((~unrelated).sum())
    if counts.are_few:
        return three, of_three
    return (three, of_three) if _explains(three, two, counts, free) and _share_half(three, columns) else None


def _with_alike(counts: PatternCounts, start: Start, two: Parameters, *, seed: int) -> tuple[Parameters, Start] | None:
    """Pairs alike in something: half way between matches and others at first, then free in everything.

    The class is kept where it lowers the Bayesian information criterion, the contradiction is gone and matches agree at
    least as often as what is only alike.
    """
    of_three = replace(start, related=tuple((m + u) / 2 for m, u in zip(start.m, start.u, strict=True)))
    three = fit_many(counts, of_three, seed=seed)
    assert three.related is not None
    free = sum(len(side) - 2 for side in two.u) + len(counts.forced)
    sound = not contradictions(three, counts).any()
    closest = agreement(three.m).mean() >= agreement(three.related.r).mean()
    return (three, of_three) if sound and closest and _explains(three, two, counts, free) else None


def _related(columns: tuple[str, ...], start: Start) -> Side:
    """Like matches in what is shared, like others in what is one's own, half way in what nobody knows."""
    if start.expected_related is not None:
        return start.expected_related
    sides = []
    for column, m, u in zip(columns, start.m, start.u, strict=True):
        sides.append(m if column in SHARED else u if column in OWN else (m + u) / 2)
    return tuple(sides)


def _explains(three: Parameters, two: Parameters, counts: PatternCounts, free: int) -> bool:
    return 2 * (three.log_likelihood - two.log_likelihood) > free * float(np.log(counts.count.sum()))


def _share_half(three: Parameters, columns: tuple[str, ...]) -> bool:
    assert three.related is not None
    m, r = (agreement(side) for side in (three.m, three.related.r))
    return bool(np.mean((r > m / 2)[np.isin(columns, sorted(SHARED))]) >= 0.5)
