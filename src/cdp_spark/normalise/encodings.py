"""Encodings of files: the names that Python knows, in any of its spellings."""

from __future__ import annotations

import codecs

ALLOWED_ENCODINGS = "an encoding that Python knows: UTF-8, Windows-1252, ISO-8859-15, UTF-16, cp500, …"

_NOT_OF_FILES = frozenset({"idna", "punycode", "undefined", "unicode-escape", "unicode_escape", "raw-unicode-escape"})
"""What Python calls encodings of text and no program writes files in."""


def is_encoding(name: str) -> bool:
    """Tell whether a name is that of an encoding that files are written in."""
    try:
        "".encode(name)
        return codecs.lookup(name).name not in _NOT_OF_FILES
    except (LookupError, UnicodeError, ValueError):
        return False


def is_wide(name: str) -> bool:
    """Tell whether ASCII characters have other bytes in an encoding, so that its lines cannot be cut by bytes.

    Args:
        name: of a known encoding: UTF-16, UTF-32, UTF-7 or one of EBCDIC.
    """
    return '"\n'.encode(name) != b'"\n' or codecs.lookup(name).name == "utf-7"
