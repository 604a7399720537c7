"""From two unequal values to a level: the higher, the more alike; `DIFFERENT` is the lowest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.matching.nicknames import share_root
from cdp_spark.matching.similarity import PairMeasure, edit_distance, jaro_winkler, token_overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MISSING = 0
DIFFERENT = 1


@dataclass(frozen=True)
class Measure:
    """How unequal values of a comparison are levelled.

    Args:
        level_names: of the levels from `DIFFERENT` up, equal values not among them.
        levels: distinct unequal pairs of texts to levels, as floats.
    """

    level_names: tuple[str, ...]
    levels: PairMeasure


def _stepped(similarity: PairMeasure, thresholds: tuple[float, ...], name: str) -> Measure:
    """One level for each threshold that the similarity reaches."""
    ascending = np.array(sorted(thresholds))

    def levels(left: list[str], right: list[str]) -> NDArray[np.float64]:
        return DIFFERENT + np.searchsorted(ascending, similarity(left, right), side="right").astype(np.float64)

    return Measure(("different", *(f"{name} ≥ {value:g}" for value in ascending)), levels)


def _exact(_: tuple[float, ...]) -> Measure:
    def levels(left: list[str], _right: list[str]) -> NDArray[np.float64]:
        return np.full(len(left), DIFFERENT, dtype=np.float64)

    return Measure(("different",), levels)


def _jaro_winkler(thresholds: tuple[float, ...]) -> Measure:
    return _stepped(jaro_winkler, thresholds or (0.92, 0.8), "jaro_winkler")


def _levenshtein(thresholds: tuple[float, ...]) -> Measure:
    distances = thresholds or (1, 2)
    measure = _stepped(lambda left, right: -edit_distance(left, right), tuple(-value for value in distances), "edits")
    return Measure(("different", *(f"edits ≤ {value:g}" for value in sorted(distances, reverse=True))), measure.levels)


def _tokens(thresholds: tuple[float, ...]) -> Measure:
    return _stepped(token_overlap, thresholds or (0.75, 0.4), "shared words")


def _overlap(_: tuple[float, ...]) -> Measure:
    """Any element in common; elements are separated by line feeds."""

    def levels(left: list[str], right: list[str]) -> NDArray[np.float64]:
        shared = [not set(a.split("\n")).isdisjoint(b.split("\n")) for a, b in zip(left, right, strict=True)]
        return DIFFERENT + np.array(shared, dtype=np.float64)

    return Measure(("different", "some in common"), levels)


def _name(thresholds: tuple[float, ...]) -> Measure:
    """Initial only, alike, very alike or a nickname; swapped fields are found by the comparison itself."""
    high, low = sorted(thresholds or (0.9, 0.75), reverse=True)[:2]

    def levels(left: list[str], right: list[str]) -> NDArray[np.float64]:
        similarity = jaro_winkler(left, right)
        out = np.select([similarity >= high, similarity >= low], [4.0, 3.0], DIFFERENT)
        initial = [len(a) == 1 or len(b) == 1 for a, b in zip(left, right, strict=True)]
        out[initial] = [2.0 if left[i][0] == right[i][0] else DIFFERENT for i in np.flatnonzero(initial)]
        related = [i for i in np.flatnonzero(out < 4) if not initial[i] and _are_one_name(left[i], right[i])]
        out[related] = 4.0
        return out

    names = ("different", "initial or swapped", f"jaro_winkler ≥ {low:g}", f"jaro_winkler ≥ {high:g} or nickname")
    return Measure(names, levels)


def _are_one_name(left: str, right: str) -> bool:
    """A nickname and its formal name, or one of several given names."""
    words_l, words_r = set(left.split()), set(right.split())
    return words_l <= words_r or words_r <= words_l or share_root(left, right)


def _date(_: tuple[float, ...]) -> Measure:
    """Dates as yyyymmdd: the same year; one digit off, day and month transposed, or two of the three parts equal."""

    def levels(left: list[str], right: list[str]) -> NDArray[np.float64]:
        edits = edit_distance(left, right)
        return np.array([_date_level(a, b, edit) for a, b, edit in zip(left, right, edits, strict=True)])

    return Measure(("different", "same year", "two parts equal", "one digit off or transposed"), levels)


def _date_level(left: str, right: str, edits: float) -> float:
    year_l, month_l, day_l = left[:4], left[4:6], left[6:8]
    year_r, month_r, day_r = right[:4], right[4:6], right[6:8]
    if edits <= 1 or (year_l == year_r and month_l == day_r and day_l == month_r):
        return 4.0
    if (year_l == year_r) + (month_l == month_r) + (day_l == day_r) == 2:
        return 3.0
    return 2.0 if year_l == year_r else float(DIFFERENT)


def _email(_: tuple[float, ...]) -> Measure:
    """The same local part elsewhere, or the whole address nearly equal."""

    def levels(left: list[str], right: list[str]) -> NDArray[np.float64]:
        similarity = jaro_winkler(left, right)
        edits = edit_distance(left, right)
        local = np.array([a.split("@")[0] == b.split("@")[0] for a, b in zip(left, right, strict=True)])
        local_similarity = jaro_winkler([a.split("@")[0] for a in left], [b.split("@")[0] for b in right])
        near = (edits <= 2) | (similarity >= 0.95)
        return np.select([local | near, local_similarity >= 0.88], [3.0, 2.0], DIFFERENT)

    return Measure(("different", "local part alike", "same local part or two edits"), levels)


def _phone(_: tuple[float, ...]) -> Measure:
    """One edit off, or the last seven digits equal."""

    def levels(left: list[str], right: list[str]) -> NDArray[np.float64]:
        tail = np.array([a[-7:] == b[-7:] for a, b in zip(left, right, strict=True)])
        return np.where(tail | (edit_distance(left, right) <= 1), 2.0, DIFFERENT)

    return Measure(("different", "one digit off or same last seven"), levels)


def _digits(_: tuple[float, ...]) -> Measure:
    return _levenshtein((1, 2))


MEASURES: dict[str, Callable[[tuple[float, ...]], Measure]] = {
    "exact": _exact,
    "jaro_winkler": _jaro_winkler,
    "levenshtein": _levenshtein,
    "tokens": _tokens,
    "set_overlap": _overlap,
    "name": _name,
    "date": _date,
    "email": _email,
    "phone": _phone,
    "digits": _digits,
}
