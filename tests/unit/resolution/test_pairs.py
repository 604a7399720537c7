"""Pairs inside blocks, each once, with all the rules that it shares."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_spark.resolution.blocking.key_arrays import NO_KEY, block_spans
from cdp_spark.resolution.pairs import all_pairs, build_pairs


def _emit(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of records exploded to their keys and sorted, as the shuffle delivers them."""
    rows, slots = np.nonzero(keys)
    block_keys = keys[rows, slots]
    order = np.lexsort((rows, block_keys))
    return rows[order], block_keys[order], keys[rows[order]]


def _pairs(keys: np.ndarray, slot_rules: list[int]) -> dict[tuple[int, int], int]:
    rows, block_keys, row_keys = _emit(keys)
    pairs = build_pairs(block_keys, row_keys, np.array(slot_rules))
    found = [
        ((int(rows[a]), int(rows[b])), int(m)) for a, b, m in zip(pairs.left, pairs.right, pairs.rule_mask, strict=True)
    ]
    assert len(found) == len(dict(found)), "a pair was emitted twice"
    return dict(found)


def test_block_spans_of_runs() -> None:
    starts, sizes = block_spans(np.array([3, 3, 7, 9, 9, 9]))
    assert starts.tolist() == [0, 2, 3]
    assert sizes.tolist() == [2, 1, 3]


def test_block_spans_of_nothing() -> None:
    starts, sizes = block_spans(np.array([], dtype=np.int64))
    assert starts.tolist() == []
    assert sizes.tolist() == []


def test_all_pairs_stay_inside_their_span() -> None:
    left, right = all_pairs(np.array([0, 2, 3]), np.array([2, 1, 3]))
    assert sorted(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 1), (3, 4), (3, 5), (4, 5)]


def test_a_pair_that_shares_two_rules_is_emitted_once_with_both_bits() -> None:
    keys = np.array([[10, 20], [10, 20], [11, 20]])
    assert _pairs(keys, [0, 1]) == {(0, 1): 0b11, (0, 2): 0b10, (1, 2): 0b10}


def test_records_without_a_key_pair_with_nobody() -> None:
    keys = np.array([[NO_KEY, 20], [NO_KEY, 21], [NO_KEY, NO_KEY]])
    assert _pairs(keys, [0, 1]) == {}


def test_slots_of_one_rule_match_across_positions() -> None:
    keys = np.array([[5, 6], [6, 7]])
    assert _pairs(keys, [0, 0]) == {(0, 1): 0b1}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=0, max_size=14),
)
def test_pairs_equal_a_quadratic_oracle(rows: list[tuple[int, int, int]]) -> None:
    keys = np.array(rows, dtype=np.int64).reshape(-1, 3)
    keys = np.where(keys == 0, NO_KEY, keys + 10 * np.arange(1, 4))
    expected = {}
    for a in range(len(keys)):
        for b in range(a + 1, len(keys)):
            mask = sum(1 << s for s in range(3) if keys[a, s] == keys[b, s] != NO_KEY)
            if mask:
                expected[a, b] = mask
    assert _pairs(keys, [0, 1, 2]) == expected
