"""The steps of a cluster, beside the refinement and a plain mean over pairs."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.clustering.linkage.evidence import Constraints, as_links, as_pairs
from cdp_spark.clustering.linkage.refine import refine
from cdp_spark.explain.chain import Link
from cdp_spark.explain.merges import Merge, replay_merges, weakest_merge

RECORDS = "abcdefg"
PAIRS = list(combinations(RECORDS, 2))
MISSING = -0.5
WEIGHTS = st.dictionaries(st.sampled_from(PAIRS), st.integers(-12, 12).map(float))


def clusters_of(weights: dict[tuple[str, str], float]) -> list[list[str]]:
    left, right = (np.array([RECORDS.index(pair[side]) for pair in weights], dtype=np.int64) for side in (0, 1))
    bits = np.array(list(weights.values()), dtype=np.float64)
    pairs = as_pairs(left, right, bits, np.isinf(bits))
    none = Constraints(as_links(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)))
    cluster = refine(len(RECORDS), pairs, none, missing_weight=MISSING, max_records=100).cluster
    return [[RECORDS[i] for i in np.flatnonzero(cluster == name)] for name in np.unique(cluster)]


@given(WEIGHTS)
def test_a_cluster_of_the_refinement_is_made_again_by_its_own_pairs_unless_others_made_it_wait(
    weights: dict[tuple[str, str], float],
) -> None:
    for keys in clusters_of(weights):
        own = {pair: weight for pair, weight in weights.items() if set(pair) <= set(keys)}
        merges = replay_merges(keys, own, missing_weight=MISSING)
        alone = not any(len({*pair} & {*keys}) == 1 for pair in weights)
        assert len(merges) == len(keys) - 1 if alone else len(merges) < len(keys)
        parts = {key: [key] for key in keys}
        for it in merges:
            one, other = parts[it.left], parts.pop(it.right)
            between = [own.get((min(pair), max(pair))) for pair in product(one, other)]
            known = [weight for weight in between if weight is not None]
            assert it.mean_log2 == pytest.approx(np.mean([MISSING if it is None else it for it in between]))
            assert (it.records_l, it.records_r, it.compared) == (len(one), len(other), len(known))
            assert it.strongest.weight_log2 == max(known)
            parts[it.left] = one + other


def test_a_certain_pair_joins_first_and_the_weakest_step_is_found() -> None:
    weights = {("a", "b"): float("inf"), ("a", "c"): 2.0, ("b", "c"): 1.0, ("c", "d"): 5.0}
    merges = replay_merges("abcd", weights, missing_weight=MISSING)
    assert merges == (
        Merge("a", "b", 1, 1, float("inf"), 1, Link("a", "b")),
        Merge("c", "d", 1, 1, 5.0, 1, Link("c", "d", 5.0)),
        Merge("a", "c", 2, 2, 0.5, 2, Link("a", "c", 2.0)),
    )
    assert weakest_merge(merges) == merges[2]
    assert weakest_merge(()) is None


def test_weights_that_no_longer_make_the_cluster_give_fewer_steps() -> None:
    assert replay_merges("ab", {("a", "b"): -1.0}, missing_weight=MISSING) == ()
    assert replay_merges("ab", {}, missing_weight=MISSING) == ()


def test_a_record_outside_that_made_a_part_wait_leaves_steps_out() -> None:
    weights = {("a", "b"): 1.0, ("a", "c"): 1.0, ("a", "d"): 1.0, ("a", "e"): 2.0, ("b", "e"): -3.0}
    assert ["a", "c", "d", "e"] in clusters_of(weights)  # a belonged to b or e, and joined c and d first
    own = {pair: weight for pair, weight in weights.items() if "b" not in pair}
    assert [it.records_l + it.records_r for it in replay_merges("acde", own, missing_weight=MISSING)] == [2, 3]
