"""Contradictions among labels, beside a search of the graph."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.errors import DataError
from cdp_spark.labelling.links import Label, find_contradictions, ordered, refuse_contradictions

RECORDS = "abcdef"
PAIRS = [(left, right) for left in RECORDS for right in RECORDS if left < right]


def reachable(labels: dict[tuple[str, str], str], start: str) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        record = waiting.pop()
        for pair, label in labels.items():
            if label == "must_link" and record in pair:
                other = pair[pair[0] == record]
                waiting += [other] if other not in seen else []
                seen.add(other)
    return seen


@given(st.dictionaries(st.sampled_from(PAIRS), st.sampled_from(["must_link", "cannot_link"])))
def test_every_contradiction_is_found_with_its_chain(labels: dict[tuple[str, str], str]) -> None:
    found = find_contradictions(labels)
    apart = [pair for pair, label in labels.items() if label == "cannot_link"]
    assert [it.pair for it in found] == sorted(pair for pair in apart if pair[1] in reachable(labels, pair[0]))
    for it in found:
        assert (it.chain[0], it.chain[-1]) == it.pair
        assert all(
            labels[ordered(left, right)] == "must_link" for left, right in zip(it.chain, it.chain[1:], strict=False)
        )


def test_a_contradiction_is_refused_with_its_chain() -> None:
    current = {("a", "b"): "must_link", ("b", "c"): "must_link"}
    with pytest.raises(DataError, match="a cannot-link of a and c, joined by must-links a – b – c"):
        refuse_contradictions(current, [Label(("a", "c"), "cannot_link")])
    with pytest.raises(DataError, match="a cannot-link of a and c, joined by must-links a – b – c"):
        refuse_contradictions({("a", "c"): "cannot_link", ("a", "b"): "must_link"}, [Label(("b", "c"), "must_link")])


def test_a_newer_label_replaces_its_own_pair_s_older_one() -> None:
    current = {("a", "b"): "must_link", ("a", "c"): "cannot_link"}
    refuse_contradictions(current, [Label(("a", "b"), "cannot_link"), Label(("b", "c"), "must_link")])


def test_an_old_contradiction_does_not_block_what_is_apart_from_it() -> None:
    current = {("a", "b"): "must_link", ("b", "c"): "must_link", ("a", "c"): "cannot_link"}
    refuse_contradictions(current, [Label(("d", "e"), "must_link")])
