"""From records with keys to blocks: one row per (block key, record), keys that lead nowhere left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.key_arrays import NO_KEY, contains, mark_leading, pack_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.resolution.blocking.key_use import KeyUse
    from cdp_spark.resolution.blocking.slots import Slot


def expand_blocks(records: pa.Table, keys: NDArray[np.int64], use: KeyUse, slots: tuple[Slot, ...]) -> pa.Table:
    """Emit each record once for each of its keys whose block has to be made for its pairs, in the order of the blocks.

    Args:
        records: one row per record_key with the features.
        keys: of the records, shape (records, slots).
        use: which keys are purged, and which lead to pairs.
        slots: the layout of the keys.
    Returns: one row per (block_key, record_key); `block_keys` is packed, for `unpack_keys`, without the purged ones,
        and marked by `mark_leading`, as `block_key` is.
    """
    marked = mark_keys(keys, use, split_slots(slots))
    travelling = marked.field(TRAVELLING)
    position, block_key = pc.list_parent_indices(travelling), travelling.flatten()
    order = pc.sort_indices(block_key)
    rows = position.take(order)
    blocks = records.take(rows).append_column(c.BLOCK_KEYS, marked.field(c.BLOCK_KEYS).take(rows))
    return blocks.append_column(c.BLOCK_KEY, block_key.take(order))


TRAVELLING = "travelling"


def mark_keys(keys: NDArray[np.int64], use: KeyUse, splits: NDArray[np.int64]) -> pa.StructArray:
    """Pack the keys that are in force, and list those of them whose blocks are made; all with their mark.

    Args:
        keys: of records, shape (records, slots).
        use: which keys are purged, and which lead to pairs.
        splits: from `split_slots`.
    Returns: a struct of `block_keys` (bytes) and `travelling` (list of keys), one a record.
    """
    active = active_keys(keys, use.purged, splits)
    travels = (active != NO_KEY) & use.may_lead(active)
    marked = mark_leading(active, travels)
    ends = pa.array(np.append(0, np.cumsum(travels.sum(axis=1))), pa.int32())
    lists = pa.ListArray.from_arrays(ends, pa.array(marked[travels], pa.int64()))
    return pa.StructArray.from_arrays([pack_keys(marked), lists], [c.BLOCK_KEYS, TRAVELLING])


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
    gone = contains(purged, keys)
    active = np.where(gone, NO_KEY, keys)
    for slot in np.flatnonzero(splits >= 0):
        active[:, slot] = np.where(gone[:, splits[slot]], active[:, slot], NO_KEY)
    return active
