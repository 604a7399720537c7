"""Whether two names are forms of one name."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from nicknames import NickNamer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.matching.comparing.similarity import Coded


@cache
def _namer() -> NickNamer:
    return NickNamer()


@cache
def roots(name: str) -> frozenset[str]:
    """The name itself and the formal names that it can be short for (`bob` → `bob`, `robert`)."""
    return frozenset({name, *_namer().canonicals_of(name)})


def share_root(left: str, right: str) -> bool:
    """True when one name is a nickname of the other, or both are nicknames of a third."""
    return not roots(left).isdisjoint(roots(right))


def are_one_name(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    """A nickname and its formal name, or one of several given names.

    Args:
        column: names in match form.
        left: codes of unequal names, shape (pairs,).
        right: codes, shape (pairs,).
    """
    several = column.map(lambda name: " " in name, dtype=bool)
    short = column.map(lambda name: len(roots(name)) > 1, dtype=bool)
    found = np.zeros(len(left), dtype=bool)
    for at in np.flatnonzero(several[left] | several[right]):
        words_l, words_r = set(column.texts[left[at]].split()), set(column.texts[right[at]].split())
        found[at] = words_l <= words_r or words_r <= words_l
    for at in np.flatnonzero(~found & (short[left] | short[right])):
        found[at] = share_root(column.texts[left[at]], column.texts[right[at]])
    return found
