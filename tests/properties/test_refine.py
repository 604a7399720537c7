"""Average linkage equals a naive clustering of the whole matrix, and keeps its promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cdp_spark.clustering.linkage.evidence import MUST_JOIN, UNITS_PER_BIT, Constraints, as_links, as_pairs
from cdp_spark.clustering.linkage.refine import refine

Weights = dict[tuple[int, int], float | None]
"""Bits per pair; None is a deterministic pair."""

MISSING_BITS = -0.5
weights = st.one_of(
    st.integers(-14, 14).map(float), st.floats(-14, 14, allow_nan=False, width=16), st.sampled_from([2.0, 5.0, None])
)


@st.composite
def problems(draw: st.DrawFn, *, constrained: bool = True) -> tuple[int, Weights, Constraints]:
    size = draw(st.integers(1, 9))
    every_pair = list(combinations(range(size), 2))
    pairs = st.lists(st.sampled_from(every_pair), unique=True) if every_pair else st.just([])
    known: Weights = {pair: draw(weights) for pair in draw(pairs)}
    if not constrained:
        return size, {pair: weight for pair, weight in known.items() if weight is not None}, Constraints()
    links = np.array(draw(pairs), dtype=np.int64).reshape(-1, 2)[:3]
    codes = st.lists(st.integers(-1, 2), min_size=size, max_size=size).map(lambda code: np.array(code, dtype=np.int64))
    return size, known, Constraints(as_links(links[:, 0], links[:, 1]), (draw(codes),), (draw(codes),))


def cluster(size: int, known: Weights, constraints: Constraints, *, max_records: int = 100) -> list[int]:
    ends = np.array(list(known), dtype=np.int64).reshape(-1, 2)
    bits = np.array([np.nan if weight is None else weight for weight in known.values()], dtype=np.float64)
    pairs = as_pairs(ends[:, 1], ends[:, 0], bits, np.isnan(bits))
    found = refine(size, pairs, constraints, missing_weight=MISSING_BITS, max_records=max_records)
    return [int(label) for label in found.cluster]


def forbidden(part: list[int], other: list[int], constraints: Constraints) -> bool:
    links = {frozenset(map(int, link)) for link in constraints.cannot_link}
    if any(frozenset((one, two)) in links for one in part for two in other):
        return True
    pairs = [(one, two) for one in part for two in other]
    differ = any(-1 < code[one] != code[two] > -1 for code in constraints.must_agree for one, two in pairs)
    return differ or any(-1 < code[one] == code[two] for code in constraints.must_differ for one, two in pairs)


@dataclass
class Naive:
    """Average linkage over the whole matrix with exact fractions; parts are lists of records."""

    units: dict[tuple[int, int], int]
    constraints: Constraints
    parts: list[list[int]]
    missing: int = round(MISSING_BITS * UNITS_PER_BIT)
    refused: set[tuple[frozenset[int], frozenset[int]]] = field(default_factory=set)

    def mean(self, part: list[int], other: list[int]) -> Fraction:
        total = sum(self.units.get((min(a, b), max(a, b)), self.missing) for a in part for b in other)
        return Fraction(total, len(part) * len(other))

    def joins(self, part: list[int], other: list[int]) -> bool:
        return not forbidden(part, other, self.constraints) and self.mean(part, other) > 0

    def is_known(self, part: list[int], other: list[int]) -> bool:
        return any((min(a, b), max(a, b)) in self.units for a in part for b in other)

    def is_undecided(self, part: list[int], chosen: list[int]) -> bool:
        return any(
            self.joins(part, rival)
            and self.is_known(part, rival)
            and self.is_known(chosen, rival)
            and self.mean(chosen, rival) <= -3 * UNITS_PER_BIT
            and self.mean(part, rival) > max(self.mean(part, chosen) - 2 * UNITS_PER_BIT, Fraction(0))
            and not self.joins(part + chosen, rival)
            and not self.joins(part + rival, chosen)
            for rival in self.parts
            if rival not in (part, chosen)
        )

    def shares_doubt(self, part: list[int], other: list[int]) -> bool:
        """Whether the other part may belong to what this one is undecided about."""
        return any(
            self.is_known(other, rival) and self.mean(other, rival) > 0
            for rival in self.parts
            if rival not in (part, other) and self.is_refused(part, rival)
        )

    def is_refused(self, one: list[int], other: list[int]) -> bool:
        one_way = (frozenset(one), frozenset(other))
        return one_way in self.refused or one_way[::-1] in self.refused

    def best(self) -> tuple[int, int] | None:
        """The two parts to join next, the first of several equal ones."""
        open_pairs = [
            (low, high)
            for low, high in combinations(range(len(self.parts)), 2)
            if self.joins(self.parts[low], self.parts[high])
            and (frozenset(self.parts[low]), frozenset(self.parts[high])) not in self.refused
        ]
        return max(open_pairs, key=lambda pair: self.mean(self.parts[pair[0]], self.parts[pair[1]]), default=None)


def naive(size: int, known: Weights, constraints: Constraints) -> Naive:
    """Join the best two of all parts until none is positive; a part of either of two that exclude each other stays."""
    units = {
        pair: MUST_JOIN if weight is None else int(np.rint(max(-12.0, min(12.0, weight)) * UNITS_PER_BIT))
        for pair, weight in known.items()
    }
    state = Naive(units, constraints, [[record] for record in range(size)])
    while (best := state.best()) is not None:
        one, other = state.parts[best[0]], state.parts[best[1]]
        both_ways = ((one, other), (other, one))
        if any(state.is_undecided(*way) or state.shares_doubt(*way) for way in both_ways):
            state.refused.add((frozenset(one), frozenset(other)))
        else:
            one += state.parts.pop(best[1])
    return state


@given(problems())
@settings(max_examples=600, deadline=None)
def test_equals_the_naive_clustering(problem: tuple[int, Weights, Constraints]) -> None:
    labels = {record: min(part) for part in naive(*problem).parts for record in part}
    assert cluster(*problem) == [labels[record] for record in range(problem[0])]


@given(problems(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_pairs_changes_nothing(problem: tuple[int, Weights, Constraints], order: object) -> None:
    size, known, constraints = problem
    shuffled = list(known.items())
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert cluster(size, dict(shuffled), constraints) == cluster(size, known, constraints)


@given(problems(), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_no_constraint_is_ever_broken(problem: tuple[int, Weights, Constraints], max_records: int) -> None:
    size, known, constraints = problem
    labels = cluster(size, known, constraints, max_records=max_records)
    for one, two in combinations(range(size), 2):
        if labels[one] == labels[two]:
            assert not forbidden([one], [two], constraints)


@given(problems(constrained=False), st.data(), st.floats(0, 24, width=16))
@settings(max_examples=200, deadline=None)
def test_more_evidence_for_a_joined_pair_never_splits_it(
    problem: tuple[int, Weights, Constraints], data: st.DataObject, more: float
) -> None:
    """Where it makes nobody undecided: a part that grows may come as near to a rival as to what it was joined with."""
    size, known, constraints = problem
    before = cluster(size, known, constraints)
    joined = [(one, two) for one, two in known if before[one] == before[two]]
    assume(joined)
    one, two = data.draw(st.sampled_from(joined))
    stronger = {**known, (one, two): (known[one, two] or 0.0) + more}
    assume(not naive(size, stronger, constraints).refused)
    after = cluster(size, stronger, constraints)
    assert after[one] == after[two]


@given(problems(constrained=False))
@settings(max_examples=200, deadline=None)
def test_deterministic_pairs_stay_together_where_nothing_forbids_it(
    problem: tuple[int, Weights, Constraints],
) -> None:
    size, known, constraints = problem
    pairs = list(known)[::2]
    labels = cluster(size, {**known, **dict.fromkeys(pairs)}, constraints)
    assert all(labels[one] == labels[two] for one, two in pairs)
