"""Names and types of an expression; all mistakes at once."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, TypeAlias

from cdp_spark.config.base import choose_one, show_columns
from cdp_spark.config.expressions.functions import FUNCTIONS, MOMENT, NUMBER, Function, Kinds, common_kind
from cdp_spark.config.expressions.grammar import nodes as n
from cdp_spark.config.expressions.grammar.parse import parse_expression
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from cdp_spark.config.expressions.scope import Scope

MaybeKind: TypeAlias = n.Kind | None
"""None for a part that is wrong already, so that one mistake is not reported twice."""

MAX_DECIMALS = 9
_DATE_UNITS = {"days", "weeks", "months", "years"}
_KIND_WORDS: dict[n.Kind, str] = {
    "string": "a text",
    "long": "a whole number",
    "double": "a number",
    "boolean": "a condition",
    "date": "a date",
    "timestamp": "a time",
    "strings": "a list",
    "string_map": "a map",
    "interval": "an interval",
}


def check_expression(text: str, scope: Scope, *, returns: n.Kind | None = "boolean") -> n.Node | None:
    """Read and check an expression; mistakes go to the scope.

    Args:
        text: the expression.
        scope: what it may name.
        returns: kind that it must have; None for any.
    Returns: its tree, None if it cannot be read.
    """
    try:
        node = parse_expression(text, where=scope.where)
    except ConfigError as error:
        scope.mistakes.append(error)
        return None
    kind = kind_of(node, scope)
    if returns is not None and kind not in (None, returns):
        scope.refuse(node, got=_words(kind), allowed=_words(returns))
    return node


@singledispatch
def kind_of(node: n.Node, scope: Scope) -> MaybeKind:
    """Find the kind of a node and note what is wrong with it."""
    raise TypeError(f"{type(node).__name__} in {scope.where}")


@kind_of.register(n.Literal)
def _(node: n.Literal, _scope: Scope) -> MaybeKind:
    return node.kind


@kind_of.register(n.Interval)
def _(_node: n.Interval, _scope: Scope) -> MaybeKind:
    return "interval"


@kind_of.register(n.ColumnName)
def _(node: n.ColumnName, scope: Scope) -> MaybeKind:
    if node.name not in scope.columns:
        got = f"unknown column '{node.name}'"
        scope.refuse(node, got=got, allowed=show_columns(scope.columns), fix=choose_one(node.name, scope.columns))
    return scope.columns.get(node.name)


@kind_of.register(n.Call)
def _(node: n.Call, scope: Scope) -> MaybeKind:
    function = FUNCTIONS.get(node.function)
    kinds = [kind_of(argument, scope) for argument in node.arguments]
    if function is None:
        got = f"unknown function '{node.function}'"
        scope.refuse(node, got=got, allowed=", ".join(FUNCTIONS), fix=choose_one(node.function, FUNCTIONS))
        return None
    if not function.takes(len(kinds)):
        scope.refuse(node, got=f"{node.function} with {len(kinds)}", allowed=function.arity)
        return function.returns
    for position, (argument, kind) in enumerate(zip(node.arguments, kinds, strict=True)):
        _require(argument, kind, function.parameter(position), scope)
    _check_constants(node, function, scope)
    return function.returns or _result(node, kinds, function, scope)


@kind_of.register(n.Not)
def _(node: n.Not, scope: Scope) -> MaybeKind:
    _require(node.operand, kind_of(node.operand, scope), frozenset({"boolean"}), scope)
    return "boolean"


@kind_of.register(n.Logical)
def _(node: n.Logical, scope: Scope) -> MaybeKind:
    for term in node.terms:
        _require(term, kind_of(term, scope), frozenset({"boolean"}), scope)
    return "boolean"


@kind_of.register(n.Negative)
def _(node: n.Negative, scope: Scope) -> MaybeKind:
    kind = kind_of(node.operand, scope)
    return kind if _require(node.operand, kind, NUMBER, scope) else None


@kind_of.register(n.Arithmetic)
def _(node: n.Arithmetic, scope: Scope) -> MaybeKind:
    left, right = kind_of(node.left, scope), kind_of(node.right, scope)
    if left is None or right is None:
        return None
    kind = _arithmetic_kind(node, left, right)
    if kind is None:
        fix = "write days, weeks, months or years" if right == "interval" and left == "date" else ""
        scope.refuse(node, got=f"{_words(left)} {node.operator} {_words(right)}", allowed=_ARITHMETIC, fix=fix)
    return kind


_ARITHMETIC = "number + - * / % number, date or time + - interval, date - date"


def _arithmetic_kind(node: n.Arithmetic, left: n.Kind, right: n.Kind) -> MaybeKind:
    if left in NUMBER and right in NUMBER:
        return "double" if node.operator == "/" else common_kind([left, right])
    if node.operator not in "+-":
        return None
    if left in MOMENT and isinstance(node.right, n.Interval):
        return left if left == "timestamp" or node.right.unit in _DATE_UNITS else None
    return "long" if node.operator == "-" and left == right == "date" else None


@kind_of.register(n.Comparison)
def _(node: n.Comparison, scope: Scope) -> MaybeKind:
    return _comparable(node, [node.left, node.right], scope)


@kind_of.register(n.Between)
def _(node: n.Between, scope: Scope) -> MaybeKind:
    return _comparable(node, [node.value, node.low, node.high], scope)


@kind_of.register(n.In)
def _(node: n.In, scope: Scope) -> MaybeKind:
    return _comparable(node, [node.value, *node.options], scope)


@kind_of.register(n.IsNull)
def _(node: n.IsNull, scope: Scope) -> MaybeKind:
    kind_of(node.value, scope)
    return "boolean"


@kind_of.register(n.Like)
def _(node: n.Like, scope: Scope) -> MaybeKind:
    _require(node.value, kind_of(node.value, scope), frozenset({"string"}), scope)
    return "boolean"


def _comparable(node: n.Node, operands: list[n.Node], scope: Scope) -> MaybeKind:
    kinds = [kind for operand in operands if (kind := kind_of(operand, scope)) is not None]
    common = common_kind(kinds)
    if kinds and (common is None or common in ("strings", "string_map", "interval")):
        got = " and ".join(dict.fromkeys(map(_words, kinds)))
        fix = "write date 'YYYY-MM-DD'" if set(kinds) & MOMENT and "string" in kinds else _comparison_fix(kinds)
        scope.refuse(node, got=f"a comparison of {got}", allowed="values of one type", fix=fix)
    return "boolean"


def _comparison_fix(kinds: list[n.Kind]) -> str:
    if "strings" in kinds:
        return "write contains(list, 'value') or size(list)"
    return "convert with to_number" if "string" in kinds and set(kinds) & NUMBER else ""


def _require(node: n.Node, kind: MaybeKind, allowed: Kinds, scope: Scope) -> bool:
    fits = kind is None or kind in allowed
    if not fits:
        words = " or ".join(word for each, word in _KIND_WORDS.items() if each in allowed)
        scope.refuse(node, got=_words(kind), allowed=words)
    return fits


def _check_constants(node: n.Call, function: Function, scope: Scope) -> None:
    if function.reads is not None and function.reads not in scope.columns:
        scope.refuse(node, got=f"{node.function} where there is no column '{function.reads}'")
    for position in function.constants[: len(node.arguments)]:
        argument = node.arguments[position] if position < len(node.arguments) else None
        if argument is not None:
            _check_constant(node, argument, scope)


def _check_constant(node: n.Call, argument: n.Node, scope: Scope) -> None:
    if not isinstance(argument, n.Literal):
        scope.refuse(argument, got="an expression", allowed="a constant")
    elif node.function == "round":
        if argument.kind != "long" or not 0 <= int(str(argument.value)) <= MAX_DECIMALS:
            scope.refuse(argument, got=str(argument.value), allowed=f"0 to {MAX_DECIMALS} decimals")
    else:
        known = {"has_consent": scope.purposes, "attribute": scope.attributes}.get(node.function)
        name = str(argument.value)
        if known is not None and name not in known:
            noun = "purpose" if node.function == "has_consent" else "attribute"
            scope.refuse(
                argument, got=f"unknown {noun} '{name}'", allowed=", ".join(known), fix=choose_one(name, known)
            )


def _result(node: n.Call, kinds: list[MaybeKind], function: Function, scope: Scope) -> MaybeKind:
    """Kind of a function that gives what it takes."""
    taken = [kind for kind in kinds[: None if function.repeats else 1] if kind is not None]
    common = common_kind(taken)
    if taken and common is None:
        got = " and ".join(dict.fromkeys(map(_words, taken)))
        scope.refuse(node, got=f"{node.function} of {got}", allowed="values of one type")
    return common


def _words(kind: MaybeKind) -> str:
    return _KIND_WORDS[kind] if kind is not None else "nothing"
