"""Properties of the grammar: reading what was written gives the same tree, and nothing but ConfigError is raised."""

from __future__ import annotations

import contextlib
import re
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_spark.config.checks.vocabulary import PROFILE_COLUMNS
from cdp_spark.config.expressions import Scope, check_expression, parse_expression, render
from cdp_spark.config.expressions.grammar import nodes as n
from cdp_spark.config.expressions.grammar.parse import KEYWORDS
from cdp_spark.config.expressions.grammar.patterns import like_regex
from cdp_spark.errors import ConfigError

words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda word: word.lower() not in KEYWORDS)
literals = st.one_of(
    st.integers(-(10**17), 10**17).map(lambda value: n.Literal("long", value)),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: n.Literal("double", value)),
    st.booleans().map(lambda value: n.Literal("boolean", value)),
    st.text(max_size=8).map(lambda value: n.Literal("string", value)),
    st.dates().map(lambda value: n.Literal("date", value)),
)
units = st.sampled_from(["minutes", "hours", "days", "weeks", "months", "years"])
leaves = st.one_of(
    literals, words.map(n.ColumnName), st.builds(n.Interval, st.integers(0, 99_999), units), st.just(n.Call("now", ()))
)
patterns = st.text(max_size=6).map(lambda text: text.replace("\\", "\\\\"))


def _grow(trees: st.SearchStrategy[n.Node]) -> st.SearchStrategy[n.Node]:
    several = st.lists(trees, min_size=1, max_size=3).map(tuple)
    terms = st.lists(trees, min_size=2, max_size=4).map(tuple)
    return st.one_of(
        st.builds(n.Not, trees),
        st.builds(n.Negative, trees),
        st.builds(n.Arithmetic, st.sampled_from("+-*/%"), trees, trees),
        st.builds(n.Comparison, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), trees, trees),
        st.builds(n.Between, trees, trees, trees, st.booleans()),
        st.builds(n.In, trees, several, st.booleans()),
        st.builds(n.IsNull, trees, st.booleans()),
        st.builds(n.Like, trees, patterns, st.booleans(), st.booleans()),
        st.builds(n.Logical, st.sampled_from(["and", "or"]), terms),
        st.builds(n.Call, words.map(str.lower), several),
    )


trees = st.recursive(leaves, _grow, max_leaves=12)
pieces = st.sampled_from(
    [
        *(
            "(",
            ")",
            ",",
            "and",
            "or",
            "not",
            "in",
            "is",
            "null",
            "between",
            "like",
            "=",
            "<",
            "+",
            "-",
            "*",
            "1",
            "2.5",
        ),
        *("'x'", "date", "days", "city", "revenue", "birth_date", "emails", "attributes"),
        *("now()", "coalesce(", "round(", "has_consent("),
    ]
)


@given(trees)
def test_reading_what_was_written_gives_the_same_tree(tree: n.Node) -> None:
    assert parse_expression(render(tree)) == tree


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(pieces, max_size=30).map(" ".join)))
def test_garbage_raises_nothing_but_config_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        tree = parse_expression(text)
        assert parse_expression(render(tree)) == tree
    check_expression(text, Scope(text, "e", PROFILE_COLUMNS))


@settings(max_examples=300, deadline=None)
@given(st.text("ab%_\n.*", max_size=8), st.text("ab\n.*", max_size=8))
def test_a_pattern_finds_what_its_letters_say(pattern: str, text: str) -> None:
    assert bool(re.search(like_regex(pattern), text)) == _is_like(pattern, text)


def _is_like(pattern: str, text: str) -> bool:
    """What `like` means, letter by letter."""

    @cache
    def holds(at: int, place: int) -> bool:
        if at == len(pattern):
            return place == len(text)
        if pattern[at] == "%":
            return holds(at + 1, place) or (place < len(text) and holds(at, place + 1))
        return place < len(text) and pattern[at] in ("_", text[place]) and holds(at + 1, place + 1)

    return holds(0, 0)


def test_an_escaped_wildcard_is_itself() -> None:
    assert [bool(re.search(like_regex("100\\%%"), text)) for text in ("100% of", "100 % of")] == [True, False]
