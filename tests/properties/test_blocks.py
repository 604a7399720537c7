"""Blocks that lie inside others are not made, and no pair is lost."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.config.match import BlockingKey
from cdp_spark.resolution.blocking.blocks import active_keys, split_slots
from cdp_spark.resolution.blocking.key_arrays import NO_KEY, contains, mark_leading
from cdp_spark.resolution.blocking.key_use import count_keys
from cdp_spark.resolution.blocking.slots import Slot
from cdp_spark.resolution.pairs import build_pairs

KEY = (BlockingKey(column="email"),)
SLOTS = (
    Slot(0, KEY, limit=3),
    Slot(0, KEY, limit=3, splits=0),
    Slot(1, KEY, limit=9),
    Slot(2, KEY, limit=9, token=0),
    Slot(2, KEY, limit=9, token=1),
)
FIRST_OF_KIND = (100, 200, 300, 400, 400)
RULES = np.array([slot.rule for slot in SLOTS])
RECORDS = st.lists(st.tuples(*[st.integers(0, 3)] * len(SLOTS)), max_size=9)


def keys_of(records: list[tuple[int, ...]]) -> np.ndarray:
    """No key twice in a record; slots of one kind share their keys; a splitting key belongs to one split key."""
    rows = [
        [NO_KEY if not part else first + part for first, part in zip(FIRST_OF_KIND, record, strict=True)]
        for record in records
    ]
    keys = np.array(rows, dtype=np.int64).reshape(-1, len(SLOTS))
    keys[:, 1] = np.where((keys[:, 0] == NO_KEY) | (keys[:, 1] == NO_KEY), NO_KEY, keys[:, 1] + 10 * keys[:, 0])
    keys[:, 4] = np.where(keys[:, 4] == keys[:, 3], NO_KEY, keys[:, 4])
    return keys


@given(RECORDS)
def test_every_pair_that_shares_a_key_meets_once_with_all_its_rules(records: list[tuple[int, ...]]) -> None:
    keys = keys_of(records)
    use = count_keys(keys, SLOTS)
    active = active_keys(keys, use.purged, split_slots(SLOTS))
    travels = (active != NO_KEY) & use.may_lead(active)
    marked = mark_leading(active, travels)
    row, _ = np.nonzero(travels)
    order = np.argsort(marked[travels], kind="stable")
    record = row[order]
    pairs = build_pairs(marked[travels][order], marked[record], RULES)
    found = sorted(
        (*sorted((int(record[left]), int(record[right]))), int(mask))
        for left, right, mask in zip(pairs.left, pairs.right, pairs.rule_mask, strict=True)
        if record[left] != record[right]
    )
    assert found == sorted(_expected(active))


def _expected(active: np.ndarray) -> list[tuple[int, int, int]]:
    expected = []
    for left, right in combinations(range(len(active)), 2):
        shared = [rule for rule in set(RULES.tolist()) if _keys(active[left], rule) & _keys(active[right], rule)]
        if shared:
            expected.append((left, right, sum(1 << rule for rule in shared)))
    return expected


def _keys(keys: np.ndarray, rule: int) -> set[int]:
    return set(keys[rule == RULES].tolist()) - {NO_KEY}


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_keys_are_found_among_others(keys: list[int], others: list[int]) -> None:
    values = np.array([keys + others], dtype=np.int64)
    assert contains(np.unique(np.array(keys, dtype=np.int64)), values).tolist() == np.isin(values, keys).tolist()


@given(RECORDS)
def test_only_the_larger_of_nested_blocks_is_made(records: list[tuple[int, ...]]) -> None:
    """No key that leads has all its records inside another one that leads, but for splitting ones."""
    keys = keys_of(records)
    use = count_keys(keys, SLOTS)
    active = active_keys(keys, use.purged, split_slots(SLOTS))
    holders = {
        key: frozenset(np.flatnonzero((active[:, [0, 2]] == key).any(axis=1)).tolist())
        for key in np.unique(active[:, [0, 2]]).tolist()
        if key != NO_KEY and use.may_lead(np.array([key]))[0]
    }
    assert all(not holders[one] <= holders[other] for one in holders for other in holders if one != other)
