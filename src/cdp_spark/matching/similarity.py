"""How alike two columns' values are, for many pairs at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING_CODE = -1
PairMeasure = Callable[[list[str], list[str]], "NDArray[np.float64]"]


class Coded:
    """A text column as codes into its distinct values; equal codes are equal values.

    Args:
        column: text or null; an empty text counts as null.
    """

    def __init__(self, column: pa.Array) -> None:
        encoded = column.dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        self.values: list[str] = encoded.dictionary.to_pylist()
        codes = pc.fill_null(encoded.indices, MISSING_CODE).to_numpy(zero_copy_only=False).astype(np.int64)
        empty = [code for code, value in enumerate(self.values) if not value]
        self.codes: NDArray[np.int64] = np.where(np.isin(codes, empty), MISSING_CODE, codes) if empty else codes

    def map(self, function: Callable[[str], Any], *, dtype: Any) -> NDArray[Any]:  # noqa: ANN401 - any numpy type
        """The function of each distinct value, by code."""
        return np.array([function(value or "") for value in self.values] or [function("")], dtype=dtype)

    def measure(
        self, left: NDArray[np.int64], right: NDArray[np.int64], measure: PairMeasure, other: Coded | None = None
    ) -> NDArray[np.float64]:
        """Measure pairs of values, each distinct pair once; NaN where a value is missing.

        Args:
            left: rows of this column, shape (pairs,).
            right: rows of `other`, shape (pairs,).
            measure: symmetric similarity or distance of two lists of texts.
            other: the column that `right` points into; this one by default.
        """
        other = other or self
        codes_l, codes_r = self.codes[left], other.codes[right]
        known = (codes_l >= 0) & (codes_r >= 0)
        pair_codes = codes_l[known] * len(other.values) + codes_r[known]
        distinct, inverse = np.unique(pair_codes, return_inverse=True)
        out = np.full(len(left), np.nan)
        if len(distinct):
            texts_l = [self.values[code] for code in distinct // len(other.values)]
            texts_r = [other.values[code] for code in distinct % len(other.values)]
            out[known] = measure(texts_l, texts_r)[inverse]
        return out


def jaro_winkler(left: list[str], right: list[str]) -> NDArray[np.float64]:
    """Jaro–Winkler similarity, 0 to 1 (Winkler 1990)."""
    return np.asarray(process.cpdist(left, right, scorer=JaroWinkler.similarity, dtype=np.float64))


def edit_distance(left: list[str], right: list[str]) -> NDArray[np.float64]:
    """Damerau–Levenshtein distance: insertions, deletions, substitutions, transpositions."""
    return np.asarray(process.cpdist(left, right, scorer=DamerauLevenshtein.distance, dtype=np.float64))


def token_overlap(left: list[str], right: list[str]) -> NDArray[np.float64]:
    """Jaccard similarity of the sets of words, 0 to 1."""
    return np.array([_jaccard(set(a.split()), set(b.split())) for a, b in zip(left, right, strict=True)])


def _jaccard(left: set[str], right: set[str]) -> float:
    union = len(left | right)
    return len(left & right) / union if union else 0.0
