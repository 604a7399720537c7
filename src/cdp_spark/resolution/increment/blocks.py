"""Which pairs an incremental run compares anew: those that share a block with a changed record.

1. `find_changes`: who is new, changed or gone, by the hash of what matching reads.
2. `count_touched`: the blocks that changed records were or are in, and how many records each had and has. Only
   unchanged records have to be counted for it, wherever they are (`count_holders`).
3. A block that outgrew its limit, or does so no more, changes the pairs of all its records: these are fresh, too.
4. The others in the touched blocks (`pick_holders`) are compared with the fresh records, never with each other.

The rules take Arrow tables, so they run on the driver over all records, or in Spark's tasks over a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.key_arrays import NO_KEY, contains, pack_keys, unpack_keys
from cdp_spark.resolution.blocking.key_use import GROWTH, KeyUse, judge_sizes, too_large
from cdp_spark.resolution.blocking.keys import make_keys
from cdp_spark.resolution.features import make_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.blocking.slots import Slot

CHANGES_TYPE = f"{c.RECORD_KEY} string, {c.INPUT_HASH} bigint"
KEYS_TYPE = f"{c.RECORD_KEY} string, {c.BLOCK_KEYS} binary"
INPUTS_TYPE = f"{c.RECORD_KEY} string, {c.INPUT_HASH} bigint, {c.BLOCK_KEYS} binary"
HOLDERS_TYPE = f"{c.BLOCK_KEY} bigint, {c.SLOT} bigint, {c.RECORD_COUNT} bigint"


def find_changes(now: pa.Table, before: pa.Table) -> pa.Table:
    """Find the records that are new, changed or gone.

    Args:
        now: record_key, input_hash.
        before: the same of the previous run.
    Returns: one row per such record: record_key, input_hash; null for one that is gone.
    """
    was = pc.index_in(now[c.RECORD_KEY], value_set=before[c.RECORD_KEY].combine_chunks())
    same = pc.equal(before[c.INPUT_HASH].combine_chunks().take(was.combine_chunks()), now[c.INPUT_HASH])
    changed = now.filter(pc.invert(pc.fill_null(same, False)))
    is_gone = np.ones(before.num_rows, dtype=bool)
    is_gone[np.asarray(pc.drop_null(was), dtype=np.int64)] = False
    gone = before.select([c.RECORD_KEY]).filter(pa.array(is_gone))
    gone = gone.append_column(c.INPUT_HASH, pa.nulls(gone.num_rows, pa.int64()))
    return pa.concat_tables([changed.select([c.RECORD_KEY, c.INPUT_HASH]), gone], promote_options="permissive")


def make_packed_keys(records: pa.Table, match: EntityMatch, slots: tuple[Slot, ...]) -> pa.Table:
    """Make the blocking keys of records: record_key, block_keys as bytes.

    Args:
        records: one row per record_key, with what matching reads.
        match: which columns these are.
        slots: the layout of the keys.
    """
    keys = make_keys(make_features(records, match), slots)
    return pa.table({c.RECORD_KEY: records[c.RECORD_KEY], c.BLOCK_KEYS: pack_keys(keys)})


@dataclass(frozen=True)
class Touched:
    """The blocks that changed records were or are in, but for those that the model purged.

    Args:
        slots: the layout of the keys.
        keys: sorted, shape (touched,).
        slot: the lowest that each stands in, shape (touched,).
        was: records of the previous run, shape (touched,).
        count: records now, shape (touched,).
        fresh: changed and new ones among them, shape (touched,).
    """

    slots: tuple[Slot, ...]
    keys: NDArray[np.int64]
    slot: NDArray[np.int64]
    was: NDArray[np.int64]
    count: NDArray[np.int64]
    fresh: NDArray[np.int64]

    @property
    def resized(self) -> NDArray[np.int64]:
        """The keys that have outgrown their limit since the previous run, or do so no more."""
        return np.asarray(self.keys[self._outgrown(self.was) != self._outgrown(self.count)])

    @property
    def leading(self) -> NDArray[np.int64]:
        """The keys by which a changed record meets another one."""
        return self.keys[self._leads]

    @property
    def pair_bound(self) -> int:
        """At most so many pairs have a changed record: those of its blocks, each key's counted apart."""
        return int(np.sum((self.fresh * self.count)[self._leads]))

    def key_use(self, frozen: NDArray[np.int64]) -> KeyUse:
        """Judge the keys that a changed record shares, as `judge_sizes` does; `frozen` are those the model purged."""
        sizes = pa.table({c.BLOCK_KEY: self.keys, c.SLOT: self.slot, c.RECORD_COUNT: self.count})
        return judge_sizes(sizes.filter(pa.array(self._shared)), self.slots, frozen=frozen)

    @property
    def _leads(self) -> NDArray[np.bool_]:
        return self._shared & ~self._outgrown(self.count)

    @property
    def _shared(self) -> NDArray[np.bool_]:
        return np.asarray((self.fresh > 0) & (self.count > 1))

    def _outgrown(self, count: NDArray[np.int64]) -> NDArray[np.bool_]:
        return too_large(self.slot, count, self.slots, growth=GROWTH)


def find_touched_keys(
    fresh: pa.Table, stale: pa.Table, slots: tuple[Slot, ...], purged: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Find the keys of changed records, as they are now and as they were.

    Args:
        fresh: changed and new records as they are now: record_key, block_keys.
        stale: changed and gone records as they were: record_key, block_keys.
        slots: the layout of the keys.
        purged: keys that lead nowhere.
    Returns: sorted.
    """
    both = np.unique(np.concatenate([keys_of(rows, slots).ravel() for rows in (fresh, stale)]))
    return np.asarray(both[(both != NO_KEY) & ~np.isin(both, purged)])


def count_holders(inputs: pa.Table, keys: NDArray[np.int64], slots: tuple[Slot, ...]) -> pa.Table:
    """Count the records that have each of some keys.

    Args:
        inputs: record_key, block_keys.
        keys: sorted.
        slots: the layout of the keys.
    Returns: HOLDERS_TYPE, one row per key that a record has; the slot is the lowest.
    """
    own = keys_of(inputs, slots)
    found = contains(keys, own)
    holders = pa.table({c.BLOCK_KEY: own[found], c.SLOT: np.nonzero(found)[1]})
    counts = holders.group_by(c.BLOCK_KEY).aggregate([(c.SLOT, "min"), ([], "count_all")])
    return counts.rename_columns([c.BLOCK_KEY, c.SLOT, c.RECORD_COUNT])


def count_touched(
    keys: NDArray[np.int64], unchanged: pa.Table, fresh: pa.Table, stale: pa.Table, slots: tuple[Slot, ...]
) -> Touched:
    """Count the records of each touched key, in the previous run and now.

    Args:
        keys: from `find_touched_keys`.
        unchanged: from `count_holders`, in any number of parts.
        fresh: as `find_touched_keys` takes it.
        stale: likewise.
        slots: the layout of the keys.
    """
    slot, counts = np.full(len(keys), len(slots), dtype=np.int64), []
    for holders in (unchanged, *(count_holders(rows, keys, slots) for rows in (fresh, stale))):
        place = np.searchsorted(keys, holders[c.BLOCK_KEY].to_numpy())
        np.minimum.at(slot, place, holders[c.SLOT].to_numpy())
        counts.append(np.bincount(place, holders[c.RECORD_COUNT].to_numpy(), minlength=len(keys)).astype(np.int64))
    stay, new, old = counts
    return Touched(slots, keys, slot, was=stay + old, count=stay + new, fresh=new)


def pick_holders(inputs: pa.Table, keys: NDArray[np.int64], slots: tuple[Slot, ...]) -> pa.Table:
    """Keep the records that have one of some keys.

    Args:
        inputs: record_key, block_keys and others.
        keys: sorted.
        slots: the layout of the keys.
    """
    return inputs.filter(pa.array(contains(keys, keys_of(inputs, slots)).any(axis=1)))


def mark_fresh(fresh: pa.Table, partners: pa.Table) -> pa.Table:
    """Unite the records that are compared, with a flag `is_fresh`: at least one record of a pair has it."""
    flags = np.repeat([True, False], [fresh.num_rows, partners.num_rows])
    both = pa.concat_tables([fresh, partners.select(fresh.column_names)], promote_options="permissive")
    return both.append_column(c.IS_FRESH, pa.array(flags))


def keys_of(inputs: pa.Table, slots: tuple[Slot, ...]) -> NDArray[np.int64]:
    """Unpack the keys of records, shape (records, slots)."""
    return unpack_keys(inputs[c.BLOCK_KEYS].combine_chunks(), len(slots))
