"""A tree back to text, with the fewest parentheses."""

from __future__ import annotations

from functools import singledispatch

from cdp_spark.config.expressions.grammar import nodes as n
from cdp_spark.config.expressions.grammar.parse import ADD, AND, COMPARE, MULTIPLY, NEGATIVE, NOT, OR, PRIMARY


def render(node: n.Node) -> str:
    """Write a tree as text; reading the text gives an equal tree."""
    return _text(node)


def _binding(node: n.Node) -> int:
    if isinstance(node, n.Logical):
        return AND if node.operator == "and" else OR
    if isinstance(node, n.Arithmetic):
        return ADD if node.operator in "+-" else MULTIPLY
    return {
        n.Not: NOT,
        n.Negative: NEGATIVE,
        **dict.fromkeys((n.Comparison, n.Between, n.In, n.IsNull, n.Like), COMPARE),
    }.get(type(node), PRIMARY)


def _at_least(node: n.Node, binding: int) -> str:
    return _text(node) if _binding(node) >= binding else f"({_text(node)})"


@singledispatch
def _text(node: n.Node) -> str:
    raise TypeError(type(node).__name__)


@_text.register(n.Literal)
def _(node: n.Literal) -> str:
    if node.kind == "string":
        return _quoted(str(node.value))
    return f"date '{node.value}'" if node.kind == "date" else repr(node.value).lower()


@_text.register(n.Interval)
def _(node: n.Interval) -> str:
    return f"{node.count} {node.unit}"


@_text.register(n.ColumnName)
def _(node: n.ColumnName) -> str:
    return node.name


@_text.register(n.Call)
def _(node: n.Call) -> str:
    return f"{node.function}({', '.join(map(_text, node.arguments))})"


@_text.register(n.Not)
def _(node: n.Not) -> str:
    return f"not {_at_least(node.operand, NOT)}"


@_text.register(n.Negative)
def _(node: n.Negative) -> str:
    return (
        f"-({_text(node.operand)})" if isinstance(node.operand, n.Literal) else f"-{_at_least(node.operand, NEGATIVE)}"
    )


@_text.register(n.Arithmetic)
def _(node: n.Arithmetic) -> str:
    own = _binding(node)
    return f"{_at_least(node.left, own)} {node.operator} {_at_least(node.right, own + 1)}"


@_text.register(n.Comparison)
def _(node: n.Comparison) -> str:
    return f"{_at_least(node.left, ADD)} {node.comparator} {_at_least(node.right, ADD)}"


@_text.register(n.Between)
def _(node: n.Between) -> str:
    low, high = _at_least(node.low, ADD), _at_least(node.high, ADD)
    return f"{_at_least(node.value, ADD)} {_not(node.negated)}between {low} and {high}"


@_text.register(n.In)
def _(node: n.In) -> str:
    return f"{_at_least(node.value, ADD)} {_not(node.negated)}in ({', '.join(map(_text, node.options))})"


@_text.register(n.IsNull)
def _(node: n.IsNull) -> str:
    return f"{_at_least(node.value, ADD)} is {_not(node.negated)}null"


@_text.register(n.Like)
def _(node: n.Like) -> str:
    word = "ilike" if node.any_case else "like"
    return f"{_at_least(node.value, ADD)} {_not(node.negated)}{word} {_quoted(node.pattern)}"


@_text.register(n.Logical)
def _(node: n.Logical) -> str:
    return f" {node.operator} ".join(_at_least(term, _binding(node) + 1) for term in node.terms)


def _not(negated: bool) -> str:
    return "not " if negated else ""


def _quoted(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
