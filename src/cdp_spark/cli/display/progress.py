"""The progress of a run on the terminal: stage, rows, seconds."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cdp_spark.cli.display.output import Terminal, printable
from cdp_spark.runs.stages import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from cdp_spark.runs.stages import Progress, StageEvent

_MARKS = {"finished": ("✓", "green"), "skipped": ("↷", "dim"), "failed": ("✗", "red"), "refused": ("✗", "red")}


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Progress]:
    """Show each stage as it runs: a live line on a terminal, a line at its end elsewhere; on standard error."""
    console = Terminal(stderr=True)
    if quiet:
        yield silent
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:

        def tell(event: StageEvent) -> None:
            if event.state == "started":
                live.update(Spinner("dots", text=f" {event.stage}"))
                return
            live.update("")
            for line in _lines(event, console.width):
                console.print(line)

        yield tell


def _lines(event: StageEvent, width: int) -> Iterator[RenderableType]:
    """A stage's line; on a narrow terminal each part of a long detail has a line of its own below it."""
    detail = "finished by an earlier start" if event.state == "skipped" else event.detail
    if len(detail) <= width - _BEFORE_DETAIL or width >= _WIDE:
        yield _line(event, detail)
        return
    yield _line(event, "")
    for part in detail.split("; "):
        yield Padding(Text(printable(part), "dim"), (0, 0, 0, _INDENT))


_BEFORE_DETAIL, _WIDE, _INDENT = 42, 120, 3
"""Characters before a detail; the width from which long ones stay in their column; the indent of those below."""


def _line(event: StageEvent, detail: str) -> Table:
    line = Table.grid(padding=(0, 2))
    line.add_column(width=1)
    line.add_column(width=12)
    line.add_column(width=12, justify="right")
    line.add_column(width=9, justify="right")
    line.add_column(overflow="fold")
    rows = f"{event.rows:,} rows" if event.rows is not None else ""
    line.add_row(
        Text(*_MARKS[event.state]), event.stage, rows, f"{event.seconds:.1f} s", Text(printable(detail), "dim")
    )
    return line
