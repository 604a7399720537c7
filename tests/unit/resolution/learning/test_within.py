"""What agreement weighs within a key is learnt, and only once it is known what a match is."""

import numpy as np
import pytest

from cdp_spark.config.match import BlockingKey
from cdp_spark.resolution.learning.em import fit
from cdp_spark.resolution.learning.parameters import PatternCounts, Start
from cdp_spark.resolution.learning.within import fit_within, lay_out

DAY = BlockingKey(column="birth_date", transform="suffix")
NAME = BlockingKey(column="name")
LAYOUT = lay_out([[(DAY,), (), ()], [(), (NAME,), ()]], 3)
"""A rule on the day of birth and one on the name; the comparisons are birth date, name and e-mail."""
MATCHES = ((0.05, 0.95), (0.2, 0.8), (0.1, 0.9))
OTHERS = ((0.98, 0.02), (0.9, 0.1), (0.99, 0.01))
"""Probability of different and equal, the same under both rules."""


def _counts() -> PatternCounts:
    """Expected counts of all patterns: 500 matches and 1,500 others under each rule."""
    rows = []
    for rule, *agrees in np.ndindex(2, 2, 2, 2):
        matches, others = (
            pairs * np.prod([side[at][agree] for at, agree in enumerate(agrees)])
            for pairs, side in ((500, MATCHES), (1500, OTHERS))
        )
        rows.append((rule, *[agree + 1 for agree in agrees], matches + others))
    table = np.array(rows)
    return PatternCounts(table[:, 0].astype(int), table[:, 1:4].astype(int), table[:, 4], LAYOUT.forced)


def _masked(counts: PatternCounts) -> PatternCounts:
    levels = np.where(LAYOUT.forced[counts.rule], 0, counts.levels)
    return PatternCounts(counts.rule, levels, counts.count, counts.forced)


START = Start(
    m=(np.array([1.0, 0.25, 0.75]),) * 3,
    u=(np.array([1.0, 0.99, 0.01]), np.array([1.0, 0.95, 0.05]), np.array([1.0, 0.999, 0.001])),
)


def test_rules_with_the_same_key_share_its_place() -> None:
    layout = lay_out([[(DAY,), ()], [(DAY,), (NAME,)], [(), ()]], 2)
    assert layout.place.tolist() == [[0, -1], [0, 1], [-1, -1]]
    assert layout.forced.tolist() == [[True, False], [True, True], [False, False]]
    assert layout.comparison.tolist() == [0, 1]


def test_a_year_that_the_key_leaves_open_tells_matches_from_others() -> None:
    counts = _counts()
    found = fit_within(counts, START, fit(_masked(counts), START), LAYOUT)
    assert found.within is not None
    born = found.within.place[0, 0]
    assert found.within.m[born][2] == pytest.approx(MATCHES[0][1], abs=0.02)
    assert found.within.u[born][2] == pytest.approx(OTHERS[0][1], abs=0.02)
    assert found.prior == pytest.approx([0.25, 0.25], abs=0.02)


def test_without_keys_on_what_is_compared_nothing_is_learnt_within_them() -> None:
    counts, layout = _counts(), lay_out([[(), (), ()], [(), (), ()]], 3)
    fitted = fit(_masked(counts), START)
    assert fit_within(counts, START, fitted, layout).within is None


def test_what_no_pair_tells_within_a_key_weighs_nothing() -> None:
    nothing = PatternCounts(np.zeros(0, dtype=int), np.zeros((0, 3), dtype=int), np.zeros(0), LAYOUT.forced)
    found = fit_within(nothing, START, fit(nothing, START), LAYOUT)
    assert found.within is not None
    assert all(np.allclose(m, u) for m, u in zip(found.within.m, found.within.u, strict=True))
