"""How alike two dates written as yyyymmdd are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.resolution.comparing.similarity import edit_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.resolution.comparing.similarity import Coded

DIFFERENT, SAME_YEAR, TWO_PARTS, ONE_OFF = 1.0, 2.0, 3.0, 4.0
_LENGTH = 8
NEW_DECADE = "00101"
"""How 1 January of 1980, 1990 and 2000 ends."""


def date_levels(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """The same year; two of the three parts equal; one digit off, or day and month transposed.

    Args:
        column: dates; a text that is not eight characters long is compared as it is.
        left: codes of unequal dates, shape (pairs,).
        right: codes, shape (pairs,).
    """
    year, month, day = (_part(column, at) for at in _PARTS)
    same_year = year[left] == year[right]
    same = same_year.astype(int) + (month[left] == month[right]) + (day[left] == day[right])
    transposed = same_year & (month[left] == day[right]) & (day[left] == month[right])
    one_off = _one_edit(column, left, right) | transposed
    return np.select([one_off, same == 2, same_year], [ONE_OFF, TWO_PARTS, SAME_YEAR], DIFFERENT)


def begins_a_decade(date: str) -> bool:
    """Tell the dates that forms begin with: often nobody entered them, and two people have them as easily as one."""
    return len(date) == _LENGTH and date.endswith(NEW_DECADE)


_PARTS = (slice(0, 4), slice(4, 6), slice(6, 8))


def _part(column: Coded, at: slice) -> NDArray[np.str_]:
    return column.map(lambda value: value[at], dtype="U4")


def _one_edit(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    """One substitution, or two neighbours transposed; what has another length goes the slow way."""
    regular = column.map(lambda value: len(value) == _LENGTH, dtype=bool)
    digits = column.map(lambda value: value[:_LENGTH].ljust(_LENGTH), dtype=f"U{_LENGTH}")
    letters = digits.view(np.uint32).reshape(len(digits), _LENGTH)
    letters_l, letters_r = letters[left], letters[right]
    differs = letters_l != letters_r
    swapped = differs[:, :-1] & (letters_l[:, :-1] == letters_r[:, 1:]) & (letters_l[:, 1:] == letters_r[:, :-1])
    count = differs.sum(axis=1)
    found = (count == 1) | ((count == 2) & swapped.any(axis=1))
    other = np.flatnonzero(~(regular[left] & regular[right]))
    found[other] = edit_distance(column.texts[left[other]], column.texts[right[other]], at_most=1) <= 1
    return np.asarray(found)
