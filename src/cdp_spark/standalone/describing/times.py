"""How a column writes its times, found from its values.

1. ISO 8601 is tried first, then numbers since 1970 by their size, then patterns: dates of many countries, each with and
   without a time of day.
2. The notation that reads most values wins; where it leaves values out, up to two more are added.
3. Where day and month may be the other way round in every value, that is said.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.normalise.times import compile_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DATES = (
    *("dd.MM.yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "dd-MM-yyyy", "yyyy/MM/dd", "yyyy.MM.dd", "yyyyMMdd"),
    *("d.M.yyyy", "d/M/yyyy", "M/d/yyyy", "dd.MM.yy", "dd/MM/yy", "d MMM yyyy", "MMM d, yyyy", "d MMMM yyyy"),
)
_CLOCKS = ("", " HH:mm", " HH:mm:ss", " HH:mm:ss.SSS", ", HH:mm", ", HH:mm:ss", " h:mm a", " h:mm:ss a", " HHmmss")
_OTHERS = (
    *("epoch_seconds", "epoch_millis", "epoch_micros", "yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSS", "yyyy-MM-dd h:mm a"),
    *("EEE MMM dd HH:mm:ss yyyy", "yyyyMMdd'T'HHmmss"),
)
_PATTERNS = (
    "iso",
    *(name for name in _OTHERS if "E" not in name),
    *(day + clock for clock in _CLOCKS for day in _DATES),
)
_HAS_ZONE = re.compile(r"(Z|[+-]\d\d:?(\d\d)?)\s*$")
_WHOLE = re.compile(r"\d{9,17}")
_MOST = 3
_TRIED = 500
_EARLIEST, _LATEST = datetime(1985, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class TimeNotation(NamedTuple):
    """How a column writes its times.

    Args:
        formats: of a `TimeField`; none for ISO 8601.
        read: share of the values that are times.
        names_zone: whether the values say what zone they are in, as numbers since 1970 do.
        is_open: whether all values could as well be read with day and month the other way round.
    """

    formats: tuple[str, ...] = ()
    read: float = 0.0
    names_zone: bool = False
    is_open: bool = False


def find_time_notation(texts: Iterable[str | None]) -> TimeNotation:
    """Find how a column writes its times.

    Args:
        texts: the column's values.
    Returns: a notation that reads nothing where they are no times.
    """
    counts = Counter(text.strip() for text in texts if text and text.strip())
    few = dict(counts.most_common(_TRIED))
    if not few or not any(any(map(str.isdigit, text)) for text in few):
        return TimeNotation()
    total, left = sum(few.values()), dict(few)
    chosen: list[str] = []
    while left and len(chosen) < _MOST:
        best = max(_PATTERNS, key=lambda name: _rows_read(name, left))
        if not _rows_read(best, left):
            break
        chosen.append(best)
        left = {text: rows for text, rows in left.items() if not _is_read(best, text)}
    read = 1 - sum(left.values()) / total
    formats = () if chosen == ["iso"] else tuple(chosen)
    is_number = bool(formats) and all(name.startswith("epoch") for name in formats)
    names_zone = is_number or all(_HAS_ZONE.search(text) for text in few)
    return TimeNotation(formats, read, names_zone, is_open=_is_open(formats, few))


def _rows_read(name: str, counts: Mapping[str, int]) -> int:
    return sum(rows for text, rows in counts.items() if _is_read(name, text))


def _is_read(name: str, text: str) -> bool:
    if name.startswith("epoch") and not _WHOLE.fullmatch(text):
        return False
    micros = compile_time((name,), "UTC")(text)
    return micros is not None and _EARLIEST.timestamp() <= micros / 1e6 <= _LATEST.timestamp()


def _is_open(formats: tuple[str, ...], counts: Mapping[str, int]) -> bool:
    swapped = tuple(_swap(name) for name in formats if "/" in name)
    return bool(swapped) and all(any(_is_read(name, text) for name in swapped) for text in counts)


def _swap(name: str) -> str:
    """Put the month before the day, or the day before the month."""
    return name.translate(str.maketrans("dM", "Md")) if not name.startswith("yyyy") else name
