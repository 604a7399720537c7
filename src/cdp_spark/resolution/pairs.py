"""Candidate pairs inside sorted blocks, each emitted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.resolution.blocking.key_arrays import NO_KEY, block_spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_LARGEST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Pairs:
    """Pairs of row positions and the rules that each shares.

    Args:
        left: position of one record, shape (pairs,).
        right: position of the other, shape (pairs,).
        rule_mask: bit r is set where the pair shares a key of rule r, shape (pairs,).
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    rule_mask: NDArray[np.int64]


def all_pairs(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every unordered pair inside each span, as two arrays of positions."""
    lefts, rights = [], []
    for size in np.unique(sizes[sizes > 1]):
        upper_left, upper_right = np.triu_indices(int(size), k=1)
        of_size = starts[sizes == size][:, np.newaxis]
        lefts.append((of_size + upper_left).ravel())
        rights.append((of_size + upper_right).ravel())
    if not lefts:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    return np.concatenate(lefts), np.concatenate(rights)


def shared_slots(
    keys: NDArray[np.int64], slot_rules: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which slots of the left record hold a key that the right record has for the same rule, shape (pairs, slots)."""
    shared = [same for _, same in _each_slot(keys, slot_rules, left, right)]
    return np.stack(shared, axis=1) if shared else np.zeros((len(left), 0), dtype=bool)


def build_pairs(
    block_keys: NDArray[np.int64],
    keys: NDArray[np.int64],
    slot_rules: NDArray[np.int64],
    *,
    fresh: NDArray[np.bool_] | None = None,
) -> Pairs:
    """Pairs that share a block, each only in the block of the smallest key that it shares.

    Args:
        block_keys: the key that brought each row here, sorted; the order inside a block does not matter.
        keys: all keys of each row's record, `NO_KEY` where it has none, shape (rows, slots); those whose blocks are
            made are smaller than the others (`mark_leading`).
        slot_rules: the blocking rule of each slot, shape (slots,).
        fresh: where given, only pairs with at least one of these rows are made, shape (rows,).
    """
    left, right = all_pairs(*block_spans(block_keys))
    if fresh is not None:
        wanted = fresh[left] | fresh[right]
        left, right = left[wanted], right[wanted]
    mask = np.zeros(len(left), dtype=np.int64)
    smallest = np.full(len(left), _LARGEST)
    for slot, (keys_l, same) in enumerate(_each_slot(keys, slot_rules, left, right)):
        mask |= same.astype(np.int64) << slot_rules[slot]
        np.minimum(smallest, keys_l, out=smallest, where=same)
    here = smallest == block_keys[left]
    return Pairs(left[here], right[here], mask[here])


def _each_slot(
    keys: NDArray[np.int64], slot_rules: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """For each slot the left records' keys, and whether the right record has that key for the same rule.

    Slot by slot, because a matrix of all slots of a million pairs would not stay in a processor's cache.
    """
    by_slot = np.ascontiguousarray(keys.T)
    for slot, rule in enumerate(slot_rules):
        keys_l = by_slot[slot][left]
        same = np.zeros(len(left), dtype=bool)
        for other in np.flatnonzero(slot_rules == rule):
            same |= keys_l == by_slot[other][right]
        yield keys_l, same & (keys_l != NO_KEY)
