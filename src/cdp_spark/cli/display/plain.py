"""Text that a terminal only shows.

File names, column names and values come from others. A terminal obeys escape sequences: they hide lines, rename the
window, write to the clipboard; signs that turn the reading direction show another text than the one that is there.
"""

from __future__ import annotations

import logging
import re

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
