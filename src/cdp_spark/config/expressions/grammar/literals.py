"""Tokens to constants: numbers, intervals, dates, texts and patterns."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, cast

from cdp_spark.config.expressions.grammar import nodes as n

if TYPE_CHECKING:
    from cdp_spark.config.expressions.grammar.cursor import Cursor
    from cdp_spark.config.expressions.grammar.tokens import Token

MAX_DIGITS = 18
MAX_INTERVAL = 99_999
MAX_PATTERN = 1_000
"""Characters of a pattern: at worst a text is compared with each of them at each of its own."""
UNITS = ("minutes", "hours", "days", "weeks", "months", "years")

_BAD_ESCAPE = re.compile(r"(?:\\[%_\\]|[^\\])*\\(?![%_\\])", re.DOTALL)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def text_literal(token: Token) -> n.Literal:
    """Read `'text'`."""
    return n.Literal("string", content(token), offset=token.offset)


def number_literal(cursor: Cursor, token: Token, *, sign: int = 1) -> n.Literal:
    """Read `12` as a long, `1.5` and `1e3` as doubles."""
    if token.text.isdigit():
        if len(token.text) > MAX_DIGITS:
            cursor.refuse(token, got="a number too long", allowed=f"at most {MAX_DIGITS} digits")
        return n.Literal("long", sign * int(token.text), offset=token.offset)
    value = sign * float(token.text)
    if not math.isfinite(value):
        cursor.refuse(token, got="a number too large", allowed="up to 1.7e308")
    return n.Literal("double", value, offset=token.offset)


def unit_of(token: Token) -> n.Unit | None:
    """Recognise `days`, `day`, …."""
    word = token.text.lower() if token.kind == "word" else ""
    plural = word if word.endswith("s") else f"{word}s"
    return cast("n.Unit", plural) if plural in UNITS else None


def interval_literal(cursor: Cursor, token: Token, unit: n.Unit) -> n.Interval:
    """Read `30 days`, of which the unit is not yet taken."""
    if not token.text.isdigit() or len(token.text) > MAX_DIGITS or int(token.text) > MAX_INTERVAL:
        cursor.refuse(token, allowed=f"a whole number of {unit} up to {MAX_INTERVAL}")
    cursor.take()
    return n.Interval(int(token.text), unit, offset=token.offset)


def date_literal(cursor: Cursor, token: Token) -> n.Literal:
    """Read the `'2026-01-31'` of `date '2026-01-31'`."""
    written = content(token)
    try:
        day = dt.date.fromisoformat(written) if _DAY.fullmatch(written) else None
    except ValueError:
        day = None
    if day is None:
        cursor.refuse(token, got="a text that is no date", allowed="date 'YYYY-MM-DD'", fix="write the day in full")
    return n.Literal("date", day, offset=token.offset)


def like_pattern(cursor: Cursor, token: Token) -> str:
    """Read the pattern of `like`."""
    if token.kind != "text":
        cursor.refuse(token, allowed="a pattern in quotes, with % for any text and _ for one character")
    pattern = content(token)
    if len(pattern) > MAX_PATTERN:
        cursor.refuse(token, got=f"a pattern of {len(pattern)} characters", allowed=f"at most {MAX_PATTERN}")
    if _BAD_ESCAPE.match(pattern):
        cursor.refuse(token, got="a lone \\", allowed=r"\%, \_ and \\", fix=r"write \\ for a backslash")
    return pattern


def content(token: Token) -> str:
    """Strip a text's quotes."""
    return token.text[1:-1].replace("''", "'")
