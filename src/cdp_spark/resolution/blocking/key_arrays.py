"""Arrays of blocking keys: 64-bit hashes, `NO_KEY` where a record has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark.normalise.batches import as_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_KEY = 0
"""A slot without a key: the record lacks a value that the rule needs, or the key was purged."""
_KEY_BYTES = 8
_LEADS = np.iinfo(np.int64).min
_PLACES_A_KEY = 32


@dataclass(frozen=True)
class KeyFilter:
    """A set of keys that holds one key in thirty that is not in it: some bits a key, small enough for every task.

    Args:
        bits: of a bitmap over the lowest bits of keys.
    """

    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, keys: NDArray[np.int64]) -> KeyFilter:
        """The filter of some keys."""
        size = 1 << max(10, int(np.ceil(np.log2(_PLACES_A_KEY * max(len(keys), 1)))))
        bitmap = np.zeros(size, dtype=bool)
        bitmap[keys & np.int64(size - 1)] = True
        return cls(np.packbits(bitmap, bitorder="little"))

    def may_contain(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True for all keys of the set and for a few others, the same shape as the keys."""
        place = keys & np.int64(8 * len(self.bits) - 1)
        return np.asarray((self.bits[place >> 3] >> (place & 7).astype(np.uint8)) & 1, dtype=bool)


def mark_leading(keys: NDArray[np.int64], leads: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Set the sign of keys whose blocks are made and clear that of the others: leading keys are the smallest."""
    return np.where(leads, keys | _LEADS, keys & ~_LEADS)


def block_spans(block_keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and size of each run of equal keys; the keys are sorted."""
    if len(block_keys) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    starts = np.concatenate([[0], np.flatnonzero(block_keys[1:] != block_keys[:-1]) + 1]).astype(np.int64)
    return starts, np.diff(np.append(starts, len(block_keys)))


def contains(ordered: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which values are among the ordered ones; where these are the fewer, a filter leaves little to search for."""
    if not len(ordered):
        return np.zeros(values.shape, dtype=bool)
    is_worth_it = len(ordered) < values.size
    found = KeyFilter.of(ordered).may_contain(values) if is_worth_it else np.ones(values.shape, dtype=bool)
    likely = values[found]
    found[found] = ordered[np.minimum(np.searchsorted(ordered, likely), len(ordered) - 1)] == likely
    return found


def keys_of_lists(lists: pa.Array | pa.ChunkedArray, slots: int) -> NDArray[np.int64]:
    """The keys of records that came as lists of one length, shape (records, slots)."""
    whole = as_array(lists)
    return np.asarray(whole.flatten().to_numpy().reshape(len(whole), slots))


def pack_keys(keys: NDArray[np.int64]) -> pa.Array:
    """The keys of each record as bytes, which Spark and Arrow pass on in one piece; shape (records, slots)."""
    ends = pa.array(np.arange(len(keys) + 1) * keys.shape[1] * _KEY_BYTES, pa.int32())
    return pa.Array.from_buffers(
        pa.binary(), len(keys), [None, ends.buffers()[1], pa.py_buffer(np.ascontiguousarray(keys))]
    )


def unpack_keys(packed: pa.Array, slots: int) -> NDArray[np.int64]:
    """What `pack_keys` packed, shape (records, slots)."""
    if not len(packed):
        return np.zeros((0, slots), dtype=np.int64)
    first = packed.offset * slots * _KEY_BYTES
    return np.frombuffer(packed.buffers()[2], np.int64, count=len(packed) * slots, offset=first).reshape(-1, slots)
