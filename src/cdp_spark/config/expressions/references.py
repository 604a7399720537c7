"""What an expression depends on: columns, and the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.expressions.functions import FUNCTIONS
from cdp_spark.config.expressions.grammar.nodes import Call, ColumnName, walk
from cdp_spark.config.expressions.grammar.parse import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdp_spark.config.expressions.functions import Function
    from cdp_spark.config.expressions.grammar.nodes import Node


def referenced_columns(text: str, *, where: str = "expression") -> frozenset[str]:
    """List the columns that an expression reads, `consents` and `attributes` behind functions included.

    Args:
        text: the expression.
        where: how errors name it.
    Raises: ConfigError: the text is not of the grammar.
    """
    nodes = list(walk(parse_expression(text, where=where)))
    named = {node.name for node in nodes if isinstance(node, ColumnName)}
    return frozenset(named | {call.reads for call in _calls(nodes) if call.reads is not None})


def asks_clock(text: str, *, where: str = "expression") -> bool:
    """Say whether an expression's value depends on when the run is.

    Args:
        text: the expression.
        where: how errors name it.
    Raises: ConfigError: the text is not of the grammar.
    """
    return any(call.asks_clock for call in _calls(walk(parse_expression(text, where=where))))


def _calls(nodes: Iterable[Node]) -> Iterator[Function]:
    calls = (FUNCTIONS.get(node.function) for node in nodes if isinstance(node, Call))
    return (call for call in calls if call is not None)
