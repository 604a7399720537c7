r"""What databases and spreadsheets write into cells in place of values, and what they do to numbers.

- Nothing: a database's null (`\N`, `NULL`), a spreadsheet's errors (`#NAME?`, `########`).
- A number in scientific notation: `4.47701234502E+11` holds all digits and is written out; `4.47701E+11` has lost some,
  and whatever shares them is nothing that two records have in common. It is nothing, and counted.
- `12.0` is 12, `1.234,50` is 1234.50, `="0012"` is 0012.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.normalise.batches import map_distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

NULLS = ("\\N", "NULL", "null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "NaN", "nan", "<NA>", "None", "NaT")
_ERRORS = ("#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#N/A", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#NAME", "#NV")
_HASHES = r"^\s*#{3,}\s*$"
_SCIENTIFIC = r"^\s*[+-]?\d([.,]\d+[eE]\+?|[eE]\+)\d{1,2}\s*$"
_PARTS = re.compile(r"\s*([+-]?\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})\s*")
_SHORTEST = 7
"""Digits after the first from which a spreadsheet may have shortened a number that identifies."""
_WHOLE_WITH_POINT = r"^(-?\d+)[.,]0+$"
"""How spreadsheets and data frames write whole numbers once one of them is missing."""
_THOUSANDS = r"^-?\d{1,3}(\.\d{3})+,\d{1,2}$"
_FORMULA = r'^="([^"]*)"$'
"""How exports keep a spreadsheet from taking a text for a number."""
_COMMA = r"^(-?\d+),(\d{1,2})$"
_REPLACEMENT = "\ufffd"


def repair(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Return a column's texts without what is no value, and its numbers as they are written elsewhere."""
    column = without_nothing(column)
    if _any(_matches(column, _SCIENTIFIC)):
        column = map_distinct(column, written_out)
    grouped = _matches(column, _THOUSANDS)
    if _any(grouped):
        column = pc.if_else(grouped, pc.replace_substring(column, ".", ""), column)
    column = pc.replace_substring_regex(column, _WHOLE_WITH_POINT, r"\1")
    return pc.replace_substring_regex(column, _COMMA, r"\1.\2")


def without_nothing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column's texts without what is no value."""
    column = pc.replace_substring_regex(column, _FORMULA, r"\1")
    nothing = pc.or_(pc.is_in(column, value_set=pa.array(NULLS + _ERRORS)), _matches(column, _HASHES))
    return pc.if_else(nothing, pa.scalar(None, pa.string()), column)


def written_out(text: str) -> str | None:
    """Write a number in scientific notation out; None where its last digits are lost, other texts as they stand."""
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return text
    first, digits, exponent = parts[1], parts[2] or "", int(parts[3])
    if exponent < _SHORTEST:
        return text
    digits = digits.rstrip("0") if len(digits) > exponent else digits
    return f"{first}{digits}" if len(digits) == exponent else None


def is_shortened(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell of each text whether it is a number that has lost digits."""
    scientific = _matches(ids, _SCIENTIFIC)
    return pc.and_(scientific, pc.is_null(map_distinct(ids, written_out))) if _any(scientific) else scientific


def tell_damage(rows: pa.Table) -> Iterator[str]:
    """Say what the cells of a table have lost, by kind."""
    kinds: dict[str, Counter[str]] = {kind: Counter() for kind in ("null", "error", "scientific", "letters")}
    for name in rows.column_names:
        column = rows[name]
        kinds["null"][name] = _count(pc.is_in(column, value_set=pa.array(NULLS)))
        errors = pc.or_(pc.is_in(column, value_set=pa.array(_ERRORS)), _matches(column, _HASHES))
        kinds["error"][name] = _count(errors)
        kinds["scientific"][name] = _count(is_shortened(column))
        kinds["letters"][name] = _count(pc.match_substring(column, _REPLACEMENT))
    words = {
        "null": "read as empty: a database's null (\\N, NULL)",
        "error": "read as empty: spreadsheet errors (#NAME?, ####)",
        "scientific": "read as empty: numbers in scientific notation (4.47E+11), which have lost digits; export the "
        "column as text",
        "letters": "letters are lost (U+FFFD); export the file again, or name its encoding with --encoding",
    }
    for kind, counts in kinds.items():
        found = [f"{count:,} in {name}" for name, count in counts.items() if count]
        if found:
            yield f"{words[kind]}: {', '.join(found[:8])}{' and others' if len(found) > 8 else ''}"


def _matches(column: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    return pc.match_substring_regex(column, pattern)


def _any(matches: pa.ChunkedArray) -> bool:
    return bool(pc.any(matches).as_py())


def _count(matches: pa.ChunkedArray) -> int:
    return int(pc.sum(matches).as_py() or 0)
