"""A sample of records on the driver: what random pairs agree on, and which values are common."""

from __future__ import annotations

import math
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from cdp_spark import columns as c
from cdp_spark.normalise.people.names import spelt_out
from cdp_spark.resolution.comparing.common_names import usual_shares
from cdp_spark.resolution.comparing.comparisons import (
    COMMON_SHARE,
    FREQUENCY_BINS,
    UNCOMMON_SHARE,
    compile_comparisons,
    words_of,
)
from cdp_spark.resolution.comparing.similarity import RAREST_WORD
from cdp_spark.resolution.kernel import compare_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cdp_spark.config.match import Comparison

SAMPLE_RECORDS = 50_000
_RANDOM_PAIRS = 500_000
_DEFAULT_DAY = "0101"
_COMMON_OTHERS = 4
"""So many others at least have a common value."""
_USUAL_RECORDS = 50
"""So many records' worth is what is known of a name before the data (the strength of a Dirichlet prior): shares of one
in a hundred differ between files by half as much again or more, as those of a file of so many do."""
_USUALLY_COMMON = 0.006
"""Where `frequency` in `priors.yaml` turns from that of uncommon names to that of common ones, on a scale of bits."""
_SPARK_SEED = 42
"""Where Spark's `xxhash64` starts."""


@dataclass(frozen=True)
class Sample:
    """A deterministic sample of records, in match form, on the driver.

    Args:
        features: one row a record.
        compared: what `random_levels` found last, for the next to ask the same.
        counted: likewise of `frequencies`.
    """

    features: pa.Table
    compared: dict[tuple[tuple[Comparison, ...], int], NDArray[np.int64]] = field(default_factory=dict, repr=False)
    counted: dict[tuple[Comparison, ...], dict[str, dict[str, int]]] = field(default_factory=dict, repr=False)

    def frequencies(self, comparisons: tuple[Comparison, ...]) -> dict[str, dict[str, int]]:
        """Bins of the values that are not rare, for comparisons that weigh by frequency."""
        if comparisons not in self.counted:
            self.counted.clear()
            self.counted[comparisons] = self._count(comparisons)
        return self.counted[comparisons]

    def _count(self, comparisons: tuple[Comparison, ...]) -> dict[str, dict[str, int]]:
        names = sorted({item.columns[0] for item in comparisons if item.weighs_frequency})
        texts = sorted({item.columns[0] for item in comparisons if item.weighs_frequency and item.method == "tokens"})
        words = {words_of(name): _word_bits(self.features[name]) for name in texts}
        dates = {item.columns[0] for item in comparisons if item.method == "date"}
        people = {item.columns[0] for item in comparisons if item.method == "name"}
        judged = {name: _is_default_day if name in dates else None for name in names}
        bins = {name: _bins(self.features[name], judged[name], name if name in people else None) for name in names}
        return bins | words

    def bin_shares(self, comparison: Comparison) -> NDArray[np.float64]:
        """Share of the records whose value is common, uncommon, rare, and how many records share such a value.

        Returns: shape (2, bins); one bin where frequency weighs nothing. How often a value is shared is told of common
            ones only: the others are too few to say.
        """
        if not comparison.weighs_frequency:
            return np.array([[1.0], [0.0]])
        column = comparison.columns[0]
        bins = self._frequencies_of(comparison)
        values = pc.value_counts(self.features[column].drop_null())
        texts, counts = values.field("values").to_pylist(), values.field("counts").to_numpy().astype(np.float64)
        found = [bins.get(text, len(FREQUENCY_BINS) - 1) for text in texts]
        usual = _usual_shares(texts, column) if comparison.method == "name" else np.zeros(len(texts))
        total = max(counts.sum(), 1.0)
        told_by_data = (usual == 0) | (counts > _COMMON_OTHERS)
        shares = np.where(told_by_data, counts / total, _with_usual(counts - 1, total, usual))
        records, sharing = (np.bincount(found, of, minlength=len(FREQUENCY_BINS)) for of in (counts, counts * shares))
        shared = np.zeros(len(FREQUENCY_BINS))
        shared[0] = sharing[0] / max(records[0], 1.0)
        return np.stack([records / total, shared])

    def _frequencies_of(self, comparison: Comparison) -> dict[str, int]:
        """Bins of the values of a comparison's first column that are not rare."""
        column = comparison.columns[0]
        for counted in self.counted.values():
            if column in counted:
                return counted[column]
        return self._count((comparison,))[column]

    def random_pairs(self, *, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of two different records drawn at random: nearly all of them are not the same person."""
        generator = np.random.default_rng(seed)
        records = self.features.num_rows
        if records < 2:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        left = generator.integers(0, records, _RANDOM_PAIRS)
        right = generator.integers(0, records, _RANDOM_PAIRS)
        distinct = left != right
        return left[distinct], right[distinct]

    def random_levels(self, comparisons: tuple[Comparison, ...], *, seed: int) -> NDArray[np.int64]:
        """Levels of each comparison for `random_pairs`, shape (pairs, comparisons)."""
        asked = (comparisons, seed)
        if asked not in self.compared:
            left, right = self.random_pairs(seed=seed)
            compiled, frequencies = compile_comparisons(comparisons), self.frequencies(comparisons)
            # of a small sample the same pairs are drawn many times over
            records = self.features.num_rows
            drawn, again = np.unique(left * records + right, return_inverse=True)
            levels = compare_pairs(self.features, drawn // records, drawn % records, compiled, frequencies)
            self.compared.clear()
            self.compared[asked] = levels[again]
        return self.compared[asked]


def sample_order(keys: Sequence[str], *, seed: int | None = None) -> NDArray[np.int64]:
    """Hash record keys as Spark's `xxhash64` of the seed and the key does: the lowest hashes are the sample.

    Args:
        keys: record keys.
        seed: None to hash the keys alone.
    Returns: shape (keys,).
    """
    start = _SPARK_SEED if seed is None else xxhash.xxh64_intdigest(struct.pack("<i", seed), _SPARK_SEED)
    hashed = [xxhash.xxh64_intdigest(key.encode(), start) for key in keys]
    return np.array(hashed, dtype=np.uint64).view(np.int64)


def take_sample(records: pa.Table, *, most: int = SAMPLE_RECORDS, seed: int | None = None) -> pa.Table:
    """Take the records with the lowest hashes, in the order of these, whatever the order of the records.

    Args:
        records: one row per record_key.
        most: records to take.
        seed: another one gives another sample.
    """
    keys = records[c.RECORD_KEY].to_pylist()
    order = np.lexsort((np.array(keys, dtype=np.str_), sample_order(keys, seed=seed)))
    return records.take(pa.array(order[:most]))


def _is_default_day(date: str) -> bool:
    return date.endswith(_DEFAULT_DAY)


def _usual_shares(names: Sequence[str], column: str) -> NDArray[np.float64]:
    """Share of people who bear each name, before the data; 0 where nobody knows."""
    usual = usual_shares(column)
    return np.array([usual.get(spelt_out(name), 0.0) if usual else 0.0 for name in names], dtype=np.float64)


def _with_usual(others: NDArray[Any], records: float, usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of people who bear each name, told by its other bearers in the data and by what is known before."""
    return np.asarray((others + _USUAL_RECORDS * usual) / (records + _USUAL_RECORDS))


def _bins(
    values: pa.ChunkedArray, is_anybodys: Callable[[str], bool] | None, names_of: str | None = None
) -> dict[str, int]:
    """Bins of the values that are not rare.

    A value that one record alone has is nobody's namesake: what counts is how many others have it. In a few hundred
    records nothing can be seen to be rare, and only what several have is common. What is anybody's is common in any
    data: the first of January stands for a day that nobody knew, and a whole office reads `info@`.
    """
    known = values.drop_null()
    counted = pc.value_counts(known).field("counts").to_numpy()
    texts = pc.value_counts(known).field("values").to_pylist()
    others = counted - 1
    records = max(len(known), 1)
    is_common = (others >= COMMON_SHARE * records) & (others >= _COMMON_OTHERS)
    if names_of:
        usual = _usual_shares(texts, names_of)
        is_common |= (usual > 0) & (_with_usual(others, records, usual) >= _USUALLY_COMMON)
    is_uncommon = (others >= UNCOMMON_SHARE * records) & ~is_common & (others > 0)
    anybodys = {text: 0 for text in texts if is_anybodys is not None and is_anybodys(text)}
    common = {texts[at]: 0 for at in np.flatnonzero(is_common)}
    return common | {texts[at]: 1 for at in np.flatnonzero(is_uncommon)} | anybodys


def _word_bits(values: pa.ChunkedArray) -> dict[str, int]:
    """Bits that the words say which at least one text in a thousand has."""
    texts = values.drop_null().to_pylist()
    counts = Counter(word for text in texts for word in set(text.split()))
    share = {word: count / len(texts) for word, count in counts.items()}
    bits = {word: max(1, round(-math.log2(part))) for word, part in share.items() if part >= UNCOMMON_SHARE}
    return {word: its for word, its in sorted(bits.items()) if its < RAREST_WORD}
