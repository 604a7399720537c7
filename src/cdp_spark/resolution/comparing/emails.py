"""How alike two different e-mail addresses are.

1. Mailboxes of two people of one name differ in their numbers: of jo.lee7 and jo.lee12 at one provider, the second was
   chosen because the first was taken. That speaks against a match, where other addresses merely differ. A number that
   is one edit off may be a mistake or not, and says neither.
2. The same local part elsewhere, or the whole address nearly equal, speaks for it; how many edits a mistake may have
   depends on how long the local part is.
3. Else local parts may be alike, or one spells a name short: jo.lee and jlee.

`resolution.splink.levels` says the same in SQL.
"""

from __future__ import annotations

import re

import numpy as np
import xxhash
from numpy.typing import NDArray
from rapidfuzz.distance import JaroWinkler

from cdp_spark.resolution.comparing.similarity import Coded, edit_distance, jaro_winkler

EMAIL_LEVELS = ("another number", "different", "local part alike", "same local part or two edits")
_ANOTHER_NUMBER, _DIFFERENT, _ALIKE, _NEAR = (float(level) for level in range(1, 5))
DIFFERENT_ADDRESS = 2
ALIKE_LOCAL_PART, ALIKE_ADDRESS = 0.88, 0.95
LEAST_LENGTHS = (4, 6)
"""Characters of the shorter local part from which one edit, and two, may be a mistake."""
_DIGITS, _NOT_DIGITS = re.compile(r"[0-9]"), re.compile(r"[^0-9]")
_YEAR = re.compile(r"^(?:19|20)([0-9]{2})$")
PARTED, WHOLE_NAME = "[._-]", "^([^._-]{2,})[._-]+([^._-]{2,})$"
"""What parts the words of a local part, and one of two words that are no initials, digits left out."""
_PARTED, _WHOLE_NAME = re.compile(PARTED), re.compile(WHOLE_NAME)
_WAYS = 6

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
    levels[rest[_are_alike(column, left[rest], right[rest])]] = _ALIKE
    levels[near] = _NEAR
    levels[renumbered & ~mistaken & only_number] = _ANOTHER_NUMBER
    return levels


def name_in_local_part(address: str) -> str:
    """Return the letters of an address before its @, without what parts its words."""
    return _PARTED.sub("", _name_in(address))


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


def _are_alike(column: Coded, left: Codes, right: Codes) -> NDArray[np.bool_]:
    """True for local parts that are alike as a whole and in each of two words, or spell one name."""
    local, names = column.map(_local_part, dtype=object), [_whole_name(address) for address in column.texts]
    alike = jaro_winkler(local[left], local[right], at_least=ALIKE_LOCAL_PART) >= ALIKE_LOCAL_PART
    for at in np.flatnonzero(alike):
        one, other = names[left[at]], names[right[at]]
        if one and other:
            alike[at] = all(map(_is_one_word, one, other))
    return np.asarray(alike | _spell_one_name(column, left, right))


def _is_one_word(word: str, other: str) -> bool:
    return JaroWinkler.similarity(word, other) >= ALIKE_LOCAL_PART


def _spell_one_name(column: Coded, left: Codes, right: Codes) -> NDArray[np.bool_]:
    """True where one local part has given and family name, and the other spells them short or in another order."""
    letters = column.map(lambda address: _sign(name_in_local_part(address)), dtype=np.uint64)
    ways = np.array([_ways_to_spell(address) for address in column.texts], dtype=np.uint64).reshape(-1, _WAYS)
    one, other = ways[left] == letters[right, np.newaxis], ways[right] == letters[left, np.newaxis]
    return np.asarray((one | other).any(axis=1))


def _ways_to_spell(address: str) -> list[int]:
    """Hashes of what else a whole name may be as a local part; zeros, which nothing has, where it is none."""
    found = _whole_name(address)
    if found is None:
        return [0] * _WAYS
    one, other = found
    ways = (one + other, other + one, one[0] + other, other + one[0], other[0] + one, one + other[0])
    return [_sign(way) for way in ways]


def _whole_name(address: str) -> tuple[str, str] | None:
    """The two words of a local part that are no initials; None where there are others."""
    found = _WHOLE_NAME.match(_name_in(address))
    return None if found is None else (found[1], found[2])


def _sign(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())


def _name_in(address: str) -> str:
    return _DIGITS.sub("", _local_part(address))


def _local_part(address: str) -> str:
    return address.split("@", maxsplit=1)[0]


def _number_of(address: str) -> str:
    return _YEAR.sub(r"\1", _NOT_DIGITS.sub("", _local_part(address)))


def _without_digits(address: str) -> str:
    """The address without the digits of its local part."""
    local, at, domain = address.partition("@")
    return _DIGITS.sub("", local) + at + domain
