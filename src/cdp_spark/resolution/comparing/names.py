"""How alike two unequal names are.

From the least to the most alike: nothing in common; *partly another name*, where both are names that people have (Jan
and Jana, but not Tomas and Thomas, which sound the same), or a word in common stands beside others that differ (two
surnames of which the child has one); the initial alone; alike and very alike, as typing errors are; one of several
names, or a nickname and its formal name; and one name spelt otherwise: umlauts written out, particles left out, hyphens
or spaces set differently.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import reduce
from itertools import combinations
from operator import or_
from typing import TYPE_CHECKING

import numpy as np
import xxhash
from rapidfuzz.distance import JaroWinkler

from cdp_spark import columns as c
from cdp_spark.normalise.people.names import PARTICLES, spelt_out
from cdp_spark.normalise.people.nicknames import is_known_name, nickname_roots
from cdp_spark.resolution.comparing.common_names import usual_shares
from cdp_spark.resolution.comparing.similarity import jaro_winkler

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from cdp_spark.resolution.comparing.similarity import Coded

DIFFERENT, PARTLY_ANOTHER, INITIAL, ALIKE, VERY_ALIKE, ONE_OF_SEVERAL, SPELT_OTHERWISE = map(float, range(1, 8))
_ALIKE_REST = 0.8
"""Similarity of the words that differ, from which they may be one with a mistake."""
_SHORT = 3
"""Of so few letters another one makes another name."""
_SHORTENED = 2
"""Letters that a shortened word has at most."""
_CYRILLIC, _ABJAD = re.compile("[\u0400-\u04ff]"), re.compile("[\u0590-\u05ff\u0600-\u06ff]")
_NO_LETTER, _SEVERAL_I, _LEADING_I = re.compile("[^a-z]"), re.compile("ii+"), re.compile("^i(?=e)")
_SOFT, _HARD = str.maketrans("yj", "ii"), str.maketrans("cq", "kk")
_SILENT_H, _DOUBLED = re.compile("(?<=[bcdfgjklmnpqrstvwxz])h|h(?![aeiouy])"), re.compile(r"(.)\1+")
_KH, _LONG_U, _LONG_I = re.compile("kh"), re.compile("ou|oo|uo"), re.compile("ei|ee|ai|ie")
_SHORT_VOWELS, _WRITTEN = "[aeiou]*", frozenset("bcdfghjklmnpqrstvwxyz")
_LONG = {"w": "[ouw]", "v": "[ouwv]", "y": "[iejy]", "k": "k[aeo]?h?"}
"""Letters that stand for a long vowel, too, or for two sounds."""


def name_levels(
    column: Coded,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    frequent: Mapping[str, int],
    thresholds: tuple[float, float],
) -> NDArray[np.float64]:
    """Level each pair of unequal names.

    Args:
        column: names in match form.
        left: codes, shape (pairs,).
        right: codes, shape (pairs,).
        frequent: the names that are not rare in the data: what several people are called is no typing error.
        thresholds: Jaro–Winkler similarities from which names are alike and very alike.
    """
    low, high = thresholds
    similarity = jaro_winkler(column.texts[left], column.texts[right], at_least=low)
    levels = np.select([similarity >= high, similarity >= low], [VERY_ALIKE, ALIKE], DIFFERENT)
    known = column.map(lambda name: name in frequent or is_known_name(name), dtype=bool)
    short = column.map(len, dtype=np.int64) <= _SHORT
    two_names = known[left] & known[right] | short[left] | short[right]
    given, sound = (column.map(of, dtype=kind) for of, kind in ((_is_given_name, bool), (_sound, object)))
    is_one = given[left] & given[right] & (sound[left] == sound[right])
    levels[(levels > DIFFERENT) & two_names & ~is_one] = PARTLY_ANOTHER
    first, lone = (column.map(of, dtype=kind) for of, kind in ((lambda name: name[:1], "U1"), (_is_initial, bool)))
    initial = lone[left] | lone[right]
    levels = np.where(initial, np.where(first[left] == first[right], INITIAL, DIFFERENT), levels)
    levels[_share_a_root(column, left, right)] = ONE_OF_SEVERAL
    several = column.map(lambda name: " " in name, dtype=bool)
    for at in np.flatnonzero(several[left] | several[right]):
        levels[at] = _level_by_words(column.texts[left[at]], column.texts[right[at]], levels[at])
    levels = _across_scripts(column, left, right, levels)
    plain = column.map(spelt_out, dtype=object)
    levels[plain[left] == plain[right]] = SPELT_OTHERWISE
    return np.asarray(levels)


def _is_given_name(name: str) -> bool:
    return is_known_name(name) or spelt_out(name) in usual_shares(c.GIVEN_NAME)


def _sound(name: str) -> str:
    """What spellings of one name have in common: `tomas` of Tomas and Thomas, `sara` of Sarah; Jan is not Jana."""
    return _DOUBLED.sub(r"\1", _SILENT_H.sub("", spelt_out(name).replace("ph", "f")).translate(_HARD))


def _across_scripts(
    column: Coded, left: NDArray[np.int64], right: NDArray[np.int64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Raise names of which one is in another script and is romanised as the other; of consonants alone to alike."""
    for is_in, are_one, level in ((_CYRILLIC, _sound_the_same, SPELT_OTHERWISE), (_ABJAD, _may_be_read_as, ALIKE)):
        of_script = column.map(is_in.search, dtype=bool)
        pairs = np.flatnonzero((of_script[left] != of_script[right]) & (levels < level))
        for at in pairs:
            one, other = (left[at], right[at]) if of_script[left[at]] else (right[at], left[at])
            if are_one(column.texts[one], column.texts[other]):
                levels[at] = level
    return levels


def _sound_the_same(cyrillic: str, latin: str) -> bool:
    return _cyrillic_sound(cyrillic) == _cyrillic_sound(latin)


def _cyrillic_sound(name: str) -> str:
    """What the ways to romanise a Cyrillic name have in common: `dmitri` of Дмитрий and Dmitry, `iulia` of Julia."""
    letters = _NO_LETTER.sub("", spelt_out(name)).translate(_SOFT).replace("x", "ks")
    return _LEADING_I.sub("", _SEVERAL_I.sub("i", letters))


def _may_be_read_as(abjad: str, latin: str) -> bool:
    """Tell whether a name without its short vowels may be read as another: محمد as Mohamed, but not as Mahmoud."""
    letters = _KH.sub("k", spelt_out(abjad).translate(_HARD))
    sounds = [_LONG.get(letter, letter) for letter in letters.removesuffix("h") if letter in _WRITTEN]
    ending = f"{_SHORT_VOWELS}h?" if letters.endswith(("h", "a")) else ""
    read = _LONG_I.sub("y", _LONG_U.sub("w", spelt_out(latin).translate(_HARD)))
    ways = _SHORT_VOWELS + _SHORT_VOWELS.join(sounds) + ending
    return len(sounds) > 1 and re.fullmatch(ways, read) is not None


def have_the_same_words(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell where one of two whole names has all words of the other, two at least, in whatever order.

    Args:
        column: whole names in match form.
        left: codes, shape (pairs,).
        right: codes, shape (pairs,).
    """
    words = column.map(lambda name: frozenset(spelt_out(word) for word in _words(name)), dtype=object)
    several = np.array([len(its) > 1 for its in words], dtype=bool)
    signs = np.array([_sign(its) for its in words], dtype=np.uint64)
    both = signs[left] & signs[right]
    may = several[left] & several[right] & ((both == signs[left]) | (both == signs[right]))
    for at in np.flatnonzero(may):
        one, other = words[left[at]], words[right[at]]
        may[at] = one <= other or other <= one
    return np.asarray(may)


def _sign(words: frozenset[str]) -> int:
    """One bit of 64 for each word: what one set has and another lacks shows without looking at the words."""
    return reduce(or_, (1 << (xxhash.xxh3_64_intdigest(word.encode()) & 63) for word in words), 0)


def _is_initial(name: str) -> bool:
    return len(name) == 1


def _level_by_words(left: str, right: str, level: float) -> float:
    """Names of several words: all of one's words stand in the other, or some do and others differ."""
    one, other = sorted((_words(left), _words(right)), key=len)
    rest = list(other)
    for word in sorted(one, key=len, reverse=True):
        found = next((it for it in rest if _is_one_word(word, it)), None)
        if found is not None:
            rest.remove(found)
    shared = len(other) - len(rest)
    if one and shared == len(one):
        return ONE_OF_SEVERAL
    if not shared:
        return level
    unlike = JaroWinkler.similarity(" ".join(rest), " ".join(_rest_of(one, other))) < _ALIKE_REST
    return PARTLY_ANOTHER if level < VERY_ALIKE or unlike else level


def _rest_of(words: list[str], other: list[str]) -> list[str]:
    return [word for word in words if not any(_is_one_word(word, it) for it in other)]


def _words(name: str) -> list[str]:
    found = name.split()
    return [word for word in found if word not in PARTICLES] or found


def _is_one_word(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    return word == other or (len(short) <= _SHORTENED and len(long) > len(short) and long.startswith(short))


def _share_a_root(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pairs of names of which one is short for the other, or both for a third."""
    bearers: defaultdict[str, list[int]] = defaultdict(list)
    for code, name in enumerate(column.texts):
        for root in nickname_roots(name):
            bearers[root].append(code)
    size = len(column.texts)
    pairs = {low * size + high for codes in bearers.values() for low, high in combinations(codes, 2)}
    asked = np.minimum(left, right) * size + np.maximum(left, right)
    return np.isin(asked, np.array(sorted(pairs), dtype=np.int64))
