"""Candidate pairs inside sorted blocks, each emitted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_KEY = 0
"""A slot without a key: the record lacks a value that the rule needs, or the key was purged."""


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


def block_spans(block_keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and size of each run of equal keys; the keys are sorted."""
    if len(block_keys) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    starts = np.concatenate([[0], np.flatnonzero(block_keys[1:] != block_keys[:-1]) + 1]).astype(np.int64)
    return starts, np.diff(np.append(starts, len(block_keys)))


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
    keys_l, keys_r = keys[left], keys[right]
    same = keys_l == keys_r
    for slot, rule in enumerate(slot_rules):
        for other in np.flatnonzero(slot_rules == rule):
            if other != slot:
                same[:, slot] |= keys_l[:, slot] == keys_r[:, other]
    return np.asarray(same & (keys_l != NO_KEY))


def build_pairs(
    block_keys: NDArray[np.int64],
    keys: NDArray[np.int64],
    slot_rules: NDArray[np.int64],
    *,
    fresh: NDArray[np.bool_] | None = None,
) -> Pairs:
    """Pairs that share a block, each only in the block of the first key that it shares.

    Args:
        block_keys: the key that brought each row here, sorted; inside a block, records in one order everywhere.
        keys: all keys of each row's record, `NO_KEY` where it has none, shape (rows, slots).
        slot_rules: the blocking rule of each slot, shape (slots,).
        fresh: where given, only pairs with at least one of these rows are made, shape (rows,).
    """
    left, right = all_pairs(*block_spans(block_keys))
    if fresh is not None:
        wanted = fresh[left] | fresh[right]
        left, right = left[wanted], right[wanted]
    if not len(left):
        return Pairs(left, right, left)
    same = shared_slots(keys, slot_rules, left, right)
    first = keys[left, same.argmax(axis=1)]
    here = first == block_keys[left]
    rule_bits = np.left_shift(np.int64(1), slot_rules)
    mask = np.bitwise_or.reduce(np.where(same[here], rule_bits, 0), axis=1)
    return Pairs(left[here], right[here], mask)
