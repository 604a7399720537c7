from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.config.segment import Condition, SegmentConfig
from cdp_spark.segments.tree import Changed, ConditionPart, Truth, build_tree, find_changed, find_deciding, values_of


def segment(name: str, members: dict[str, Any]) -> SegmentConfig:
    return SegmentConfig.model_validate_json(json.dumps({"name": name, "members": members}))


def tree_of(members: dict[str, Any], *others: SegmentConfig) -> ConditionPart:
    return build_tree(segment("asked", members), {it.name: it for it in others})


def lines_of(part: ConditionPart, depth: int = 0) -> Iterator[str]:
    yield "  " * depth + part.text
    for child in part.parts:
        yield from lines_of(child, depth + 1)


def evaluate(part: ConditionPart, leaves: Iterator[Truth]) -> Iterator[Truth]:
    """The truths of a tree from those of its leaves, by brute force: as SQL has them, of a segment never unknown."""
    if not part.parts:
        yield next(leaves)
        return
    below = [list(evaluate(child, leaves)) for child in part.parts]
    tops = [truths[0] for truths in below]
    if part.kind == "not":
        own: Truth = None if tops[0] is None else not tops[0]
    elif part.kind == "segment":
        own = tops[0] is True
    else:
        decisive = part.kind == "any"
        own = decisive if decisive in tops else None if None in tops else not decisive
    yield own
    for truths in below:
        yield from truths


def test_an_expression_and_a_segment_that_is_referred_to_are_spelt_out() -> None:
    romans = segment("romans", {"where": "city = 'Rome' and phone is not null"})
    asked = {
        "all": [
            {"where": "record_count >= 2 and not (gender = 'f' or gender is null)"},
            {"any": [{"segment": "romans"}, {"where": "has_consent('sms')"}]},
        ]
    }
    assert list(lines_of(tree_of(asked, romans))) == [
        "all of",
        "  record_count >= 2",
        "  not",
        "    any of",
        "      gender = 'f'",
        "      gender is null",
        "  any of",
        "    segment: romans",
        "      all of",
        "        city = 'Rome'",
        "        phone is not null",
        "    has_consent('sms')",
    ]


def test_a_leaf_tells_what_it_reads_of_a_profile() -> None:
    tree = tree_of(
        {"where": "attribute('plan') = 'gold' and has_consent('sms') and trait.orders_90 > 1 and city = city"}
    )
    row = {"attributes": {"plan": "gold"}, "consents": None, "trait.orders_90": 2.0}
    assert {it.name: it.value_in(row) for it in values_of(tree)} == {
        "attribute('plan')": "gold",
        "has_consent('sms')": None,
        "trait.orders_90": 2.0,
        "city": None,
    }


@pytest.mark.parametrize(
    ("text", "leaves", "deciding"),
    [
        ("city = 'Rome' and gender = 'f' and phone is null", [False, True, None], ["city = 'Rome'", "phone is null"]),
        ("city = 'Rome' or gender = 'f' or phone is null", [False, True, None], ["gender = 'f'"]),
        ("city = 'Rome' or gender = 'f'", [False, None], ["city = 'Rome'", "gender = 'f'"]),
        ("not (city = 'Rome' and gender = 'f')", [False, True], ["city = 'Rome'"]),
        ("not (city = 'Rome' or gender = 'f')", [None, False], ["city = 'Rome'"]),
    ],
)
def test_what_keeps_a_person_out_or_lets_them_in_decides(text: str, leaves: list[Truth], deciding: list[str]) -> None:
    tree = tree_of({"where": text})
    assert list(find_deciding(tree, list(evaluate(tree, iter(leaves))))) == deciding


def conditions(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    leaf = st.just({"where": "?"})
    if not depth:
        return leaf
    several = st.lists(conditions(depth - 1), min_size=1, max_size=3)
    joined = st.builds(lambda kind, parts: {kind: parts}, st.sampled_from(["all", "any"]), several)
    return st.one_of(leaf, joined, st.builds(lambda part: {"not": part}, conditions(depth - 1)))


def with_own_leaves(members: dict[str, Any]) -> dict[str, Any]:
    """The same tree, each leaf with a text of its own."""
    numbers = itertools.count()
    numbered = re.sub(r'"\?"', lambda _: f'"record_count = {next(numbers)}"', json.dumps(members))
    found: dict[str, Any] = json.loads(numbered)
    return found


@given(st.data())
def test_whatever_the_other_conditions_were_a_member_stays_one_and_who_is_none_stays_out(data: st.DataObject) -> None:
    tree = tree_of(with_own_leaves(data.draw(conditions(3))))
    names = [part.text for part in tree.walk() if part.kind == "leaf"]
    truths = st.lists(st.sampled_from([True, False, None]), min_size=len(names), max_size=len(names))
    leaves, others = data.draw(truths), data.draw(truths)
    answer = list(evaluate(tree, iter(leaves)))
    deciding = find_deciding(tree, answer)
    mixed = [own if name in deciding else other for name, own, other in zip(names, leaves, others, strict=True)]
    assert (next(evaluate(tree, iter(mixed))) is True) == (answer[0] is True)


@pytest.mark.parametrize(
    ("now", "before", "false", "expected"),
    [
        ("ROME and phone is null", "ROME and email = 'a'", "email = 'a'", Changed(before=("email = 'a'",))),
        ("ROME and email = 'a'", "ROME and phone is null", "email = 'a'", Changed(now=("email = 'a'",))),
        ("ROME or gender = 'f'", "ROME", "city = 'Rome'", Changed(now=("gender = 'f'",))),
        ("ROME or gender = 'f'", "ROME and gender = 'f'", "city = 'Rome'", Changed(now=("gender = 'f'",))),
    ],
)
def test_of_a_changed_definition_the_condition_that_is_new_or_gone_is_named(
    now: str, before: str, false: str, expected: Changed
) -> None:
    trees = [tree_of({"where": text.replace("ROME", "city = 'Rome'")}) for text in (now, before)]
    truths = [
        list(evaluate(tree, (part.text != false for part in tree.walk() if part.kind == "leaf"))) for tree in trees
    ]
    assert truths[0][0] is not truths[1][0]
    assert find_changed(trees[0], truths[0], trees[1], truths[1]) == expected


def test_a_segment_that_is_referred_to_decides_where_it_means_something_else_now() -> None:
    romans, others = (segment("romans", {"where": f"city = '{city}'"}) for city in ("Rome", "Ulm"))
    now, before = (tree_of({"all": [{"segment": "romans"}, {"where": "phone is null"}]}, it) for it in (others, romans))
    truths = [True, True, True, True], [False, False, False, True]
    assert find_changed(now, truths[0], before, truths[1]) == Changed(before=("segment: romans",))


def test_a_condition_of_another_kind_is_told_as_yaml_has_it() -> None:
    class Other(Condition):
        score: dict[str, Any] | None = None

    other = Other.model_construct(score={"name": "churn", "at_least": 0.5, "of": ["a", "b"], "strict": True})
    members = Condition.model_construct(all=(other,))
    tree = build_tree(SegmentConfig.model_construct(name="asked", members=members), {})
    assert [part.text for part in tree.walk()] == ["score: {name: churn, at_least: 0.5, of: [a, b], strict: true}"]
