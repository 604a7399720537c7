"""Which columns an expression reads."""

from __future__ import annotations

from cdp_spark.config.expressions.functions import FUNCTIONS
from cdp_spark.config.expressions.grammar.nodes import Call, ColumnName, walk
from cdp_spark.config.expressions.grammar.parse import parse_expression


def referenced_columns(text: str, *, where: str = "expression") -> frozenset[str]:
    """List the columns that an expression reads, `consents` and `attributes` behind functions included.

    Args:
        text: the expression.
        where: how errors name it.
    Raises: ConfigError: the text is not of the grammar.
    """
    nodes = list(walk(parse_expression(text, where=where)))
    named = {node.name for node in nodes if isinstance(node, ColumnName)}
    calls = (FUNCTIONS.get(node.function) for node in nodes if isinstance(node, Call))
    return frozenset(named | {call.reads for call in calls if call is not None and call.reads is not None})
