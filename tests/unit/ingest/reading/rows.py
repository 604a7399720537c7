"""What a reader gives: rows, and rows it refuses."""

from __future__ import annotations

from typing import Any


def good(**row: str) -> tuple[dict[str, str], None, None]:
    return (row, None, None)


def bad(text: str, reason: str) -> tuple[None, str, str]:
    return (None, text, reason)


def in_order(rows: list[Any]) -> list[Any]:
    return sorted((sorted(row.items()) if row else [], raw or "", reason or "") for row, raw, reason in rows)
