"""Expressions to Columns of the DataFrame API; user text never reaches Spark's SQL parser.

Logic has three values, as in SQL: a comparison with null is null, `null and false` is false, `null or true` is true,
`not null` is null. In a filter or a segment null is not a member. Arithmetic that overflows or divides by zero is null
rather than an error that would stop a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark.config.expressions.calls import CALLS, Setting
from cdp_spark.config.expressions.check import check_expression, kind_of
from cdp_spark.config.expressions.grammar import nodes as n
from cdp_spark.config.expressions.grammar.patterns import like_regex
from cdp_spark.config.expressions.scope import Scope
from cdp_spark.errors import ContractError, InvalidProjectError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import Column


@dataclass(frozen=True)
class _Context:
    scope: Scope
    setting: Setting


def compile_expression(
    text: str,
    *,
    columns: Mapping[str, T.DataType | n.Kind],
    now: dt.datetime,
    where: str = "expression",
    returns: n.Kind | None = "boolean",
    silence_is_consent: bool = False,
) -> Column:
    """Compile an expression of the allow-listed grammar.

    Args:
        text: the expression.
        columns: the frame's columns, each with its Spark type or kind.
        now: the run's clock, in the time zone in which a day begins; columns of times are in UTC.
        where: how errors name the expression.
        returns: kind that it must have; None for any.
        silence_is_consent: True where a purpose that nobody was asked about counts as granted.
    Returns: a Column over the frame's columns; null where the expression is unknown, which is not membership.

    Raises:
        ConfigError: not of the grammar, an unknown name or a wrong type; several at once as `InvalidProjectError`.
        ContractError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ContractError(where, got="a clock without time zone", allowed="a time zone", fix="pass it in UTC")
    scope = Scope(text, where, kinds_of(columns))
    node = check_expression(text, scope, returns=returns)
    if len(scope.mistakes) > 1:
        raise InvalidProjectError(scope.mistakes)
    if scope.mistakes or node is None:
        raise scope.mistakes[0]
    return _column(node, _Context(scope, Setting(now, silence_is_consent)))


def kinds_of(columns: Mapping[str, T.DataType | n.Kind]) -> dict[str, n.Kind]:
    """Translate Spark types to kinds; columns of other types cannot be named in an expression."""
    kinds = {name: _kind_of_type(kind) if isinstance(kind, T.DataType) else kind for name, kind in columns.items()}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _kind_of_type(kind: T.DataType) -> n.Kind | None:
    if isinstance(kind, T.IntegralType):
        return "long"
    if isinstance(kind, T.FractionalType):
        return "double"
    names: dict[str, n.Kind] = {
        "string": "string",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "array<string>": "strings",
        "map<string,string>": "string_map",
    }
    return names.get(kind.simpleString())


@singledispatch
def _column(node: n.Node, context: _Context) -> Column:
    raise TypeError(f"{type(node).__name__} in {context.scope.where}")


@_column.register(n.Literal)
def _(node: n.Literal, _context: _Context) -> Column:
    return F.lit(node.value)


@_column.register(n.ColumnName)
def _(node: n.ColumnName, _context: _Context) -> Column:
    return F.col(f"`{node.name}`")


@_column.register(n.Call)
def _(node: n.Call, context: _Context) -> Column:
    kinds = [kind_of(argument, context.scope) for argument in node.arguments]
    arguments = [_column(argument, context) for argument in node.arguments]
    return CALLS[node.function](arguments, kinds, context.setting)


@_column.register(n.Not)
def _(node: n.Not, context: _Context) -> Column:
    return ~_column(node.operand, context)


@_column.register(n.Negative)
def _(node: n.Negative, context: _Context) -> Column:
    return F.try_subtract(F.lit(0), _column(node.operand, context))


@_column.register(n.Arithmetic)
def _(node: n.Arithmetic, context: _Context) -> Column:
    left = _column(node.left, context)
    if isinstance(node.right, n.Interval):
        count = node.right.count if node.operator == "+" else -node.right.count
        return _shifted(left, count, node.right.unit, kind=kind_of(node.left, context.scope), setting=context.setting)
    right = _column(node.right, context)
    if kind_of(node.left, context.scope) == "date":
        return F.datediff(left, right).cast("long")
    return _OPERATIONS[node.operator](left, right)


@_column.register(n.Comparison)
def _(node: n.Comparison, context: _Context) -> Column:
    return _COMPARISONS[node.comparator](*_comparable((node.left, node.right), context))


@_column.register(n.Between)
def _(node: n.Between, context: _Context) -> Column:
    value, low, high = _comparable((node.value, node.low, node.high), context)
    inside = value.between(low, high)
    return _negated(inside, node.negated)


@_column.register(n.In)
def _(node: n.In, context: _Context) -> Column:
    value, *options = _comparable((node.value, *node.options), context)
    return _negated(value.isin(*options), node.negated)


@_column.register(n.IsNull)
def _(node: n.IsNull, context: _Context) -> Column:
    value = _column(node.value, context)
    return value.isNotNull() if node.negated else value.isNull()


@_column.register(n.Like)
def _(node: n.Like, context: _Context) -> Column:
    value = _column(node.value, context)
    if node.any_case:
        return _negated(F.lower(value).rlike(like_regex(node.pattern.lower())), node.negated)
    return _negated(value.rlike(like_regex(node.pattern)), node.negated)


@_column.register(n.Logical)
def _(node: n.Logical, context: _Context) -> Column:
    return _balanced([_column(term, context) for term in node.terms], _JOINS[node.operator])


def _balanced(terms: list[Column], join: Callable[[Column, Column], Column]) -> Column:
    """Join many conditions to a shallow tree: Catalyst is recursive too."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return join(_balanced(terms[:middle], join), _balanced(terms[middle:], join))


def _negated(condition: Column, negated: bool) -> Column:
    return ~condition if negated else condition


def _comparable(nodes: Sequence[n.Node], context: _Context) -> list[Column]:
    """Compile what is compared; beside a time, a date is the time at which it begins in the project's zone."""
    kinds = [kind_of(node, context.scope) for node in nodes]
    columns = [_column(node, context) for node in nodes]
    if not {"date", "timestamp"} <= set(kinds):
        return columns
    return [
        context.setting.instant(column, kind) if kind == "date" else column
        for column, kind in zip(columns, kinds, strict=True)
    ]


def _shifted(moment: Column, count: int, unit: n.Unit, *, kind: n.Kind | None, setting: Setting) -> Column:
    """Shift a date or time; days and what is longer are those of the project's calendar, whatever the clocks do."""
    if unit in ("minutes", "hours"):
        return F.try_add(moment, F.make_dt_interval(mins=F.lit(count * (60 if unit == "hours" else 1))))
    if kind == "date" and unit in ("days", "weeks"):
        return F.date_add(moment, count * (7 if unit == "weeks" else 1))
    if unit in ("days", "weeks"):
        interval = F.make_dt_interval(days=F.lit(count * (7 if unit == "weeks" else 1)))
    else:
        interval = F.make_ym_interval(months=F.lit(count * (12 if unit == "years" else 1)))
    shifted = F.try_add(setting.local(moment, kind), interval)
    return setting.instant(shifted, kind) if kind == "timestamp" else shifted


_OPERATIONS: dict[n.Operator, Callable[[Column, Column], Column]] = {
    "+": F.try_add,
    "-": F.try_subtract,
    "*": F.try_multiply,
    "/": F.try_divide,
    "%": F.try_mod,
}
_COMPARISONS: dict[n.Comparator, Callable[[Column, Column], Column]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_JOINS: dict[str, Callable[[Column, Column], Column]] = {
    "and": lambda left, right: left & right,
    "or": lambda left, right: left | right,
}
