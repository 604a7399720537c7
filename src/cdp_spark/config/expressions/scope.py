"""What an expression may name, and what was found wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cdp_spark.config.expressions.grammar.tokens import place
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cdp_spark.config.expressions.grammar.nodes import Kind, Node


@dataclass(frozen=True)
class Scope:
    """What an expression may name, and what was found wrong with it.

    Args:
        text: the expression, for the place of a mistake.
        where: how errors name the expression.
        columns: kind per column.
        purposes: consents that may be asked for; None for any.
        attributes: own attributes that may be named; None for any.
        mistakes: grows while the expression is checked.
    """

    text: str
    where: str
    columns: Mapping[str, Kind]
    purposes: Collection[str] | None = None
    attributes: Collection[str] | None = None
    mistakes: list[ConfigError] = field(default_factory=list)

    def refuse(self, node: Node, *, got: str, allowed: str = "", fix: str = "") -> None:
        """Note a mistake."""
        where = place(self.where, self.text, node.offset)
        self.mistakes.append(ConfigError(where, got=got, allowed=allowed, fix=fix))
