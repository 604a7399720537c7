"""What is known of the blocking keys before blocks are made: which too many records share, and which only one has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.keys import NO_KEY, block_spans, contains, keys_of_lists

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from cdp_spark.blocking.slots import Slot

SHARED_KEYS_LIMIT = 5_000_000
"""Above this many shared keys, keys that occur once travel too: the filter would not fit a task's memory."""
LOCAL_KEYS_LIMIT = 50_000_000
"""Up to so many keys of 8 bytes are sorted on the driver, in a tenth of the time that a shuffle takes."""
GROWTH = 4
"""A block that was not purged when its model was fitted may grow to this many times its limit before it is."""


@dataclass(frozen=True)
class KeyUse:
    """What is known of the keys before blocks are made.

    Args:
        purged: keys shared by more records than their rule allows, sorted.
        purged_rules: how many keys of each rule were purged, shape (rules,).
        shared: bitmap over hashed keys that at least two records have; None where it would be too large.
        pairs: pairs inside the blocks that are left, each rule's counted apart, shape (rules,).
        overgrown: how many keys were purged for having outgrown a model that did not purge them.
    """

    purged: NDArray[np.int64]
    purged_rules: NDArray[np.int64]
    shared: NDArray[np.bool_] | None
    pairs: NDArray[np.int64]
    overgrown: int = 0

    def may_be_shared(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """False for keys that one record has alone; of these some are True all the same."""
        return np.ones(keys.shape, dtype=bool) if self.shared is None else self.shared[_slot_of(keys, len(self.shared))]


def find_key_use(keyed: DataFrame, slots: tuple[Slot, ...], *, frozen: NDArray[np.int64] | None = None) -> KeyUse:
    """Count the keys, on the driver or by a shuffle, and judge them (an action).

    Args:
        keyed: one row per record_key with `block_keys`; counted and then used, so pass a materialised frame.
        slots: the layout of the keys.
        frozen: as `read_key_use` takes it.
    """
    if keyed.count() * len(slots) > LOCAL_KEYS_LIMIT:
        return read_key_use(build_key_sizes(keyed), slots, frozen=frozen)
    lists = keyed.select(c.BLOCK_KEYS).toArrow().column(c.BLOCK_KEYS)
    table = count_shared_keys(keys_of_lists(lists, len(slots)), kinds_of(slots))
    return _judge(table, slots, frozen=frozen, complete=table.num_rows <= SHARED_KEYS_LIMIT)


def kinds_of(slots: tuple[Slot, ...]) -> NDArray[np.int64]:
    """A number for each slot, the same for those that can hold the same key, shape (slots,)."""
    return np.array([2 * slot.rule + (slot.splits is not None) for slot in slots], dtype=np.int64)


def count_shared_keys(keys: NDArray[np.int64], kinds: NDArray[np.int64]) -> pa.Table:
    """What `build_key_sizes` gives, for keys in memory.

    Args:
        keys: of records, shape (records, slots).
        kinds: slots of different kinds have no key in common, shape (slots,).
    """
    by_kind = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    return pa.concat_tables([_count_kind(keys[:, slots], slots) for slots in by_kind])


def _count_kind(keys: NDArray[np.int64], slots: NDArray[np.int64]) -> pa.Table:
    if len(slots) == 1:  # sorting takes a third of the time that finding the first of equal keys takes
        ordered = np.sort(keys[:, 0])
        starts, counts = block_spans(ordered)
        distinct, slot = ordered[starts], np.full(len(starts), slots[0])
    else:
        by_slot = keys.T.ravel()  # so that the first of equal keys stands in the lowest slot
        distinct, first, counts = np.unique(by_slot, return_index=True, return_counts=True)
        slot = slots[first // max(len(keys), 1)]
    shared = (counts > 1) & (distinct != NO_KEY)
    found = (distinct[shared], slot[shared].astype(np.int32), counts[shared].astype(np.int64))
    return pa.table(dict(zip((c.BLOCK_KEY, c.SLOT, c.RECORD_COUNT), found, strict=True)))


def build_key_sizes(keyed: DataFrame) -> DataFrame:
    """One row per key that at least two records share: block_key, slot (the lowest it stands in), record_count."""
    exploded = keyed.select(F.posexplode(c.BLOCK_KEYS).alias(c.SLOT, c.BLOCK_KEY)).where(F.col(c.BLOCK_KEY) != NO_KEY)
    sizes = exploded.groupBy(c.BLOCK_KEY).agg(F.min(c.SLOT).alias(c.SLOT), F.count(F.lit(1)).alias(c.RECORD_COUNT))
    return sizes.where(F.col(c.RECORD_COUNT) > 1)


def read_key_use(sizes: DataFrame, slots: tuple[Slot, ...], *, frozen: NDArray[np.int64] | None = None) -> KeyUse:
    """Collect which keys are purged and which are shared (an action).

    Args:
        sizes: as `build_key_sizes` makes it.
        slots: the layout of the keys.
        frozen: the keys that a model purged, sorted; they stay purged, and others only where they have outgrown their
            limit by far. Without a model every key above its limit is purged.
    """
    table = sizes.limit(SHARED_KEYS_LIMIT + 1).toArrow()
    complete = table.num_rows <= SHARED_KEYS_LIMIT
    if not complete:
        table = sizes.where(F.col(c.RECORD_COUNT) > min(slot.limit for slot in slots)).toArrow()
    return _judge(table, slots, frozen=frozen, complete=complete)


def _judge(table: pa.Table, slots: tuple[Slot, ...], *, frozen: NDArray[np.int64] | None, complete: bool) -> KeyUse:
    keys, slot, count = (table[name].to_numpy() for name in (c.BLOCK_KEY, c.SLOT, c.RECORD_COUNT))
    rules = np.array([s.rule for s in slots], dtype=np.int64)
    splits = np.array([s.splits is not None for s in slots])
    of_model = contains(frozen, keys) if frozen is not None else np.zeros(len(keys), dtype=bool)
    large = too_large(slot, count, slots, growth=1 if frozen is None else GROWTH)
    over = of_model | large
    n_rules = int(rules.max()) + 1
    kept = ~over & ~splits[slot] if len(slot) else over
    return KeyUse(
        purged=np.union1d(keys[over], np.zeros(0, dtype=np.int64) if frozen is None else frozen),
        purged_rules=np.bincount(rules[slot[over]], minlength=n_rules),
        shared=_bitmap(keys[~over]) if complete else None,
        pairs=np.bincount(rules[slot[kept]], count[kept] * (count[kept] - 1) // 2, minlength=n_rules).astype(np.int64),
        overgrown=0 if frozen is None else int(np.sum(large & ~of_model)),
    )


def too_large(
    slot: NDArray[np.int64], count: NDArray[np.int64], slots: tuple[Slot, ...], *, growth: int
) -> NDArray[np.bool_]:
    """Which keys more records share than their slot allows, times `growth`."""
    limits = np.array([it.limit for it in slots], dtype=np.int64)
    return np.asarray(count > growth * limits[slot.astype(np.int64)])


def _bitmap(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """A bitmap of about eight places a key, so that one key in eight that occurs once still travels."""
    size = 1 << max(10, int(np.ceil(np.log2(8 * max(len(keys), 1)))))
    bitmap = np.zeros(size, dtype=bool)
    bitmap[_slot_of(keys, size)] = True
    return bitmap


def _slot_of(keys: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return keys & np.int64(size - 1)
