"""Related people become a class where the data has some, and no other data gets one."""

import numpy as np
import pytest

from cdp_spark import columns as c
from cdp_spark.config.match import Comparison
from cdp_spark.resolution.learning.parameters import Parameters, PatternCounts, Start, agreement
from cdp_spark.resolution.learning.related import fit_classes

COLUMNS = (c.GIVEN_NAME, c.BIRTH_DATE, c.FAMILY_NAME, c.STREET, c.PHONE)
COMPARISONS = tuple(Comparison(name=name, method="exact", columns=(name,)) for name in COLUMNS)
FORCED = np.array([[False, False, True, False, False], [False, True, False, False, False]])
"""A rule on the family name and one on the birth date."""
M = (0.9, 0.95, 0.9, 0.7, 0.8)
R = (0.01, 0.001, 0.9, 0.95, 0.6)
U = (0.01, 0.001, 0.005, 0.002, 0.0005)
"""Probability of agreement among matches, related people and strangers, in the order of the columns."""


def _sides(agreement: tuple[float, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.array([1.0, 1 - share, share]) for share in agreement)


START = Start(_sides((0.75,) * 5), _sides(U))


def _counts(
    matches: float, related: float, strangers: float, every: np.ndarray = FORCED
) -> tuple[PatternCounts, np.ndarray]:
    """The exact expected counts of a rule's every pattern, and the share of matches in each."""
    rows = []
    for rule, forced in enumerate(every):
        for agrees in np.ndindex(*(1 if by_rule else 2 for by_rule in forced)):
            levels = np.where(forced, 0, np.array(agrees) + 1)
            classes = [
                pairs
                * np.prod([p if by_rule or it else 1 - p for p, it, by_rule in zip(side, agrees, forced, strict=True)])
                for pairs, side in ((matches, M), (related, R), (strangers, U))
            ]
            rows.append((rule, *levels, sum(classes), classes[0] / sum(classes)))
    table = np.array(rows)
    counts = PatternCounts(table[:, 0].astype(int), table[:, 1:6].astype(int), table[:, 6], every)
    return counts, table[:, 7]


def _fit(counts: PatternCounts, comparisons: tuple[Comparison, ...] = COMPARISONS) -> Parameters:
    return fit_classes(counts, comparisons, START, seed=7)[0]


def test_relatives_are_told_from_matches() -> None:
    counts, _ = _counts(matches=2_000, related=8_000, strangers=1e7)
    found = _fit(counts)
    assert found.related is not None
    assert [float(side[2]) for side in found.m] == pytest.approx(M, abs=0.01)
    told = (0, 1, 3, 4)  # too few relatives share a birth date to tell how often they share a family name
    assert [float(found.related.r[at][2]) for at in told] == pytest.approx([R[at] for at in told], abs=0.01)
    by_family = 8_000 * R[2] / (2_000 * M[2] + 8_000 * R[2] + 1e7 * U[2])
    assert found.related.prior[0] == pytest.approx(by_family, rel=0.05)


def test_without_relatives_there_is_no_class_of_them() -> None:
    counts, _ = _counts(matches=2_000, related=0, strangers=1e7)
    assert _fit(counts).related is None


def test_columns_that_tell_no_household_give_no_class() -> None:
    counts, _ = _counts(matches=2_000, related=8_000, strangers=1e7)
    alien = tuple(Comparison(name=f"x{at}", method="exact", columns=(f"x{at}",)) for at in range(5))
    assert _fit(counts, alien).related is None


def test_no_pairs_give_no_class() -> None:
    empty = PatternCounts(np.zeros(0, dtype=int), np.zeros((0, 5), dtype=int), np.zeros(0), FORCED)
    assert _fit(empty).related is None


def test_labels_rule_classes_out() -> None:
    """Relatives that labels call one person are one, whatever the other pairs say."""
    counts, _ = _counts(matches=2_000, related=8_000, strangers=1e7)
    household = (counts.levels == (1, 1, 0, 2, 2)).all(axis=1)
    labelled = PatternCounts(counts.rule, counts.levels, counts.count, FORCED, np.where(household, 1.0, np.nan))
    assert _fit(labelled).m[0][1] > _fit(counts).m[0][1] + 0.2


def test_a_rule_that_asks_for_two_own_things_finds_no_related_people() -> None:
    """What it leaves to compare is what a household shares: without that its matches would be taken for relatives."""
    forced = np.vstack([FORCED, [True, True, False, False, False]])
    found = _fit(_counts(matches=2_000, related=8_000, strangers=1e7, every=forced)[0])
    assert found.related is not None
    assert found.related.prior[0] > 0.1
    assert found.related.prior[2] < 1e-9
    assert found.prior[2] > 0.9


KIND = (0.05, 0.05, 0.02, 0.9, 0.8)
"""Agreement among CDs of one genre, which have the last two columns in common."""
CDS = tuple(
    Comparison(name=name, method="exact", columns=(name,)) for name in ("artist", "title", "year", "genre", "shop")
)
DISC = (0.95, 0.9, 0.8, 0.5, 0.5)
OTHER = (0.3, 0.02, 0.1, 0.2, 0.1)


def _cds(matches: float, alike: float, others: float) -> PatternCounts:
    """The exact expected counts of every pattern under one rule that forces nothing."""
    agrees = np.array(list(np.ndindex(*[2] * 5)))
    classes = ((matches, DISC), (alike, KIND), (others, OTHER))
    count = sum(pairs * np.prod(np.where(agrees, side, 1 - np.array(side)), axis=1) for pairs, side in classes)
    return PatternCounts(np.zeros(32, dtype=int), agrees + 1, np.asarray(count), np.zeros((1, 5), dtype=bool))


def test_what_is_only_alike_is_told_from_rare_matches() -> None:
    """With two classes CDs of one genre are the matches, though they hardly ever have one artist."""
    counts = _cds(matches=300, alike=20_000, others=80_000)
    found = _fit(counts, CDS)
    assert found.related is not None
    assert agreement(found.m) == pytest.approx(DISC, abs=0.1)
    assert found.prior == pytest.approx([0.003], abs=0.001)
    assert agreement(found.related.r)[3:] == pytest.approx(KIND[3:], abs=0.1)


def test_where_matches_contradict_nothing_no_class_of_what_is_alike_is_made() -> None:
    assert _fit(_cds(matches=20_000, alike=0, others=80_000), CDS).related is None
