"""Blocking rules as SQL of DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdp_spark.config.match import BlockingKey, BlockingRule, KeyTransform


def sql_rule(rule: BlockingRule) -> str | None:
    """The condition under which two records share a rule's key; None where SQL of DuckDB cannot say it."""
    parts = [_sql_key(key) for key in rule.keys] or ["TRUE"]
    known = [part for part in parts if part is not None]
    return " AND ".join(known) if len(known) == len(parts) else None


def _sql_key(key: BlockingKey) -> str | None:
    coarsen = _TRANSFORMS.get(key.transform)
    if coarsen is None:
        return None
    left, right = (coarsen(f'{side}."{key.column}"', key.length) for side in "lr")
    return f"({left} = {right})"


_TRANSFORMS: dict[KeyTransform, Callable[[str, int], str]] = {
    "exact": lambda value, _: value,
    "prefix": lambda value, length: f"substr({value}, 1, {length})",
    "suffix": lambda value, length: f"(CASE WHEN length({value}) >= {length} THEN right({value}, {length}) END)",
    "initial": lambda value, _: f"substr({value}, 1, 1)",
    "year": lambda value, _: f"substr({value}, 1, 4)",
    "first_word": lambda value, _: f"split_part({value}, ' ', 1)",
    "last_word": lambda value, _: f"split_part({value}, ' ', -1)",
}
SAID = _TRANSFORMS.keys()
"""The transforms that SQL can say."""
