"""Conditions that hold together and leave no value: `x > 5 and x < 3`, `city = 'York' and city = 'Hull'`.

1. What holds together is collected: the parts of `all`, the terms of `and`, and those of `all` and `and` in them.
2. Each term that compares a column with constants is a range, or the values that it allows; the same of a condition on
   events, whose column is the number of events.
3. The terms of a column contradict each other where their ranges and values have nothing in common.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cdp_spark.config.expressions import parse_expression, render
from cdp_spark.config.expressions.grammar import nodes as n

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.segment import Condition

Value: TypeAlias = float | str | bool | dt.date
Found: TypeAlias = tuple["Location", str]
"""Where a contradiction stands, and a sentence."""

_FLIPPED: dict[n.Comparator, n.Comparator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


@dataclass(frozen=True)
class _Term:
    """What one condition demands of a column.

    Args:
        column: its name.
        text: as it is told.
        at: where it stands.
        low: the least value.
        high: the greatest value.
        open_low: whether `low` itself is too little.
        open_high: whether `high` itself is too much.
        values: those that are allowed; None for no list.
        is_null: whether the column must have no value.
    """

    column: str
    text: str
    at: Location
    low: Value | None = None
    high: Value | None = None
    open_low: bool = False
    open_high: bool = False
    values: frozenset[Value] | None = None
    is_null: bool = False


def find_contradictions(condition: Condition, location: Location) -> Iterator[Found]:
    """Find the terms below a condition that hold together and never can, each with the place of the later one.

    Args:
        condition: whose expressions are without mistakes.
        location: its place.
    """
    yield from _among([term for part, at in _together(condition, location) for term in _terms(part, at)])
    for part, at in _together(condition, location):
        if part.where is not None:
            yield from _inside(part.where, (*at, "where"))
        for index, option in enumerate(part.any):
            yield from find_contradictions(option, (*at, "any", index))
        for name in ("not_", "account"):
            if (inner := getattr(part, name)) is not None:
                yield from find_contradictions(inner, (*at, name.rstrip("_")))
        for name in ("members", "household"):
            if (people := getattr(part, name)) is not None:
                yield from find_contradictions(people.who, (*at, name, "who"))


def _together(condition: Condition, location: Location) -> Iterator[tuple[Condition, Location]]:
    """The conditions that have to hold at once."""
    if not condition.all:
        yield condition, location
    for index, part in enumerate(condition.all):
        yield from _together(part, (*location, "all", index))


def _inside(text: str, at: Location) -> Iterator[Found]:
    """Contradictions of terms below an `or` or a `not` of an expression."""
    tree = parse_expression(text, where="expression")
    top = {id(term) for term in _conjunction(tree)}
    for node in n.walk(tree):
        is_and = isinstance(node, n.Logical) and node.operator == "and"
        if is_and and node is not tree and id(node) not in top:
            yield from _among([term for part in _conjunction(node) for term in _read(part, at)])


def _terms(condition: Condition, at: Location) -> Iterator[_Term]:
    if condition.where is not None:
        for part in _conjunction(parse_expression(condition.where, where="expression")):
            yield from _read(part, (*at, "where"))
    asked = condition.events or condition.sequence
    if asked is not None:
        kind = "events" if condition.events else "sequence"
        least, most = asked.bounds
        bounds = {"at_least": least, "at_most": most}
        told = " and ".join(f"{name}: {value:g}" for name, value in bounds.items() if value is not None)
        yield _Term(asked.definition.name, f"{kind} {told}", (*at, kind), low=least, high=most)


def _conjunction(node: n.Node) -> Iterator[n.Node]:
    if isinstance(node, n.Logical) and node.operator == "and":
        for term in node.terms:
            yield from _conjunction(term)
    else:
        yield node


def _read(node: n.Node, at: Location) -> Iterator[_Term]:
    text = render(node)
    if isinstance(node, n.Comparison):
        yield from _compared(node.left, node.comparator, node.right, text, at)
        yield from _compared(node.right, _FLIPPED[node.comparator], node.left, text, at)
    elif isinstance(node, n.IsNull) and isinstance(node.value, n.ColumnName):
        yield _Term(node.value.name, text, at, is_null=not node.negated)
    elif isinstance(node, n.Between) and isinstance(node.value, n.ColumnName) and not node.negated:
        yield _Term(node.value.name, text, at, low=_constant(node.low), high=_constant(node.high))
    elif isinstance(node, n.In) and isinstance(node.value, n.ColumnName) and not node.negated:
        values = [_constant(option) for option in node.options]
        known = frozenset(value for value in values if value is not None)
        yield _Term(node.value.name, text, at, values=known if len(known) == len(set(values)) else None)


def _compared(left: n.Node, comparator: n.Comparator, right: n.Node, text: str, at: Location) -> Iterator[_Term]:
    value = _constant(right)
    if not isinstance(left, n.ColumnName) or value is None:
        return
    if comparator == "=":
        yield _Term(left.name, text, at, values=frozenset({value}))
    elif comparator in (">", ">="):
        yield _Term(left.name, text, at, low=value, open_low=comparator == ">")
    elif comparator in ("<", "<="):
        yield _Term(left.name, text, at, high=value, open_high=comparator == "<")
    else:
        yield _Term(left.name, text, at)


def _constant(node: n.Node) -> Value | None:
    if isinstance(node, n.Negative):
        value = _constant(node.operand)
        return -value if isinstance(value, int | float) else None
    return node.value if isinstance(node, n.Literal) else None


def _among(terms: Sequence[_Term]) -> Iterator[Found]:
    """For each column the first term that contradicts one before it."""
    reported: set[str] = set()
    for place, term in enumerate(terms):
        for other in terms[:place]:
            if other.column == term.column and term.column not in reported and _contradict(other, term):
                reported.add(term.column)
                told = f"`{other.text}` and `{term.text}` can't both hold"
                yield (
                    term.at,
                    f"{told}, so nobody would be a member. Change one of them, or let one be enough (or, any).",
                )
    for term in terms:
        if term.column not in reported and _is_beyond(term, term):
            yield term.at, f"`{term.text}` never holds, so nobody would be a member. Swap the two values."


def _contradict(one: _Term, other: _Term) -> bool:
    if one.is_null or other.is_null:
        return one.is_null != other.is_null
    if one.values is not None and other.values is not None:
        return not one.values & other.values
    if one.values is not None or other.values is not None:
        listed, ranged = (one, other) if one.values is not None else (other, one)
        points = [_Term("", "", (), low=value, high=value) for value in listed.values or ()]
        return bool(points) and all(_is_beyond(point, ranged) or _is_beyond(ranged, point) for point in points)
    return _is_beyond(one, other) or _is_beyond(other, one)


def _is_beyond(one: _Term, other: _Term) -> bool:
    """Whether all that one allows is greater than all that the other allows."""
    low, high = one.low, other.high
    if low is None or high is None or _type(low) is not _type(high):
        return False
    return bool(low > high or (low == high and (one.open_low or other.open_high)))  # type: ignore[operator]


def _type(value: Value) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
