"""Keys in memory: which of them several records share, and whose records all share another key as well."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.key_arrays import NO_KEY, block_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")
_THREADS = 4


@dataclass(frozen=True)
class SharedKeys:
    """The keys that at least two records have, and who has them.

    Args:
        keys: shape (shared,).
        slot: the lowest slot that each stands in, shape (shared,).
        counts: how often each stands anywhere, shape (shared,).
        holders: positions of the records that have them, key after key, shape (counts.sum(),).
        of_record: which of these keys stands in a slot of a record, -1 for none, shape (slots, records).
    """

    keys: NDArray[np.int64]
    slot: NDArray[np.int32]
    counts: NDArray[np.int64]
    holders: NDArray[np.int32]
    of_record: NDArray[np.int32]

    def as_table(self) -> pa.Table:
        """One row per key: block_key, slot, record_count."""
        return pa.table({c.BLOCK_KEY: self.keys, c.SLOT: self.slot, c.RECORD_COUNT: self.counts})

    def nested(self, leads: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Find the keys whose records have another key in common, and not fewer records have that one.

        Two records that share a nested key meet in the other key's block, so no pair is lost without the nested one.
        Of two keys with the same records the first stays.

        Args:
            leads: keys whose blocks are compared; the other key is one of these, shape (shared,).
        Returns: shape (shared,).
        """
        if not len(self.keys):
            return np.zeros(0, dtype=bool)
        starts, own = np.cumsum(self.counts) - self.counts, np.arange(len(self.keys))

        def inside(of_slot: NDArray[np.int32]) -> NDArray[np.bool_]:
            beside = of_slot[self.holders]
            lowest, highest = np.minimum.reduceat(beside, starts), np.maximum.reduceat(beside, starts)
            other = np.maximum(lowest, 0)
            larger, equal = self.counts[other] > self.counts, self.counts[other] == self.counts
            found = (lowest == highest) & (lowest >= 0) & leads[other] & (larger | (equal & (other < own)))
            return np.asarray(found)

        return np.asarray(np.logical_or.reduce(_side_by_side(inside, self.of_record)))


def find_shared_keys(keys: NDArray[np.int64], kinds: NDArray[np.int64]) -> SharedKeys:
    """Find the keys that at least two records have.

    Args:
        keys: of records, `NO_KEY` where there is none, shape (records, slots).
        kinds: slots of different kinds have no key in common, shape (slots,).
    """
    by_slot = np.ascontiguousarray(keys.T)
    of_record = np.full(by_slot.shape, -1, dtype=np.int32)
    found = _side_by_side(lambda kind: _find_kind(by_slot, np.flatnonzero(kinds == kind)), np.unique(kinds))
    shared, slot, counts, places = (np.concatenate(parts) for parts in zip(*found, strict=True))
    of_record.ravel()[places] = np.repeat(np.arange(len(shared), dtype=np.int32), counts)
    return SharedKeys(shared, slot, counts, (places % max(len(keys), 1)).astype(np.int32), of_record)


_Found = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]


def _find_kind(by_slot: NDArray[np.int64], slots: NDArray[np.int64]) -> _Found:
    """The shared keys of the slots of one kind, their lowest slots, counts, and flat places in `by_slot`."""
    records = by_slot.shape[1]
    flat = by_slot[slots].ravel()
    order = np.argsort(flat)
    ordered = flat[order]
    starts, counts = block_spans(ordered)
    shared = (counts > 1) & (ordered[starts] != NO_KEY)
    own, sizes = order[np.repeat(shared, counts)], counts[shared]
    which, holders = np.divmod(own, max(records, 1))
    lowest = np.minimum.reduceat(which, np.cumsum(sizes) - sizes) if len(sizes) else which
    return ordered[starts][shared], slots[lowest].astype(np.int32), sizes, slots[which] * records + holders


def _side_by_side(task: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """In threads: numpy sorts and gathers without Python's lock."""
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        return list(pool.map(task, items))
