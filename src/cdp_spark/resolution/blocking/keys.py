"""A record's blocking keys: 64-bit hashes of coarsened values.

A key has a kind (its rule, and whether it splits another key) and parts. Each part is a column's text, coarsened by its
transform and hashed, once for each distinct text; the hashes of a key's parts are mixed for all records at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jellyfish
import numpy as np
import xxhash

from cdp_spark.normalise.batches import encode
from cdp_spark.resolution.blocking.key_arrays import NO_KEY
from cdp_spark.resolution.blocking.slots import MAX_TOKENS, MINHASH_BANDS, Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from cdp_spark.config.match import BlockingKey, KeyTransform

    Hashes = NDArray[np.uint64]

_PIECE = 3
"""Letters of a piece of text; shorter texts have no key."""
_LETTER_BITS = 21
"""Bits of a character: a piece of three fits 63 bits."""
_NOTHING = np.uint64(0)


def make_keys(features: Mapping[str, pa.Array], slots: Sequence[Slot]) -> NDArray[np.int64]:
    """Make the keys of records.

    Args:
        features: texts by column, in match form, of one length.
        slots: the layout of the keys.
    Returns: `NO_KEY` where a part of the key is missing, shape (records, slots).
    """
    rows = len(next(iter(features.values())))
    parts = _Parts(features)
    keys = np.empty((len(slots), rows), dtype=np.int64)
    for place, slot in enumerate(slots):
        keys[place] = _slot_keys(parts, slot, rows)
    return np.ascontiguousarray(keys.T)


def _slot_keys(parts: _Parts, slot: Slot, rows: int) -> NDArray[np.int64]:
    kind = np.uint64(2 * slot.rule + (slot.splits is not None) + 1)
    hashes = [parts.hashes(key, slot.token) for key in slot.keys]
    key = np.full(rows, _mixed(kind), dtype=np.uint64)
    complete = np.ones(rows, dtype=bool)
    for own in hashes:
        complete &= own != _NOTHING
        key = _mixed(key ^ own)
    key[key == NO_KEY] = 1
    return np.where(complete, key, np.uint64(NO_KEY)).view(np.int64)


@dataclass(frozen=True)
class _Parts:
    """The hashed parts of keys, each made once.

    Args:
        features: texts by column.
        made: distinct texts and each row's place among them, by column.
        hashed: hashes of the distinct texts by column and part, one array for each token.
    """

    features: Mapping[str, pa.Array]
    made: dict[str, tuple[list[str], NDArray[np.int64]]] = field(default_factory=dict)
    hashed: dict[tuple[str, str, int], tuple[Hashes, ...]] = field(default_factory=dict)

    def hashes(self, key: BlockingKey, token: int | None) -> Hashes:
        """One hash a row, 0 where the row has no such part."""
        texts, place = self._distinct(key.column)
        name = (key.column, key.transform, key.length)
        if name not in self.hashed:
            self.hashed[name] = _hash_parts(texts, key)
        return self.hashed[name][(token or 0) if key.transform in _SEVERAL else 0][place]

    def _distinct(self, column: str) -> tuple[list[str], NDArray[np.int64]]:
        """The distinct texts, an empty one behind them, which null rows point to."""
        if column not in self.made:
            found = encode(self.features[column])
            texts = found.dictionary.to_pylist()
            place = found.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False).astype(np.int64)
            self.made[column] = ([*texts, ""], place)
        return self.made[column]


def _hash_parts(texts: list[str], key: BlockingKey) -> tuple[Hashes, ...]:
    if key.transform == "minhash":
        return _minhashes(texts)
    if key.transform == "tokens":
        several = [long_words(text) for text in texts]
        return tuple(_hash([its[at] if at < len(its) else "" for its in several]) for at in range(MAX_TOKENS))
    coarsen = TRANSFORMS[key.transform]
    return (_hash([coarsen(text, key.length) for text in texts]),)


def _hash(texts: list[str]) -> Hashes:
    hashed = [xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) or 1 if text else 0 for text in texts]
    return np.array(hashed, dtype=np.uint64)


def _mixed(values: Hashes | np.uint64) -> Hashes:
    """Scatter 64-bit values (the finaliser of SplitMix64: Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):
        mixed = values + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _minhashes(texts: list[str]) -> tuple[Hashes, ...]:
    """Two minima of hashes of a text's three-letter pieces, for each band (Broder 1997).

    The chance that two texts share the key is their Jaccard similarity squared (Leskovec, Rajaraman & Ullman, ch. 3.4).
    Of eight keys, texts with half their pieces in common share one nine times in ten, those with a tenth in
    common one time in thirteen.
    """
    long = np.array([at for at, text in enumerate(texts) if len(text) >= _PIECE], dtype=np.int64)
    bands = [np.zeros(len(texts), dtype=np.uint64) for _ in range(MINHASH_BANDS)]
    if not len(long):
        return tuple(bands)
    pieces, starts = _pieces([texts[at] for at in long])
    for band, hashes in enumerate(bands):
        first, second = (
            np.minimum.reduceat(_mixed(pieces ^ _mixed(np.uint64(2 * band + row))), starts) for row in (0, 1)
        )
        both = _mixed(first ^ _mixed(second ^ np.uint64(band)))
        hashes[long] = np.where(both == _NOTHING, np.uint64(1), both)
    return tuple(bands)


def _pieces(texts: list[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """All pieces of all texts as numbers, and where those of each text start."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    shift = np.uint64(_LETTER_BITS)
    pieces = letters[:-2] | (letters[1:-1] << shift) | (letters[2:] << (shift + shift))
    ends = np.cumsum(lengths)
    inside = np.ones(len(pieces), dtype=bool)
    for before_end in (1, 2):  # the pieces that reach into the next text
        inside[ends[:-1] - before_end] = False
    counts = lengths - (_PIECE - 1)
    return pieces[inside], np.cumsum(counts) - counts


def long_words(text: str) -> list[str]:
    """Return the longest words of a text, or elements of a list, the longest first: long ones are rare."""
    words = {word for word in text.replace("\n", " ").split(" ") if word}
    return sorted(words, key=lambda word: (-len(word), word))[:MAX_TOKENS]


def _phonetic(text: str, _: int) -> str:
    """Soundex; a text that begins with no letter of A to Z is its own sound."""
    return jellyfish.soundex(text) if text[:1].isascii() and text[:1].isalpha() else text


TRANSFORMS: dict[KeyTransform, Callable[[str, int], str]] = {
    "exact": lambda text, _: text,
    "prefix": lambda text, length: text[:length],
    "suffix": lambda text, length: text[-length:] if len(text) >= length else "",
    "phonetic": _phonetic,
    "initial": lambda text, _: text[:1],
    "year": lambda text, _: text[:4],
    "first_word": lambda text, _: text.split(" ", 1)[0],
    "last_word": lambda text, _: text.rsplit(" ", 1)[-1],
}
"""The coarser text by which values of a column meet; an empty one is no key."""
_SEVERAL = frozenset({"tokens", "minhash"})
