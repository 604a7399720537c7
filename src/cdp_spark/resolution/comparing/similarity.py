"""How alike a column's values are, for many pairs at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

MISSING_CODE = -1
RAREST_WORD = 10
"""Bits that a word says which fewer than one text in a thousand has."""


class Coded:
    """A text column as codes into its distinct values; equal codes are equal values.

    Args:
        column: text or null; an empty text counts as null.
    """

    def __init__(self, column: pa.Array | pa.ChunkedArray) -> None:
        encoded = column.dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        self.dictionary: pa.Array = encoded.dictionary
        self.texts: NDArray[np.object_] = np.array(self.dictionary.to_pylist() or [""], dtype=object)
        codes = np.asarray(pc.fill_null(encoded.indices, MISSING_CODE), dtype=np.int64)
        empty = np.flatnonzero(self.texts == "")
        self.codes: NDArray[np.int64] = np.where(np.isin(codes, empty), MISSING_CODE, codes) if len(empty) else codes

    def map(self, function: Callable[[str], Any], *, dtype: Any) -> NDArray[Any]:  # noqa: ANN401 - any numpy type
        """The function of each distinct value, by code."""
        return np.array([function(value or "") for value in self.texts], dtype=dtype)

    def values_of(self, rows: NDArray[np.int64]) -> pa.Array:
        """The texts of some rows, null where one is missing."""
        codes = self.codes[rows]
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes == MISSING_CODE), self.texts_array)

    @cached_property
    def texts_array(self) -> pa.Array:
        """The distinct values, by code."""
        return pa.array(self.texts, pa.string())

    def codes_in(self, other: Coded) -> NDArray[np.int64]:
        """The code that each distinct value has in another column, by code; `MISSING_CODE` where it is not there."""
        found = pc.index_in(self.dictionary, value_set=other.dictionary)
        return np.asarray(pc.fill_null(found, MISSING_CODE), dtype=np.int64)


def each_distinct(
    column: Coded,
    codes_l: NDArray[np.int64],
    codes_r: NDArray[np.int64],
    measure: Callable[[Coded, NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Measure pairs of values, each distinct unordered pair once.

    Args:
        column: that the codes belong to.
        codes_l: known values, shape (pairs,).
        codes_r: known values, shape (pairs,).
        measure: symmetric; of a column and two arrays of codes.
    """
    if not len(codes_l):
        return np.zeros(0)
    low, high = np.minimum(codes_l, codes_r), np.maximum(codes_l, codes_r)
    coded = pa.array(low * len(column.texts) + high).dictionary_encode()  # hashing takes half the time of np.unique
    left, right = np.divmod(coded.dictionary.to_numpy(), len(column.texts))
    return np.asarray(measure(column, left, right)[coded.indices.to_numpy()])


def jaro_winkler(
    left: NDArray[np.object_], right: NDArray[np.object_], *, at_least: float = 0.0
) -> NDArray[np.float64]:
    """Jaro–Winkler similarity, 0 to 1 (Winkler 1990); 0 where it is below `at_least`."""
    return np.asarray(
        process.cpdist(
            left.tolist(), right.tolist(), scorer=JaroWinkler.similarity, score_cutoff=at_least, dtype=np.float64
        )
    )


def edit_distance(left: NDArray[np.object_], right: NDArray[np.object_], *, at_most: int) -> NDArray[np.float64]:
    """Damerau–Levenshtein distance: insertions, deletions, substitutions, transpositions; `at_most + 1` for more."""
    return np.asarray(
        process.cpdist(
            left.tolist(), right.tolist(), scorer=DamerauLevenshtein.distance, score_cutoff=at_most, dtype=np.float64
        )
    )


def word_overlap(
    column: Coded, left: NDArray[np.int64], right: NDArray[np.int64], weights: Mapping[str, int]
) -> NDArray[np.float64]:
    """Weight of the words in common as a share of the weight of all words of both, 0 to 1.

    Args:
        column: texts.
        left: codes, shape (pairs,).
        right: codes, shape (pairs,).
        weights: by word; one that is not listed weighs `RAREST_WORD`. None listed: the Jaccard index.
    """
    words = column.map(lambda text: frozenset(text.split()), dtype=object)
    totals = np.array([sum(weights.get(word, RAREST_WORD) for word in its) for its in words], dtype=np.float64)
    shared = np.array(
        [sum(weights.get(word, RAREST_WORD) for word in a & b) for a, b in zip(words[left], words[right], strict=True)],
        dtype=np.float64,
    )
    union = totals[left] + totals[right] - shared
    return np.divide(shared, union, out=np.zeros(len(left)), where=union > 0)
