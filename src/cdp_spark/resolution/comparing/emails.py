"""How alike two different e-mail addresses are.

1. Mailboxes of two people of one name differ in their numbers: of jo.lee7 and jo.lee12 at one provider, the second was
   chosen because the first was taken. That speaks against a match, where other addresses merely differ. A number that
   is one edit off may be a mistake or not, and says neither.
2. The same local part elsewhere, or the whole address nearly equal, speaks for it; how many edits a mistake may have
   depends on how long the local part is.
3. Else local parts may be alike.

`resolution.splink.levels` says the same in SQL.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from cdp_spark.resolution.comparing.similarity import Coded, edit_distance, jaro_winkler

EMAIL_LEVELS = ("another number", "different", "local part alike", "same local part or two edits")
_ANOTHER_NUMBER, _DIFFERENT, _ALIKE, _NEAR = (float(level) for level in range(1, 5))
ALIKE_LOCAL_PART, ALIKE_ADDRESS = 0.88, 0.95
LEAST_LENGTHS = (4, 6)
"""Characters of the shorter local part from which one edit, and two, may be a mistake."""
_DIGITS, _NOT_DIGITS = re.compile(r"[0-9]"), re.compile(r"[^0-9]")
_YEAR = re.compile(r"^(?:19|20)([0-9]{2})$")

Codes = NDArray[np.int64]


def email_levels(column: Coded, left: Codes, right: Codes) -> NDArray[np.float64]:
    """Level pairs of unequal addresses, from 1, another number, to 4, the same local part; shape (pairs,)."""
    local = column.map(_local_part, dtype=object)
    size = column.map(lambda value: len(_local_part(value)), dtype=np.int64)
    shorter = np.minimum(size[left], size[right])
    levels = np.full(len(left), _DIFFERENT)
    without = column.map(_without_digits, dtype=object)
    renumbered, mistaken = _numbers_differ(column, left, right)
    only_number = without[left] == without[right]
    renumbered |= mistaken & only_number
    near = ~renumbered & (local[left] == local[right])
    rest = np.flatnonzero(~renumbered & ~near & (shorter >= LEAST_LENGTHS[0]))
    near[rest] = _are_near(column.texts[left[rest]], column.texts[right[rest]], shorter[rest])
    rest = rest[~near[rest]]
    alike = jaro_winkler(local[left[rest]], local[right[rest]], at_least=ALIKE_LOCAL_PART) >= ALIKE_LOCAL_PART
    levels[rest[alike]] = _ALIKE
    levels[near] = _NEAR
    levels[renumbered & ~mistaken & only_number] = _ANOTHER_NUMBER
    return levels


def _numbers_differ(column: Coded, left: Codes, right: Codes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell pairs whose local parts have different numbers, and those where it may be a mistake; 84 is 1984."""
    numbers = column.map(_number_of, dtype=object)
    other: NDArray[np.bool_] = (numbers[left] != numbers[right]) & (numbers[left] != "") & (numbers[right] != "")
    mistaken = np.zeros(len(left), dtype=bool)
    at = np.flatnonzero(other)
    one, another = numbers[left[at]], numbers[right[at]]
    several = np.array([max(len(a), len(b)) > 1 for a, b in zip(one, another, strict=True)], dtype=bool)
    mistaken[at] = several & (edit_distance(one, another, at_most=1) <= 1)
    return other & ~mistaken, mistaken


def _are_near(left: NDArray[np.object_], right: NDArray[np.object_], shorter: Codes) -> NDArray[np.bool_]:
    """True for addresses that a mistake, or two in a long one, may have made of each other."""
    edits = edit_distance(left, right, at_most=2)
    near = edits <= np.where(shorter >= LEAST_LENGTHS[1], 2, 1)
    rest = np.flatnonzero(~near & (shorter >= LEAST_LENGTHS[1]))
    near[rest] = jaro_winkler(left[rest], right[rest], at_least=ALIKE_ADDRESS) >= ALIKE_ADDRESS
    return np.asarray(near)


def _local_part(address: str) -> str:
    return address.split("@", maxsplit=1)[0]


def _number_of(address: str) -> str:
    return _YEAR.sub(r"\1", _NOT_DIGITS.sub("", _local_part(address)))


def _without_digits(address: str) -> str:
    """The address without the digits of its local part."""
    local, at, domain = address.partition("@")
    return _DIGITS.sub("", local) + at + domain
