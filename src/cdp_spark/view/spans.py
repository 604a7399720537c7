"""Spans of time, as tables with a history have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def holds(row: Mapping[str, Any], at: datetime | None, *, start: str = c.VALID_FROM, end: str = c.VALID_TO) -> bool:
    """Tell whether a span holds at a time: from its start on, to just before its end; None is now."""
    if at is None:
        return row[end] is None
    return bool(row[start] <= at) and (row[end] is None or bool(row[end] > at))
