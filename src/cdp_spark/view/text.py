"""Values as a person reads them, in a terminal and on a page."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import UnionType


def shown(value: object) -> str:
    """Write a value as a person reads it."""
    for kind, text in _SHOWN:
        if isinstance(value, kind):
            return text(value)
    return str(value)


def counted(count: int, noun: str) -> str:
    """Write a count with its noun, such as `1 record` or `2 records`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def words(name: str) -> str:
    """Write a column's name as people say it: without its underscores, and without the zone that all times are in."""
    return name.removesuffix("_utc").replace("_", " ")


_SHOWN: tuple[tuple[type | UnionType, Callable[..., str]], ...] = (
    (type(None), lambda _: ""),
    (datetime, lambda time: time.strftime("%Y-%m-%d %H:%M:%S")),
    (bool, lambda truth: "yes" if truth else "no"),
    (int, lambda count: f"{count:,}"),
    (float, lambda figure: f"{figure:,.1f}"),
    (Decimal, lambda amount: f"{amount:,.2f}"),
    (list | tuple, lambda items: ", ".join(shown(item) for item in items)),
    (dict, lambda entries: ", ".join(f"{name} {shown(value)}" for name, value in entries.items())),
)
