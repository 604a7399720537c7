"""From records with keys to blocks: one row per (block key, record), keys that lead nowhere left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.blocking.keys import NO_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from cdp_spark.blocking.slots import Slot

SHARED_KEYS_LIMIT = 5_000_000
"""Above this many shared keys, keys that occur once travel too: the filter would not fit a task's memory."""


@dataclass(frozen=True)
class KeyUse:
    """What is known of the keys before blocks are made.

    Args:
        purged: keys shared by more records than their rule allows, sorted.
        purged_rules: how many keys of each rule were purged, shape (rules,).
        shared: bitmap over hashed keys that at least two records have; None where it would be too large.
        pairs: pairs inside the blocks that are left, each rule's counted apart, shape (rules,).
    """

    purged: NDArray[np.int64]
    purged_rules: NDArray[np.int64]
    shared: NDArray[np.bool_] | None
    pairs: NDArray[np.int64]


def build_key_sizes(keyed: DataFrame) -> DataFrame:
    """One row per key that at least two records share: block_key, slot (the lowest it stands in), record_count."""
    exploded = keyed.select(F.posexplode(c.BLOCK_KEYS).alias(c.SLOT, c.BLOCK_KEY)).where(F.col(c.BLOCK_KEY) != NO_KEY)
    sizes = exploded.groupBy(c.BLOCK_KEY).agg(F.min(c.SLOT).alias(c.SLOT), F.count(F.lit(1)).alias(c.RECORD_COUNT))
    return sizes.where(F.col(c.RECORD_COUNT) > 1)


def read_key_use(sizes: DataFrame, slots: tuple[Slot, ...]) -> KeyUse:
    """Collect which keys are purged and which are shared (an action).

    Args:
        sizes: as `build_key_sizes` makes it.
        slots: the layout of the keys.
    """
    table = sizes.limit(SHARED_KEYS_LIMIT + 1).toArrow()
    complete = table.num_rows <= SHARED_KEYS_LIMIT
    if not complete:
        table = sizes.where(F.col(c.RECORD_COUNT) > min(slot.limit for slot in slots)).toArrow()
    keys, slot, count = (table[name].to_numpy() for name in (c.BLOCK_KEY, c.SLOT, c.RECORD_COUNT))
    limits = np.array([s.limit for s in slots], dtype=np.int64)
    rules = np.array([s.rule for s in slots], dtype=np.int64)
    splits = np.array([s.splits is not None for s in slots])
    over = count > limits[slot] if len(slot) else np.zeros(0, dtype=bool)
    n_rules = int(rules.max()) + 1
    kept = ~over & ~splits[slot] if len(slot) else over
    return KeyUse(
        purged=np.sort(keys[over]).astype(np.int64),
        purged_rules=np.bincount(rules[slot[over]], minlength=n_rules),
        shared=_bitmap(keys[~over]) if complete else None,
        pairs=np.bincount(rules[slot[kept]], count[kept] * (count[kept] - 1) // 2, minlength=n_rules).astype(np.int64),
    )


def build_blocks(keyed: DataFrame, use: KeyUse, slots: tuple[Slot, ...]) -> DataFrame:
    """Emit each record once for each of its keys that can lead to a pair.

    Args:
        keyed: one row per record_key with `block_keys` and the features.
        use: purged and shared keys.
        slots: the layout of the keys.
    Returns: one row per (block_key, record_key); in `block_keys` purged keys are `NO_KEY`.
    """
    schema = T.StructType([T.StructField(c.BLOCK_KEY, T.LongType(), nullable=False), *keyed.schema.fields])
    splits = split_slots(slots)

    def emit(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _emit(batch, use, splits)

    return keyed.mapInArrow(emit, schema)


def _emit(batch: pa.RecordBatch, use: KeyUse, splits: NDArray[np.int64]) -> pa.RecordBatch:
    position = batch.schema.get_field_index(c.BLOCK_KEYS)
    values = batch.column(position).flatten().to_numpy()
    keys = active_keys(values.reshape(batch.num_rows, len(splits)), use.purged, splits)
    travels = keys != NO_KEY
    if use.shared is not None:
        travels &= use.shared[_slot_of(keys, len(use.shared))]
    rows, slot = np.nonzero(travels)
    active = pa.ListArray.from_arrays(np.arange(len(keys) + 1, dtype=np.int32) * len(splits), keys.ravel())
    records = batch.set_column(position, c.BLOCK_KEYS, active.cast(batch.schema.field(position).type)).take(
        pa.array(rows)
    )
    return pa.RecordBatch.from_arrays(
        [pa.array(keys[rows, slot]), *records.columns], [c.BLOCK_KEY, *batch.schema.names]
    )


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
