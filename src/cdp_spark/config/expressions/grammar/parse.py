"""Tokens to a tree: a Pratt parser.

From loose to tight: `or`, `and`, `not`, comparisons (which do not chain), `+ -`, `* / %`, unary `-`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cdp_spark.config.base import nearest
from cdp_spark.config.expressions.grammar import nodes as n
from cdp_spark.config.expressions.grammar.cursor import Cursor
from cdp_spark.config.expressions.grammar.literals import (
    date_literal,
    interval_literal,
    like_pattern,
    number_literal,
    text_literal,
    unit_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cdp_spark.config.expressions.grammar.tokens import Token

OR, AND, NOT, COMPARE, ADD, MULTIPLY, NEGATIVE, PRIMARY = range(1, 9)

COMPARATORS: dict[str, n.Comparator] = {
    "=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}  # fmt: skip
MAX_ARITHMETIC = 50
"""Arithmetic operators in an expression; a chain of them is a deep tree."""
MAX_TERMS = 200
"""Conditions joined in an expression; Spark compiles no more to one method."""
KEYWORDS = {"or", "and", "not", "between", "in", "is", "like", "ilike", "null", "true", "false"}

_BINDING: dict[str, int] = {
    "or": OR,
    "and": AND,
    **dict.fromkeys([*COMPARATORS, "between", "in", "is", "like", "ilike", "not"], COMPARE),
    **dict.fromkeys("+-", ADD),
    **dict.fromkeys("*/%", MULTIPLY),
}


def parse_expression(text: str, *, where: str = "expression") -> n.Node:
    """Read an expression; names and types are checked later.

    Args:
        text: the expression.
        where: how errors name it.
    Returns: its tree.
    Raises: ConfigError: the text is not of the grammar; with line and column.
    """
    cursor = Cursor(text, where)
    node = _expression(cursor, 0)
    token = cursor.next
    if token.kind != "end":
        near = nearest(token.text, ["and", "or", "in", "is", "like", "between"]) if token.kind == "word" else None
        fix = f"write '{near}'" if near else ""
        cursor.refuse(token, allowed="and, or, a comparison or the end", fix=fix)
    return node


def _expression(cursor: Cursor, loosest: int) -> n.Node:
    """Read operands and every operator that binds tighter than `loosest`."""
    with cursor.deeper():
        node = _operand(cursor)
        compared = False
        while (binding := _BINDING.get(cursor.next.keyword, 0)) > loosest:
            if compared and binding == COMPARE:
                cursor.refuse(cursor.next, allowed="and, or or the end", fix="join comparisons with and")
            compared |= binding == COMPARE
            node = _INFIX[binding](cursor, node, cursor.take())
    return node


def _operand(cursor: Cursor) -> n.Node:
    token = cursor.take()
    if token.keyword == "not":
        return n.Not(_expression(cursor, NOT), offset=token.offset)
    if token.keyword == "-":
        return _negative(cursor, token)
    if token.keyword == "(":
        node = _expression(cursor, 0)
        cursor.expect(")")
        return node
    if token.kind == "number":
        unit = unit_of(cursor.next)
        return interval_literal(cursor, token, unit) if unit else number_literal(cursor, token)
    if token.kind == "text":
        return text_literal(token)
    return _named(cursor, token)


def _negative(cursor: Cursor, token: Token) -> n.Node:
    if cursor.next.kind == "number" and unit_of(cursor.after_next) is None:
        return number_literal(cursor, cursor.take(), sign=-1)
    return n.Negative(_expression(cursor, NEGATIVE), offset=token.offset)


def _named(cursor: Cursor, token: Token) -> n.Node:
    word = token.keyword
    if word in ("true", "false"):
        return n.Literal("boolean", word == "true", offset=token.offset)
    if word == "date" and cursor.next.kind == "text":
        return date_literal(cursor, cursor.take())
    if word == "null":
        cursor.refuse(token, allowed="is null, is not null", fix="compare with is null")
    if token.kind != "word" or word in KEYWORDS:
        cursor.refuse(
            token, allowed="a column, a value, a function or (", fix="write a single =" if word == "=" else ""
        )
    if cursor.skip("("):
        return n.Call(word, _list(cursor), offset=token.offset)
    return n.ColumnName(token.text, offset=token.offset)


def _list(cursor: Cursor) -> tuple[n.Node, ...]:
    """Read what follows an opening parenthesis, the closing one included."""
    if cursor.skip(")"):
        return ()
    items = [_expression(cursor, 0)]
    while cursor.skip(","):
        items.append(_expression(cursor, 0))
    cursor.expect(")")
    return tuple(items)


def _or(cursor: Cursor, left: n.Node, token: Token) -> n.Node:
    return n.Logical("or", (left, *_terms(cursor, "or", OR)), offset=token.offset)


def _and(cursor: Cursor, left: n.Node, token: Token) -> n.Node:
    return n.Logical("and", (left, *_terms(cursor, "and", AND)), offset=token.offset)


def _terms(cursor: Cursor, word: str, binding: int) -> Iterator[n.Node]:
    """Read the terms behind the first `and` or `or`."""
    yield _expression(cursor, binding)
    while cursor.skip(word):
        cursor.count("conditions", limit=MAX_TERMS, fix="write column in (…) for many values")
        yield _expression(cursor, binding)


def _arithmetic(cursor: Cursor, left: n.Node, token: Token) -> n.Node:
    cursor.count("arithmetic operators", limit=MAX_ARITHMETIC, fix="use fewer")
    operator = cast("n.Operator", token.text)
    return n.Arithmetic(operator, left, _expression(cursor, _BINDING[operator]), offset=token.offset)


def _compare(cursor: Cursor, left: n.Node, token: Token) -> n.Node:
    if token.keyword in COMPARATORS:
        right = _expression(cursor, COMPARE)
        return n.Comparison(COMPARATORS[token.keyword], left, right, offset=token.offset)
    if token.keyword == "is":
        negated = cursor.skip("not")
        cursor.expect("null")
        return n.IsNull(left, negated, offset=token.offset)
    negated = token.keyword == "not"
    word = cursor.take() if negated else token
    if word.keyword == "in":
        return n.In(left, _options(cursor), negated, offset=token.offset)
    if word.keyword == "between":
        low = _expression(cursor, COMPARE)
        cursor.expect("and")
        return n.Between(left, low, _expression(cursor, COMPARE), negated, offset=token.offset)
    if word.keyword in ("like", "ilike"):
        pattern = like_pattern(cursor, cursor.take())
        return n.Like(left, pattern, word.keyword == "ilike", negated, offset=token.offset)
    return cursor.refuse(word, allowed="in, between, like, ilike")


def _options(cursor: Cursor) -> tuple[n.Node, ...]:
    cursor.expect("(")
    if cursor.next.keyword == ")":
        cursor.refuse(cursor.next, got="an empty list", allowed="at least one value")
    return _list(cursor)


_INFIX: dict[int, Callable[[Cursor, n.Node, Token], n.Node]] = {
    OR: _or,
    AND: _and,
    COMPARE: _compare,
    ADD: _arithmetic,
    MULTIPLY: _arithmetic,
}
