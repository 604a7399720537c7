"""Results to the terminal: a table for people, tab-separated or JSON for programs."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment
from rich.table import Table

from cdp_spark.view.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import ConsoleOptions, RenderableType
    from rich.text import Text

WIDTH_OF_A_PIPE = 160


class Terminal(Console):
    """A terminal that obeys this program only: no controls, no markup and no links out of what it prints."""

    def __init__(self, *, stderr: bool = False, quiet: bool = False) -> None:
        """Make it wide enough where no terminal says how wide it is.

        Args:
            stderr: standard error instead of standard output.
            quiet: True to print nothing.
        """
        super().__init__(stderr=stderr, quiet=quiet, highlight=False, markup=False, emoji=False)
        if not self.is_terminal:
            self.width = WIDTH_OF_A_PIPE

    def render_str(self, text: str, **settings: Any) -> Text:  # noqa: ANN401 - rich's own
        """Make a text, what a terminal would obey made visible, so that its width is known."""
        return super().render_str(printable(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the pieces of a text, what a terminal would obey made visible."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(printable(piece.text), piece.style)


def console() -> Terminal:
    """Standard output."""
    return Terminal()


def near(path: Path) -> Path:
    """The path as seen from here, where it is below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def print_json(value: object) -> None:
    """Print one JSON document; times in ISO 8601."""
    text = json.dumps(value, indent=2, default=_plain, ensure_ascii=False)
    console().print(printable_json(text), soft_wrap=True)


def print_rows(rows: Sequence[Mapping[str, object]], *, title: str = "", empty: str = "nothing yet") -> None:
    """Print rows as a table whose columns are the first row's keys; as tab-separated values where no terminal reads."""
    if not rows:
        console().print(f"{title}: {empty}" if title else empty)
        return
    out = console()
    if not out.is_terminal:
        _print_tsv(rows, title=title)
        return
    if title:
        out.print(title, style="italic", markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int | float) else "left", overflow="fold")
    for row in rows:
        table.add_row(*[shown(value) for value in row.values()])
    out.print(table, markup=False)


def _print_tsv(rows: Sequence[Mapping[str, object]], *, title: str) -> None:
    """Print rows for another program: no padding, numbers and times in full, tabs and line ends escaped."""
    lines = [f"# {title.strip()}"] if title.strip() else []
    lines.append("\t".join(map(_tsv_cell, rows[0])))
    lines += ["\t".join(map(_tsv_cell, row.values())) for row in rows]
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))  # rich would turn tabs into blanks


def _tsv_cell(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime | date) else _plain_text(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _plain_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shown(value)
    return str(value)


def print_result(rows: Sequence[Mapping[str, object]], *, as_json: bool, title: str = "") -> None:
    """Print rows as `--json` says."""
    if as_json:
        print_json(list(rows))
    else:
        print_rows(rows, title=title)


def _plain(value: object) -> str | float:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Controls but the tab and the line's end; signs that turn the reading direction or end a line."""


def printable(text: str) -> str:
    r"""Write what a terminal would obey as `\x1b` or `\u202e`."""
    return _OBEYED.sub(lambda sign: _escape(ord(sign[0])), text)


def printable_json(text: str) -> str:
    r"""Write what a terminal would obey as `\u009b`, which JSON reads as the sign itself."""
    return _OBEYED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class PlainFormatter(logging.Formatter):
    """Messages of the log that a terminal only shows."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a message, and its traceback where there is one."""
        return printable(super().format(record))
