"""The strongest chain, beside a search of all paths."""

from __future__ import annotations

from itertools import pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.explain.chain import Link, strongest_chain

RECORDS = "abcde"


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(RECORDS), st.sampled_from(RECORDS)).filter(lambda it: it[0] < it[1]),
        st.integers(-5, 5),
    )
)
def test_no_chain_has_a_stronger_weakest_link(weights: dict[tuple[str, str], int]) -> None:
    links = [Link(*ends, weight) for ends, weight in weights.items()]
    both_ways = weights | {(right, left): weight for (left, right), weight in weights.items()}
    paths = [["a", *between, "e"] for size in range(4) for between in permutations("bcd", size)]
    walked = [[both_ways.get(step) for step in pairwise(path)] for path in paths]
    best = max((min(steps) for steps in walked if None not in steps), default=None)  # type: ignore[type-var]
    chain = strongest_chain(links, "a", "e")
    assert min((it.weight_log2 for it in chain), default=None) == best
    assert [it.left for it in chain] + [it.right for it in chain][-1:] == (
        ["a", *[it.right for it in chain]] if chain else []
    )
    assert all(both_ways[it.left, it.right] == it.weight_log2 for it in chain)


def test_a_record_needs_no_chain_to_itself() -> None:
    assert strongest_chain([Link("a", "b", 1.0)], "a", "a") == ()
