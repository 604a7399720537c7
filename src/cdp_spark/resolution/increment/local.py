"""The last night's inputs on the driver: a night over a few million records finds there what its changes touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.key_arrays import NO_KEY, contains, unpack_keys
from cdp_spark.resolution.blocking.key_use import GROWTH, KeyUse, judge_sizes, too_large
from cdp_spark.resolution.increment.inputs import Changes
from cdp_spark.resolution.linkage import slots_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.resolution.blocking.slots import Slot
    from cdp_spark.resolution.model import MatchModel


@dataclass(frozen=True)
class LocalInputs:
    """The rows of `match_inputs` that the last night left of an entity type, fetched.

    Args:
        rows: record_key, input_hash, block_keys.
    """

    rows: pa.Table

    @classmethod
    def compare(cls, before: pa.Table, now: pa.Table) -> tuple[LocalInputs, Changes]:
        """Compare tonight's record_key and input_hash with theirs."""
        before, now = before.combine_chunks(), now.combine_chunks()
        found = find_changes(now, before)
        return cls(before), Changes(found, found.num_rows, found[c.INPUT_HASH].null_count, now.num_rows)

    def find_touched(self, fresh: pa.Table, stale: pa.Table, model: MatchModel) -> LocalBlocks:
        """Find the blocks that changed records were or are in, but for those that the model purged.

        Args:
            fresh: changed and new records as they are now: record_key, block_keys.
            stale: record_key of the records of the last night that are changed or gone.
            model: its purged keys lead nowhere.
        """
        slots = slots_of(model.match)
        keys = _keys_of(self.rows, len(slots))
        is_stale = np.asarray(pc.is_in(self.rows[c.RECORD_KEY], value_set=stale[c.RECORD_KEY]), dtype=bool)
        purged = np.array(model.purged_keys, dtype=np.int64)
        return LocalBlocks(self, slots, keys, is_stale, _count(keys, is_stale, _keys_of(fresh, len(slots)), purged))


@dataclass(frozen=True)
class KeySizes:
    """The touched keys and how many records have them.

    Args:
        keys: sorted, shape (touched,).
        slot: the lowest that each stands in, shape (touched,).
        was: records of the last night, shape (touched,).
        count: records now, shape (touched,).
        fresh: changed and new ones among them, shape (touched,).
        holders: positions of the last night's records that have one of the keys.
        which: position of that key, the same shape as `holders`.
    """

    keys: NDArray[np.int64]
    slot: NDArray[np.int64]
    was: NDArray[np.int64]
    count: NDArray[np.int64]
    fresh: NDArray[np.int64]
    holders: NDArray[np.int64]
    which: NDArray[np.int64]


def _count(
    keys: NDArray[np.int64], is_stale: NDArray[np.bool_], keys_now: NDArray[np.int64], purged: NDArray[np.int64]
) -> KeySizes:
    touched = np.unique(np.concatenate([keys_now.ravel(), keys[is_stale].ravel()]))
    touched = touched[(touched != NO_KEY) & ~np.isin(touched, purged)]
    holders, slots = np.nonzero(contains(touched, keys))
    which = np.searchsorted(touched, keys[holders, slots])
    slots_now = np.nonzero(contains(touched, keys_now))
    which_now = np.searchsorted(touched, keys_now[slots_now])
    lowest = np.full(len(touched), keys.shape[1], dtype=np.int64)
    np.minimum.at(lowest, which, slots)
    np.minimum.at(lowest, which_now, slots_now[1])
    fresh = np.bincount(which_now, minlength=len(touched))
    stay = np.bincount(which[~is_stale[holders]], minlength=len(touched))
    return KeySizes(
        keys=touched,
        slot=lowest,
        was=np.bincount(which, minlength=len(touched)),
        count=stay + fresh,
        fresh=fresh,
        holders=holders,
        which=which,
    )


@dataclass(frozen=True)
class LocalBlocks:
    """The blocks that changed records were or are in.

    Args:
        inputs: of the last night.
        slots: the layout of the keys.
        keys: of its records, shape (records, slots).
        is_stale: which of them are changed or gone, shape (records,).
        sizes: the touched keys.
    """

    inputs: LocalInputs
    slots: tuple[Slot, ...]
    keys: NDArray[np.int64]
    is_stale: NDArray[np.bool_]
    sizes: KeySizes

    def turned(self) -> pa.Table:
        """The inputs of unchanged records with a key that has outgrown its limit since, or does so no more."""
        turned = self._outgrown(self.sizes.was) != self._outgrown(self.sizes.count)
        return self.inputs.rows.take(pa.array(self._unchanged_holders(turned)))

    def partners(self) -> pa.Table:
        """record_key and block_keys of the unchanged records that share a live key with a changed one."""
        found = self._unchanged_holders(self._leads)
        return self.inputs.rows.select([c.RECORD_KEY, c.BLOCK_KEYS]).take(pa.array(found))

    def key_use(self, frozen: NDArray[np.int64]) -> KeyUse:
        """Of the keys by which a changed record can meet another one."""
        sizes = {c.BLOCK_KEY: self.sizes.keys, c.SLOT: self.sizes.slot, c.RECORD_COUNT: self.sizes.count}
        return judge_sizes(pa.table(sizes).filter(pa.array(self._shared)), self.slots, frozen=frozen)

    def pair_bound(self) -> int:
        """At most so many pairs have a changed record: those of its blocks, each key's counted apart."""
        return int(np.sum((self.sizes.fresh * self.sizes.count)[self._leads]))

    @property
    def _leads(self) -> NDArray[np.bool_]:
        return self._shared & ~self._outgrown(self.sizes.count)

    @property
    def _shared(self) -> NDArray[np.bool_]:
        return np.asarray((self.sizes.fresh > 0) & (self.sizes.count > 1))

    def _outgrown(self, count: NDArray[np.int64]) -> NDArray[np.bool_]:
        return too_large(self.sizes.slot, count, self.slots, growth=GROWTH)

    def _unchanged_holders(self, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
        holders = self.sizes.holders[wanted[self.sizes.which]]
        return np.unique(holders[~self.is_stale[holders]])


def find_changes(now: pa.Table, before: pa.Table) -> pa.Table:
    """What `build_changes` builds, of tables in memory."""
    was = pc.index_in(now[c.RECORD_KEY], value_set=before[c.RECORD_KEY])
    same = pc.equal(before[c.INPUT_HASH].take(was), now[c.INPUT_HASH])
    changed = now.filter(pc.invert(pc.fill_null(same, False)))
    is_gone = np.ones(before.num_rows, dtype=bool)
    is_gone[np.asarray(pc.drop_null(was), dtype=np.int64)] = False
    gone = before.select([c.RECORD_KEY]).filter(pa.array(is_gone))
    gone = gone.append_column(c.INPUT_HASH, pa.nulls(gone.num_rows, pa.int64()))
    return pa.concat_tables([changed.select([c.RECORD_KEY, c.INPUT_HASH]), gone], promote_options="permissive")


def _keys_of(rows: pa.Table, slots: int) -> NDArray[np.int64]:
    return unpack_keys(rows[c.BLOCK_KEYS].combine_chunks(), slots)
