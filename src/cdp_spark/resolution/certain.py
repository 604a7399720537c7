"""Which deterministic rules join a pair: those that find it, unless names or birth dates say that it is two people.

A rule such as one of mailbox and family name is fulfilled by a whole family. So where given names or birth dates of two
records differ in every respect, a rule does not decide, and the pair counts what it weighs. A rule that is meant
to join such pairs, too, says so with `contradictions: ignore`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.slots import deterministic_mask
from cdp_spark.resolution.comparing.measures import DIFFERENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import EntityMatch

_TELLING = (c.GIVEN_NAME, c.BIRTH_DATE)
_METHODS = ("name", "jaro_winkler", "levenshtein", "date")
"""Of these the lowest level means that two values have nothing in common."""


def certain_rules(match: EntityMatch, rule_masks: NDArray[np.int64], levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the bits of the deterministic rules that join each pair, whatever it weighs.

    Args:
        match: rules and comparisons.
        rule_masks: the rules that find each pair, shape (pairs,).
        levels: of each comparison, shape (pairs, comparisons).
    """
    telling = [
        place
        for place, comparison in enumerate(match.comparisons)
        if comparison.columns[0] in _TELLING and comparison.method in _METHODS
    ]
    contradicted = (levels[:, telling] == DIFFERENT).any(axis=1)
    return rule_masks & np.where(contradicted, _regardless(match), deterministic_mask(match))


def _regardless(match: EntityMatch) -> int:
    """Return the bits of the rules that join even who contradicts each other."""
    first = len(match.blocking)
    return sum(1 << (first + place) for place, it in enumerate(match.deterministic) if it.contradictions == "ignore")
