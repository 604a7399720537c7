"""From two unequal values to a level: the higher, the more alike; `DIFFERENT` is the lowest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter

import jellyfish
import numpy as np
from numpy.typing import NDArray

from cdp_spark.resolution.comparing.companies import LEVEL_NAMES, company_levels
from cdp_spark.resolution.comparing.dates import date_levels
from cdp_spark.resolution.comparing.emails import EMAIL_LEVELS, email_levels
from cdp_spark.resolution.comparing.names import name_levels
from cdp_spark.resolution.comparing.quantities import days_apart, kilometres_apart, relative_difference
from cdp_spark.resolution.comparing.similarity import Coded, edit_distance, jaro_winkler, word_overlap

MISSING = 0
DIFFERENT = 1
DIFFERENT_NAME = "different"

Codes = NDArray[np.int64]
LevelsOfPairs = Callable[[Coded, Codes, Codes], NDArray[np.float64]]
"""A column and the codes of distinct unequal values to levels, shape (pairs,)."""


@dataclass(frozen=True)
class Measure:
    """How unequal values of a comparison are levelled.

    Args:
        level_names: of the levels from `DIFFERENT` up, equal values not among them.
        levels: pairs of codes to levels, as floats.
    """

    level_names: tuple[str, ...]
    levels: LevelsOfPairs


@dataclass(frozen=True)
class WordMeasure:
    """As `Measure`, but it is told how frequent values are, too.

    Args:
        level_names: as in `Measure`.
        levels: pairs of codes to levels, as floats; the mapping says what `of_words` says.
        of_words: told are the bits that each word says; otherwise the bins of the values that are not rare.
    """

    level_names: tuple[str, ...]
    levels: Callable[[Coded, Codes, Codes, Mapping[str, int]], NDArray[np.float64]]
    of_words: bool = True


def _steps(similarity: NDArray[np.float64], thresholds: tuple[float, ...]) -> NDArray[np.float64]:
    """One level for each threshold that the similarity reaches."""
    return DIFFERENT + np.searchsorted(np.array(sorted(thresholds)), similarity, side="right").astype(np.float64)


def _exact(_: tuple[float, ...]) -> Measure:
    return Measure(("different",), lambda _column, left, _right: np.full(len(left), DIFFERENT, dtype=np.float64))


def _jaro_winkler(thresholds: tuple[float, ...]) -> Measure:
    steps = thresholds or (0.92, 0.8)

    def levels(column: Coded, left: Codes, right: Codes) -> NDArray[np.float64]:
        return _steps(jaro_winkler(column.texts[left], column.texts[right], at_least=min(steps)), steps)

    return Measure(("different", *(f"jaro_winkler ≥ {value:g}" for value in sorted(steps))), levels)


def _levenshtein(thresholds: tuple[float, ...]) -> Measure:
    steps = thresholds or (1, 2)

    def levels(column: Coded, left: Codes, right: Codes) -> NDArray[np.float64]:
        edits = edit_distance(column.texts[left], column.texts[right], at_most=int(max(steps)))
        return _steps(-edits, tuple(-value for value in steps))

    return Measure(("different", *(f"edits ≤ {value:g}" for value in sorted(steps, reverse=True))), levels)


def _tokens(thresholds: tuple[float, ...]) -> WordMeasure:
    steps = thresholds or (0.75, 0.4)

    def levels(column: Coded, left: Codes, right: Codes, words: Mapping[str, int]) -> NDArray[np.float64]:
        return _steps(word_overlap(column, left, right, words), steps)

    return WordMeasure(("different", *(f"shared words ≥ {value:g}" for value in sorted(steps))), levels)


def _overlap(_: tuple[float, ...]) -> Measure:
    """Any element in common; elements are separated by line feeds."""

    def levels(column: Coded, left: Codes, right: Codes) -> NDArray[np.float64]:
        sets = column.map(lambda value: frozenset(value.split("\n")), dtype=object)
        shared = [not a.isdisjoint(b) for a, b in zip(sets[left], sets[right], strict=True)]
        return DIFFERENT + np.array(shared, dtype=np.float64)

    return Measure(("different", "some in common"), levels)


def _name(thresholds: tuple[float, ...]) -> WordMeasure:
    """See `names`; swapped fields are found by the comparison itself."""
    high, low = sorted(thresholds or (0.9, 0.75), reverse=True)[:2]

    def levels(column: Coded, left: Codes, right: Codes, frequent: Mapping[str, int]) -> NDArray[np.float64]:
        return name_levels(column, left, right, frequent, (low, high))

    names = (
        "different",
        "partly another name",
        "initial",
        f"jaro_winkler ≥ {low:g}",
        f"jaro_winkler ≥ {high:g}",
        SWAPPED,
        "spelt otherwise",
    )
    return WordMeasure(names, levels, of_words=False)


SWAPPED = "one of several, nickname or swapped"


def _company(_: tuple[float, ...]) -> WordMeasure:
    """See `companies`; legal forms are compared by the comparison itself."""
    return WordMeasure(LEVEL_NAMES, company_levels, of_words=False)


def _date(_: tuple[float, ...]) -> Measure:
    return Measure(("different", "same year", "two parts equal", "one digit off or transposed"), date_levels)


def _email(_: tuple[float, ...]) -> Measure:
    """See `emails`."""
    return Measure(EMAIL_LEVELS, email_levels)


def _phone(_: tuple[float, ...]) -> Measure:
    """One edit off, or the last seven digits equal.

    Another digit among the last two makes the number of the next desk, or of a second SIM card, and is no mistake.
    """

    def levels(column: Coded, left: Codes, right: Codes) -> NDArray[np.float64]:
        tail = column.map(lambda value: value[-7:], dtype="U7")
        near = tail[left] == tail[right]
        rest = np.flatnonzero(~near & ~_next_to(column, left, right))
        near[rest] = edit_distance(column.texts[left[rest]], column.texts[right[rest]], at_most=1) <= 1
        return np.where(near, 2.0, DIFFERENT)

    return Measure(("different", "one digit off or same last seven"), levels)


def _next_to(column: Coded, left: Codes, right: Codes) -> NDArray[np.bool_]:
    """True for numbers that are equal but for the last two digits, unless these are transposed."""
    head, one, other = (column.map(itemgetter(at), dtype=object) for at in _ENDS)
    transposed = (one[left] == other[right]) & (other[left] == one[right])
    return np.asarray((head[left] == head[right]) & ~transposed)


_ENDS = (slice(0, -2), slice(-2, -1), slice(-1, None))


def _digits(_: tuple[float, ...]) -> Measure:
    return _levenshtein((1, 2))


def _phonetic(_: tuple[float, ...]) -> Measure:
    """The same code of how an English speaker says it (Metaphone, Philips 1990)."""

    def levels(column: Coded, left: Codes, right: Codes) -> NDArray[np.float64]:
        sound = column.map(jellyfish.metaphone, dtype=object)
        alike: NDArray[np.bool_] = (sound[left] == sound[right]) & (sound[left] != "")
        return DIFFERENT + alike.astype(np.float64)

    return Measure(("different", "sounds alike"), levels)


def _within(apart: LevelsOfPairs, defaults: tuple[float, ...], unit: str) -> Callable[[tuple[float, ...]], Measure]:
    """One level for each distance that a pair keeps within."""

    def measure(thresholds: tuple[float, ...]) -> Measure:
        steps = thresholds or defaults

        def levels(column: Coded, left: Codes, right: Codes) -> NDArray[np.float64]:
            return _steps(-apart(column, left, right), tuple(-value for value in steps))

        return Measure(("different", *(f"within {value:g}{unit}" for value in sorted(steps, reverse=True))), levels)

    return measure


MEASURES: dict[str, Callable[[tuple[float, ...]], Measure | WordMeasure]] = {
    "exact": _exact,
    "jaro_winkler": _jaro_winkler,
    "levenshtein": _levenshtein,
    "tokens": _tokens,
    "set_overlap": _overlap,
    "name": _name,
    "company": _company,
    "date": _date,
    "email": _email,
    "phone": _phone,
    "digits": _digits,
    "phonetic": _phonetic,
    "number": _within(relative_difference, (0.01, 0.1), " of the larger"),
    "days": _within(days_apart, (1, 31, 366), " days"),
    "geo": _within(kilometres_apart, (0.1, 1, 10), " km"),
}
