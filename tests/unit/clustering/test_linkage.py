"""Components above the limit, and evidence that cannot be used."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cdp_spark.clustering.linkage.cuts import find_cuts
from cdp_spark.clustering.linkage.evidence import Constraints, Pairs, as_pairs
from cdp_spark.clustering.linkage.refine import refine
from cdp_spark.errors import ConfigError, DataError


def pairs_of(weights: dict[tuple[int, int], float]) -> Pairs:
    ends = np.array(list(weights), dtype=np.int64)
    return as_pairs(ends[:, 0], ends[:, 1], np.array(list(weights.values())), np.zeros(len(ends), dtype=np.bool_))


def two_triangles(*, bridge: float) -> Pairs:
    triangles = [*combinations(range(3), 2), *combinations(range(3, 6), 2)]
    return pairs_of({**dict.fromkeys(triangles, 8.0), (2, 3): bridge})


@pytest.mark.parametrize(("max_records", "reason"), [(6, "average_linkage"), (3, "large_component")])
def test_a_bridge_is_cut_by_its_mean_or_by_the_limit(max_records: int, reason: str) -> None:
    pairs = two_triangles(bridge=3.0)
    refinement = refine(6, pairs, Constraints(), missing_weight=-0.5, max_records=max_records)
    assert refinement.cluster.tolist() == [0, 0, 0, 3, 3, 3]
    cuts = find_cuts(pairs, refinement, Constraints(), is_edge=pairs.weight > 0)
    assert (cuts.pairs.left.tolist(), cuts.pairs.right.tolist(), cuts.reason.tolist()) == ([2], [3], [reason])


def test_a_strong_bridge_joins_two_small_parts() -> None:
    refinement = refine(6, two_triangles(bridge=4.5), Constraints(), missing_weight=-0.5, max_records=6)
    assert refinement.cluster.tolist() == [0] * 6


def test_a_large_component_of_equal_weights_is_still_clustered() -> None:
    chain = pairs_of({(record, record + 1): 12.0 for record in range(99)})
    refinement = refine(100, chain, Constraints(), missing_weight=-0.5, max_records=10)
    assert refinement.piece.tolist() == [0] * 100
    assert np.bincount(refinement.cluster).max() <= 32


def test_of_a_pair_given_twice_the_larger_weight_counts() -> None:
    pairs = as_pairs(np.array([0, 1, 2]), np.array([1, 0, 2]), np.array([-3.0, 4.0, 9.0]), np.zeros(3, dtype=np.bool_))
    assert (pairs.left.tolist(), pairs.right.tolist(), pairs.row.tolist()) == ([0], [1], [1])


def test_a_pair_without_weight_is_refused() -> None:
    with pytest.raises(DataError, match="null or NaN in 1 pairs"):
        pairs_of({(0, 1): float("nan"), (1, 2): 1.0})


@pytest.mark.parametrize("missing_weight", [0.0, 1.0])
def test_strangers_must_not_attract(missing_weight: float) -> None:
    with pytest.raises(ConfigError, match="a negative number of bits"):
        refine(2, pairs_of({(0, 1): 1.0}), Constraints(), missing_weight=missing_weight, max_records=10)


@pytest.mark.parametrize(
    ("second", "opposed", "cluster"),
    [
        (6.0, -9.0, [0, 1, 2]),  # either of two who exclude each other: neither
        (2.0, -9.0, [0, 0, 2]),  # clearly the first
        (6.0, -1.0, [0, 0, 0]),  # the two only differ
    ],
)
def test_a_record_of_either_of_two_people_joins_neither(second: float, opposed: float, cluster: list[int]) -> None:
    pairs = pairs_of({(0, 1): 7.0, (1, 2): second, (0, 2): opposed})
    refinement = refine(3, pairs, Constraints(), missing_weight=-0.5, max_records=10)
    assert refinement.cluster.tolist() == cluster


@pytest.mark.parametrize(
    ("each_other", "opposed", "cluster"),
    [
        (1.5, -3.5, [0, 1, 2, 3]),  # both may be of either
        (9.0, -9.0, [0, 1, 1, 3]),  # they are one, but whose?
        (1.5, -2.5, [0, 0, 0, 0]),  # the two only differ
    ],
)
def test_two_records_of_either_of_two_people_need_not_be_of_one(
    each_other: float, opposed: float, cluster: list[int]
) -> None:
    """A father, a son of his name, and two records of that name without a birth date."""
    either = {(0, 1): 2.2, (1, 3): 2.2, (0, 2): 2.2, (2, 3): 2.2}
    pairs = pairs_of({**either, (0, 3): opposed, (1, 2): each_other})
    refinement = refine(4, pairs, Constraints(), missing_weight=-0.5, max_records=10)
    assert refinement.cluster.tolist() == cluster


def test_what_is_joined_by_rule_is_never_undecided() -> None:
    ends = np.array([[0, 1], [1, 2], [0, 2]])
    weights, by_rule = np.array([0.0, 0.0, -9.0]), np.array([True, True, False])
    pairs = as_pairs(ends[:, 0], ends[:, 1], weights, by_rule)
    refinement = refine(3, pairs, Constraints(), missing_weight=-0.5, max_records=10)
    assert refinement.cluster.tolist() == [0, 0, 0]
