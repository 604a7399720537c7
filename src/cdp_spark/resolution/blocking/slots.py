"""The layout of a record's blocking keys: one slot for each key that a rule can give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.config.match import BlockingKey, BlockingRule

if TYPE_CHECKING:
    from cdp_spark.config.match import EntityMatch, KeyTransform

MAX_TOKENS = 6
"""Words of a value, or elements of a list, that `tokens` turns into keys, the longest first."""
MINHASH_BANDS = 8
"""Keys that `minhash` makes of a value."""
KEYS_OF: dict[KeyTransform, int] = {"tokens": MAX_TOKENS, "minhash": MINHASH_BANDS}
"""The transforms that give a record several keys, and how many."""


@dataclass(frozen=True)
class Slot:
    """One position in a record's array of keys.

    Args:
        rule: index of the blocking rule.
        keys: the parts that make the key.
        limit: records that may share the key.
        token: which word of a `tokens` part, or which band of a `minhash` part, from 0; None for a rule without one.
        splits: the slot whose key is replaced by this one's where its block is too large; None for a plain slot.
    """

    rule: int
    keys: tuple[BlockingKey, ...]
    limit: int
    token: int | None = None
    splits: int | None = None


def all_rules(match: EntityMatch) -> tuple[BlockingRule, ...]:
    """The blocking rules, then the deterministic ones, which find their own pairs; bit r of a mask is rule r."""
    deterministic = tuple(
        BlockingRule(
            name=rule.name,
            keys=tuple(BlockingKey(column=column) for column in rule.columns),
            max_block_records=min(match.max_sharing.get(column, match.max_block_records) for column in rule.columns),
        )
        for rule in match.deterministic
    )
    return match.blocking + deterministic


def deterministic_mask(match: EntityMatch) -> int:
    """The bits of the rules that join a pair whatever the model says."""
    first = len(match.blocking)
    return sum(1 << (first + index) for index in range(len(match.deterministic)))


def build_slots(rules: tuple[BlockingRule, ...], *, max_block_records: int) -> tuple[Slot, ...]:
    """All slots in the order of the rules, a rule's splitting slots behind its own."""
    slots: list[Slot] = []
    for index, rule in enumerate(rules):
        limit = rule.max_block_records or max_block_records
        own = _slots_of(index, rule.keys, limit)
        start = len(slots)
        slots.extend(own)
        if rule.split_by is not None:
            for offset, slot in enumerate(own):
                slots.append(Slot(index, (*rule.keys, rule.split_by), limit, slot.token, start + offset))
    return tuple(slots)


def _slots_of(index: int, keys: tuple[BlockingKey, ...], limit: int) -> list[Slot]:
    several = [KEYS_OF[key.transform] for key in keys if key.transform in KEYS_OF]
    return [Slot(index, keys, limit, token) for token in range(several[0])] if several else [Slot(index, keys, limit)]
