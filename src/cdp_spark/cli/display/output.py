"""Results to the terminal: a table for people, JSON for programs."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import UnionType

WIDTH_OF_A_PIPE = 160


def console() -> Console:
    """Standard output; wide enough where no terminal says how wide it is."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(width=WIDTH_OF_A_PIPE, highlight=False)


def near(path: Path) -> Path:
    """The path as seen from here, where it is below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def print_json(value: object) -> None:
    """Print one JSON document; times in ISO 8601."""
    console().print(json.dumps(value, indent=2, default=_plain, ensure_ascii=False), markup=False, soft_wrap=True)


def print_rows(rows: Sequence[Mapping[str, object]], *, title: str = "", empty: str = "nothing yet") -> None:
    """Print rows as a table whose columns are the first row's keys."""
    if not rows:
        console().print(f"{title}: {empty}" if title else empty)
        return
    out = console()
    if title:
        out.print(title, style="italic", markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int | float) else "left", overflow="fold")
    for row in rows:
        table.add_row(*[shown(value) for value in row.values()])
    out.print(table, markup=False)


def print_result(rows: Sequence[Mapping[str, object]], *, as_json: bool, title: str = "") -> None:
    """Print rows as `--json` says."""
    if as_json:
        print_json(list(rows))
    else:
        print_rows(rows, title=title)


def shown(value: object) -> str:
    """A value as a person reads it."""
    for kind, text in _SHOWN:
        if isinstance(value, kind):
            return text(value)
    return str(value)


_SHOWN: tuple[tuple[type | UnionType, Callable[..., str]], ...] = (
    (type(None), lambda _: ""),
    (datetime, lambda time: time.strftime("%Y-%m-%d %H:%M:%S")),
    (bool, lambda truth: "yes" if truth else "no"),
    (int, lambda count: f"{count:,}"),
    (float, lambda figure: f"{figure:,.1f}"),
    (list | tuple, lambda items: ", ".join(shown(item) for item in items)),
    (dict, lambda entries: ", ".join(f"{name} {shown(value)}" for name, value in entries.items())),
)


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
