"""Quotes of delimited text: whether all are as they should be, and an exact reader where they are not.

`sound_end` tells by the places of the quotes, without reading the records. The first quote opens, the second closes,
and so on. An opening one stands at the beginning of a value, a closing one at its end; or, where quotes are doubled, a
closing one stands right before an opening one, and the pair is one quote.

`Scanner` reads one record, slowly. A value that begins with a quote runs to the next quote that is not escaped, over
as many lines as it takes, whatever they look like. A delimiter or the line's end must follow that quote (blanks aside).
Where something else does, the value is taken as it stands, quotes included, to the next delimiter, if it is on one
line. If it is not, or no quote follows, the value's own quote is not closed, and the record is broken at its line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cdp_spark.ingest.reading.dialect import Dialect

_NEWLINE, _RETURN = ord("\n"), ord("\r")


class Record(NamedTuple):
    """A record as its quotes have it.

    Args:
        cells: its values, those before the open quote if it is broken.
        end: the line after the last one that it reaches.
        broken_at: the line in which a quote opens that is not closed; None where all are.
        is_open: no quote at all follows the one that is not closed.
    """

    cells: list[str]
    end: int
    broken_at: int | None = None
    is_open: bool = False


class Scanner:
    """Reads records of one dialect from lines that keep their line breaks.

    Args:
        dialect: how the file is written.
    """

    def __init__(self, dialect: Dialect) -> None:
        delimiter, quote, escape = (re.escape(it) for it in (dialect.delimiter, dialect.quote, dialect.escape))
        self._delimiter, self._quote, self._escape = dialect.delimiter, dialect.quote, dialect.escape
        self._is_doubled = dialect.escape == dialect.quote
        self._plain = re.compile(rf"[^{delimiter}\r\n]*+")
        if not dialect.quote:
            return
        blank = "[ ]*+" if dialect.delimiter == "\t" else r"\t*+" if dialect.delimiter == " " else r"[ \t]*+"
        self._closing = re.compile(rf"{quote}{blank}(?={delimiter}|[\r\n]|\Z)")
        if self._is_doubled:
            self._body = re.compile(rf"[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+")
        elif not escape:
            self._body = re.compile(rf"[^{quote}]*+")
        else:
            self._body = re.compile(rf"[^{quote}{escape}]*+(?:{escape}.?[^{quote}{escape}]*+)*+", re.DOTALL)
            self._escaped = re.compile(f"{escape}([{quote}{escape}])")

    def scan(self, lines: Sequence[str], start: int, stop: int) -> Record:
        """Read the record that begins with a line.

        Args:
            lines: the file's, each with its line break.
            start: the record's first line.
            stop: the record ends before this line.
        """
        cells: list[str] = []
        at, line, position = start, lines[start], 0
        while True:
            if self._quote and line.startswith(self._quote, position):
                opened_at = at
                body, at, position = self._read_body(lines, at, position + 1, stop)
                if at == stop:
                    return Record(cells, stop, opened_at, is_open=True)
                line = lines[at]
                closing = self._closing.match(line, position)
                if not closing and at > opened_at:
                    return Record(cells, at + 1, opened_at)
                value = self._value(body) if closing else self._quote + body
            else:
                closing, value = None, ""
            if closing:
                position = closing.end()
            else:
                rest = self._plain.match(line, position)
                value, position = (value + rest[0], rest.end()) if rest else (value, position)
            cells.append(value)
            if not line.startswith(self._delimiter, position):
                return Record(cells, at + 1)
            position += 1

    def has_open_quote(self, text: str) -> bool:
        """Tell whether the number of quotes in a text, those that are escaped aside, is odd."""
        if not self._quote:
            return False
        bare = text if self._is_doubled or not self._escape else text.replace(self._escape + self._quote, "")
        return bare.count(self._quote) % 2 == 1

    def _read_body(self, lines: Sequence[str], at: int, position: int, stop: int) -> tuple[str, int, int]:
        """Return a quoted value's text, and the line and place of the quote after it; `stop` where there is none."""
        parts = []
        while True:
            body = self._body.match(lines[at], position)
            if body is not None:
                parts.append(body[0])
                position = body.end()
            if position < len(lines[at]):
                return "".join(parts), at, position
            at, position = at + 1, 0
            if at == stop:
                return "".join(parts), at, position

    def _value(self, body: str) -> str:
        if self._is_doubled:
            return body.replace(self._quote * 2, self._quote)
        return self._escaped.sub(r"\1", body) if self._escape else body


def sound_end(data: bytes, dialect: Dialect) -> int:
    r"""Return the end of the last line that no quote reaches over, where all quotes before it are sound.

    Args:
        data: text in UTF-8; it begins outside quotes.
        dialect: how it is written; its delimiter and quote are ASCII.
    Returns: 0 where a quote is not sound, or an escape needs a closer look.
    """
    quote, escape = dialect.quote.encode(), dialect.escape.encode()
    if not quote or quote not in data:
        return len(data)
    if escape and escape != quote and escape in data:
        return 0
    characters = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(characters == quote[0])
    breaks = np.flatnonzero((characters == _NEWLINE) | (characters == _RETURN))
    end = len(data)
    if len(quotes) % 2:
        outside = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
        end = int(outside[-1]) + 1 if len(outside) else 0
        quotes = quotes[quotes < end]
    opening, closing = quotes[::2], quotes[1::2]
    if not dialect.multi_line and np.any(np.searchsorted(breaks, opening) != np.searchsorted(breaks, closing)):
        return 0
    ends = (ord(dialect.delimiter), _NEWLINE, _RETURN)
    return end if _are_sound(characters, opening, closing, ends=ends, is_doubled=escape == quote) else 0


def _are_sound(
    characters: NDArray[np.uint8],
    opening: NDArray[np.int64],
    closing: NDArray[np.int64],
    *,
    ends: tuple[int, ...],
    is_doubled: bool,
) -> bool:
    padded = np.concatenate([[_NEWLINE], characters, [_NEWLINE]])
    opens, closes = np.isin(padded[opening], ends), np.isin(padded[closing + 2], ends)
    if is_doubled and len(opening):
        pairs = closing[:-1] + 1 == opening[1:]
        opens[1:] |= pairs
        closes[:-1] |= pairs
    return bool(opens.all() and closes.all())
