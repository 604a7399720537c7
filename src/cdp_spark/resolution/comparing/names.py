"""Whether two names are forms of one name."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from nicknames import NickNamer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.resolution.comparing.similarity import Coded


@cache
def _namer() -> NickNamer:
    return NickNamer()


@cache
def roots(name: str) -> frozenset[str]:
    """The name itself and the formal names that it can be short for (`bob` → `bob`, `robert`)."""
    return frozenset({name, *_namer().canonicals_of(name)})


def are_one_name(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    """A nickname and its formal name, or one of several given names.

    Args:
        column: names in match form.
        left: codes of unequal names, shape (pairs,).
        right: codes, shape (pairs,).
    """
    several = column.map(lambda name: " " in name, dtype=bool)
    found = np.zeros(len(left), dtype=bool)
    for at in np.flatnonzero(several[left] | several[right]):
        words_l, words_r = set(column.texts[left[at]].split()), set(column.texts[right[at]].split())
        found[at] = words_l <= words_r or words_r <= words_l
    pairs = np.minimum(left, right) * len(column.texts) + np.maximum(left, right)
    return found | np.isin(pairs, _sharing_a_root(column))


def _sharing_a_root(column: Coded) -> NDArray[np.int64]:
    """Pairs of names of which one is short for the other, or both for a third: lower code × names + higher code."""
    bearers: defaultdict[str, list[int]] = defaultdict(list)
    for code, name in enumerate(column.texts):
        for root in roots(name):
            bearers[root].append(code)
    pairs = {low * len(column.texts) + high for codes in bearers.values() for low, high in combinations(codes, 2)}
    return np.array(sorted(pairs), dtype=np.int64)
