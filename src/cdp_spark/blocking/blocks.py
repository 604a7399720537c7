"""From records with keys to blocks: one row per (block key, record), keys that lead nowhere left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.blocking.keys import NO_KEY

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


def find_key_use(keyed: DataFrame, slots: tuple[Slot, ...], *, frozen: NDArray[np.int64] | None = None) -> KeyUse:
    """Count the keys, on the driver or by a shuffle, and judge them (an action).

    Args:
        keyed: one row per record_key with `block_keys`; counted and then used, so pass a materialised frame.
        slots: the layout of the keys.
        frozen: as `read_key_use` takes it.
    """
    if keyed.count() * len(slots) > LOCAL_KEYS_LIMIT:
        return read_key_use(build_key_sizes(keyed), slots, frozen=frozen)
    keys = keyed.select(c.BLOCK_KEYS).toArrow().column(c.BLOCK_KEYS).combine_chunks().flatten().to_numpy()
    table = count_shared_keys(keys.reshape(-1, len(slots)))
    return _judge(table, slots, frozen=frozen, complete=table.num_rows <= SHARED_KEYS_LIMIT)


def count_shared_keys(keys: NDArray[np.int64]) -> pa.Table:
    """What `build_key_sizes` gives, for keys in memory.

    Args:
        keys: of records, shape (records, slots).
    """
    by_slot = keys.T.ravel()  # so that the first of equal keys stands in the lowest slot
    distinct, first, counts = np.unique(by_slot, return_index=True, return_counts=True)
    shared = (counts > 1) & (distinct != NO_KEY)
    return pa.table(
        {
            c.BLOCK_KEY: distinct[shared],
            c.SLOT: (first[shared] // max(len(keys), 1)).astype(np.int32),
            c.RECORD_COUNT: counts[shared].astype(np.int64),
        }
    )


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
    of_model = _contains(frozen, keys) if frozen is not None else np.zeros(len(keys), dtype=bool)
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


def build_blocks(keyed: DataFrame, use: KeyUse, slots: tuple[Slot, ...]) -> DataFrame:
    """Emit each record once for each of its keys that can lead to a pair.

    Only the keys travel to Python and back; the rows are multiplied in the JVM.

    Args:
        keyed: one row per record_key with `block_keys` and the features.
        use: purged and shared keys.
        slots: the layout of the keys.
    Returns: one row per (block_key, record_key); in `block_keys` purged keys are `NO_KEY`.
    """
    splits = split_slots(slots)

    @F.arrow_udf(_MARKED_KEYS)  # type: ignore[attr-defined,untyped-decorator] # Spark's stubs lack it
    def mark(keys: pa.Array) -> pa.Array:
        return _mark(keys, use, splits)

    others = [name for name in keyed.columns if name != c.BLOCK_KEYS]
    marked = keyed.select(*others, mark(F.col(c.BLOCK_KEYS)).alias(_MARKED))
    return marked.select(
        F.explode(f"{_MARKED}.{_TRAVELLING}").alias(c.BLOCK_KEY),
        *others,
        F.col(f"{_MARKED}.{c.BLOCK_KEYS}").alias(c.BLOCK_KEYS),
    )


_MARKED, _TRAVELLING = "marked", "travelling"
_MARKED_KEYS = f"{c.BLOCK_KEYS} array<bigint>, {_TRAVELLING} array<bigint>"


def _mark(keys: pa.Array, use: KeyUse, splits: NDArray[np.int64]) -> pa.Array:
    """The keys without the purged ones, and those among them that can lead to a pair."""
    active = active_keys(keys.flatten().to_numpy().reshape(len(keys), len(splits)), use.purged, splits)
    travels = active != NO_KEY
    if use.shared is not None:
        travels &= use.shared[_slot_of(active, len(use.shared))]
    ends = np.append(0, np.cumsum(travels.sum(axis=1)))
    return pa.StructArray.from_arrays(
        [_lists(np.arange(len(keys) + 1) * len(splits), active.ravel()), _lists(ends, active[travels])],
        names=[c.BLOCK_KEYS, _TRAVELLING],
    )


def _lists(ends: NDArray[np.int64], values: NDArray[np.int64]) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(values, pa.int64()))


def split_slots(slots: tuple[Slot, ...]) -> NDArray[np.int64]:
    """The slot that each slot splits, -1 for a plain one."""
    return np.array([-1 if slot.splits is None else slot.splits for slot in slots], dtype=np.int64)


def active_keys(keys: NDArray[np.int64], purged: NDArray[np.int64], splits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clear purged keys, and splitting keys of blocks that were not purged.

    Args:
        keys: of records, shape (records, slots).
        purged: keys shared by too many records, sorted.
        splits: the slot that each slot splits, -1 for a plain one, shape (slots,).
    """
    gone = _contains(purged, keys)
    active = np.where(gone, NO_KEY, keys)
    for slot in np.flatnonzero(splits >= 0):
        active[:, slot] = np.where(gone[:, splits[slot]], active[:, slot], NO_KEY)
    return active


def _contains(ordered: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(values.shape, dtype=bool)
    found = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.asarray(ordered[found] == values)


def _bitmap(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """A bitmap of about eight places a key, so that one key in eight that occurs once still travels."""
    size = 1 << max(10, int(np.ceil(np.log2(8 * max(len(keys), 1)))))
    bitmap = np.zeros(size, dtype=bool)
    bitmap[_slot_of(keys, size)] = True
    return bitmap


def _slot_of(keys: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return keys & np.int64(size - 1)
