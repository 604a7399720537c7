"""How alike two companies' names are, without their legal forms and with them.

From the least to the most alike: nothing in common; *another of the group*, where the name is one but the legal form is
another (GmbH, GmbH & Co. KG), the branch has another number, or the one is its holding; some words in common; alike, as
typing errors are; all of one's words in the other; one name spelt otherwise, or in another script; and equal. One of
the two forms may be missing: then it says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.normalise.people.companies import split_company_name
from cdp_spark.normalise.people.names import spelt_out
from cdp_spark.resolution.comparing.similarity import Coded, jaro_winkler

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DIFFERENT, OF_THE_GROUP, SOME_WORDS, ALIKE, ALL_WORDS, SPELT_OTHERWISE = map(float, range(1, 7))
LEVEL_NAMES = ("different", "another of the group", "some words", "alike", "all words of one", "spelt otherwise")
_ALIKE = 0.92
_SHARED = 0.4
"""Share of the letters that words in common have."""


def company_levels(
    column: Coded, left: NDArray[np.int64], right: NDArray[np.int64], _: Mapping[str, int]
) -> NDArray[np.float64]:
    """Level each pair of unequal names.

    Args:
        column: names without their legal forms, in match form.
        left: codes, shape (pairs,).
        right: codes, shape (pairs,).
    """
    levels = np.full(len(left), DIFFERENT)
    levels[jaro_winkler(column.texts[left], column.texts[right], at_least=_ALIKE) >= _ALIKE] = ALIKE
    words = column.map(lambda name: frozenset(name.split()), dtype=object)
    numbers = column.map(lambda name: frozenset(word for word in name.split() if word.isdigit()), dtype=object)
    for at, (one, other) in enumerate(zip(words[left], words[right], strict=True)):
        shared = one & other
        if shared:
            levels[at] = max(levels[at], _by_words(one, other, shared))
    plain = column.map(spelt_out, dtype=object)
    levels[plain[left] == plain[right]] = SPELT_OTHERWISE
    other_number = [bool(a and b and a != b) for a, b in zip(numbers[left], numbers[right], strict=True)]
    levels[np.array(other_number, dtype=bool) & (levels > DIFFERENT)] = OF_THE_GROUP
    return levels


def lower_other_forms(
    levels: NDArray[np.int64], whole: Coded, left: NDArray[np.int64], right: NDArray[np.int64], *, first: int
) -> NDArray[np.int64]:
    """Take names with another legal form for another company of the group.

    Args:
        levels: of the names without their forms.
        whole: the names as they are written.
        left: positions of one record of each pair.
        right: positions of the other.
        first: the level from which a pair is alike.
    """
    kinds = [split_company_name(name)[1] or "" for name in whole.texts]
    known = {kind: number for number, kind in enumerate(sorted(set(kinds) - {""}))}
    kind = np.array([*(known.get(its, -1) for its in kinds), -1], dtype=np.int64)
    ends = kind[whole.codes[left]], kind[whole.codes[right]]
    other = (levels >= first) & (ends[0] >= 0) & (ends[1] >= 0) & (ends[0] != ends[1])
    return np.where(other, np.int64(OF_THE_GROUP), levels)


def _by_words(one: frozenset[str], other: frozenset[str], shared: frozenset[str]) -> float:
    if shared in {one, other}:
        return ALL_WORDS
    letters = sum(map(len, one | other))
    return SOME_WORDS if sum(map(len, shared)) >= _SHARED * letters else DIFFERENT
