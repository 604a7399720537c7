"""What is known of the blocking keys before blocks are made: which too many records share, and which only one has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.resolution.blocking.key_arrays import KeyFilter, contains
from cdp_spark.resolution.blocking.shared import SharedKeys, find_shared_keys

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from cdp_spark.resolution.blocking.slots import Slot

GROWTH = 4
"""A block that was not purged when its model was fitted may grow to this many times its limit before it is."""


@dataclass(frozen=True)
class KeyUse:
    """What is known of the keys before blocks are made.

    Args:
        purged: keys shared by more records than their rule allows, sorted.
        purged_rules: how many keys of each rule find nothing, as too many records share them, shape (rules,).
        split_rules: how many more such keys of each rule give way to the keys that split them, shape (rules,).
        leading: keys whose blocks are made: at least two records have them, and no other such key leads to all their
            pairs; None for all keys, where the filter would be too large.
        pairs: pairs inside the blocks that are left, each rule's counted apart, shape (rules,); those of blocks that
            split another one only where the keys were counted on the driver.
        overgrown: how many keys were purged for having outgrown a model that did not purge them.
    """

    purged: NDArray[np.int64]
    purged_rules: NDArray[np.int64]
    split_rules: NDArray[np.int64]
    leading: KeyFilter | None
    pairs: NDArray[np.int64]
    overgrown: int = 0

    def may_lead(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """False for keys that need not travel; the same for a key wherever it stands."""
        return np.ones(keys.shape, dtype=bool) if self.leading is None else self.leading.may_contain(keys)


def count_keys(keys: NDArray[np.int64], slots: tuple[Slot, ...], *, frozen: NDArray[np.int64] | None = None) -> KeyUse:
    """Count keys in memory, shape (records, slots), and judge them.

    Args:
        keys: `NO_KEY` where a record has none.
        slots: the layout of the keys.
        frozen: the keys that a model purged, sorted; they stay purged, and others only where they have outgrown their
            limit by far. Without a model every key above its limit is purged.
    """
    shared = find_shared_keys(keys, kinds_of(slots))
    use = judge_some(shared.as_table(), slots, frozen=frozen)
    splits = np.array([it.splits is not None for it in slots])[shared.slot]
    travels = ~contains(use.purged, shared.keys)
    travels &= ~shared.nested(travels & ~splits)
    return replace(use, leading=_filter(shared.keys[travels]), pairs=use.pairs + _split_pairs(shared, keys, use, slots))


def _split_pairs(
    shared: SharedKeys, keys: NDArray[np.int64], use: KeyUse, slots: tuple[Slot, ...]
) -> NDArray[np.int64]:
    """Pairs inside the blocks that split a larger one, shape (rules,)."""
    in_force = np.zeros(len(shared.keys), dtype=bool)
    for slot, held in zip(slots, shared.of_record, strict=True):
        if slot.splits is not None:
            given_way = (held >= 0) & contains(use.purged, keys[:, slot.splits])
            in_force[held[given_way]] = True
    in_force &= ~contains(use.purged, shared.keys)
    rules, counts = np.array([slot.rule for slot in slots])[shared.slot[in_force]], shared.counts[in_force]
    return np.bincount(rules, counts * (counts - 1) // 2, minlength=len(use.pairs)).astype(np.int64)


def kinds_of(slots: tuple[Slot, ...]) -> NDArray[np.int64]:
    """A number for each slot, the same for those that can hold the same key, shape (slots,)."""
    return np.array([2 * slot.rule + (slot.splits is not None) for slot in slots], dtype=np.int64)


def judge_sizes(table: pa.Table, slots: tuple[Slot, ...], *, frozen: NDArray[np.int64] | None = None) -> KeyUse:
    """Judge the sizes of all shared keys: block_key, slot, record_count; `frozen` as in `count_keys`."""
    use = judge_some(table, slots, frozen=frozen)
    keys = table[c.BLOCK_KEY].to_numpy()
    return replace(use, leading=_filter(keys[~contains(use.purged, keys)]))


def judge_some(table: pa.Table, slots: tuple[Slot, ...], *, frozen: NDArray[np.int64] | None) -> KeyUse:
    """Judge sizes of which only those above a limit are sure to be there: so it is not known which keys lead."""
    keys, slot, count = (table[name].to_numpy() for name in (c.BLOCK_KEY, c.SLOT, c.RECORD_COUNT))
    rules = np.array([s.rule for s in slots], dtype=np.int64)
    splits = np.array([s.splits is not None for s in slots])
    of_model = contains(frozen, keys) if frozen is not None else np.zeros(len(keys), dtype=bool)
    large = too_large(slot, count, slots, growth=1 if frozen is None else GROWTH)
    over = of_model | large
    n_rules, parents = int(rules.max()) + 1, [s.splits for s in slots if s.splits is not None]
    has_split = np.isin(np.arange(len(slots)), parents)
    kept = ~over & ~splits[slot] if len(slot) else over
    return KeyUse(
        purged=np.union1d(keys[over], np.zeros(0, dtype=np.int64) if frozen is None else frozen),
        purged_rules=np.bincount(rules[slot[over & ~has_split[slot]]], minlength=n_rules),
        split_rules=np.bincount(rules[slot[over & has_split[slot]]], minlength=n_rules),
        leading=None,
        pairs=np.bincount(rules[slot[kept]], count[kept] * (count[kept] - 1) // 2, minlength=n_rules).astype(np.int64),
        overgrown=0 if frozen is None else int(np.sum(large & ~of_model)),
    )


def too_large(
    slot: NDArray[np.int64], count: NDArray[np.int64], slots: tuple[Slot, ...], *, growth: int
) -> NDArray[np.bool_]:
    """Which keys more records share than their slot allows, times `growth`."""
    limits = np.array([it.limit for it in slots], dtype=np.int64)
    return np.asarray(count > growth * limits[slot.astype(np.int64)])


def _filter(keys: NDArray[np.int64]) -> KeyFilter | None:
    return KeyFilter.of(keys) if len(keys) <= limits.SHARED_KEYS else None
