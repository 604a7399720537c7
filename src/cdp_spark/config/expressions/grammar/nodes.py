"""The tree of an expression; equality ignores where in the text a node stood."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as OneOf

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

Kind: TypeAlias = OneOf["string", "long", "double", "boolean", "date", "timestamp", "strings", "string_map", "interval"]
"""Types of the grammar; `strings` is an array, `string_map` a map of text to text."""

Unit: TypeAlias = OneOf["minutes", "hours", "days", "weeks", "months", "years"]
Operator: TypeAlias = OneOf["+", "-", "*", "/", "%"]
Comparator: TypeAlias = OneOf["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, kw_only=True)
class Node:
    """Any part of an expression.

    Args:
        offset: characters of the text before it.
    """

    offset: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Literal(Node):
    """A constant; the kind keeps 1, 1.0 and true apart."""

    kind: Kind
    value: str | int | float | bool | dt.date


@dataclass(frozen=True)
class Interval(Node):
    """A span of time, such as `30 days`."""

    count: int
    unit: Unit


@dataclass(frozen=True)
class ColumnName(Node):
    """A column."""

    name: str


@dataclass(frozen=True)
class Call(Node):
    """A function of the allow-list."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Not(Node):
    """`not a`."""

    operand: Node


@dataclass(frozen=True)
class Negative(Node):
    """`-a`."""

    operand: Node


@dataclass(frozen=True)
class Arithmetic(Node):
    """`a + b` and the like."""

    operator: Operator
    left: Node
    right: Node


@dataclass(frozen=True)
class Comparison(Node):
    """`a < b` and the like."""

    comparator: Comparator
    left: Node
    right: Node


@dataclass(frozen=True)
class Between(Node):
    """`a [not] between low and high`, both ends included."""

    value: Node
    low: Node
    high: Node
    negated: bool


@dataclass(frozen=True)
class In(Node):
    """`a [not] in (b, c)`."""

    value: Node
    options: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True)
class IsNull(Node):
    """`a is [not] null`."""

    value: Node
    negated: bool


@dataclass(frozen=True)
class Like(Node):
    """`a [not] like 'b%'`; `ilike` ignores case."""

    value: Node
    pattern: str
    any_case: bool
    negated: bool


@dataclass(frozen=True)
class Logical(Node):
    """`a and b and c`, or the same with `or`; flat, so that a long list is not a deep tree."""

    operator: OneOf["and", "or"]
    terms: tuple[Node, ...]


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it."""
    yield node
    for part in fields(node):
        value = getattr(node, part.name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield from walk(child)
