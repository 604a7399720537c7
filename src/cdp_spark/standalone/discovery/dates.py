"""How a column writes its dates, and a date that stands in three columns.

1. Day and month as numbers: values that only one order gives a date for decide for the column. Where they contradict
   each other (less than nineteen in twenty agree) or there are none, the order stays unknown.
2. Whole numbers in a column that is named for dates: spreadsheet serials, a unit since 1970, or `ddMMyyyy`, whichever
   makes nearly all of them days that can be true.
3. What is then read is counted; it is what the reader is told.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.normalise.dates import DAY_OR_MONTH, EPOCHS, SERIAL, DateOrder, date_order_of, read_day
from cdp_spark.normalise.months import month_number
from cdp_spark.standalone.discovery.vocabulary import plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from cdp_spark.standalone.discovery.values import ColumnProfile
    from cdp_spark.standalone.discovery.vocabulary import Meaning

_AGREEING = 0.95
"""Share of the deciding values that must say the same order."""
_FITTING = 0.9
_FEW, _WORTH_READING = 200, 0.3
"""Of a column that is not named for dates, so many values are tried first, and all only where this share is dates."""
_WHOLE = re.compile(r"-?\d+(\.0)?")
_YEARS = range(1880, 2101)
"""In which a number must fall to be taken for a day."""
_COUNTED: tuple[str, ...] = (SERIAL, *EPOCHS)
_COMPACT = ("yyyyMMdd", "ddMMyyyy", "MMddyyyy")
_SMALLEST = {SERIAL: 3_000, "epoch_seconds": 10_000_000, "epoch_millis": 10**10, "epoch_micros": 10**13}
"""What the middle value must reach: a year is no serial, and seconds are not thousandths of them."""

_UNITS: dict[Meaning, tuple[str, str]] = {
    "birth_year": ("year", r"year|yyyy|yr|jahr|annee|ano|anio|anno|rok|jaar|ar|y"),
    "birth_month": ("month", r"month|mon|mm|monat|mois|mes|mese|miesiac|maand|manad|m"),
    "birth_day": ("day", r"day|dd|tag|jour|dia|giorno|dzien|dag|d"),
}
"""Meaning to the share of a profile that its values must have, and the words for it."""


class DateNotation(NamedTuple):
    """How a column writes its dates.

    Args:
        formats: for `read_day`; none for the usual ways with an unknown order.
        order: of day and month as numbers; None where unknown or of no importance.
        deciding: values that say the order.
        read: share of the values that are read.
        open: share of the values that both orders give different dates for; they are not used.
    """

    formats: tuple[str, ...] = ()
    order: DateOrder | None = None
    deciding: int = 0
    read: float = 0.0
    open: float = 0.0

    @property
    def seen(self) -> float:
        """Share of the values that are dates, whatever their order."""
        return self.read + self.open

    @property
    def said(self) -> str:
        """What the notation is, in words; empty where there is nothing to say."""
        if self.order is not None:
            order = "day before month" if self.order == "dmy" else "month before day"
            return f"{order}, as {self.deciding:,} values say" if self.deciding else f"{order}, as you say"
        return self.formats[0].replace("_", " ") if self.formats else ""


def find_notation(
    texts: Sequence[str], *, as_of: date, order: DateOrder | None = None, numbers: bool = False
) -> DateNotation:
    """Find how a column writes its dates.

    Args:
        texts: the values that are there.
        as_of: today.
        order: of day and month, where somebody said it.
        numbers: whole numbers may be days, as the column's name says so.
    """
    counts = Counter(texts)
    if not numbers and (few := _few(counts)) and _read((), few, as_of).seen < _WORTH_READING:
        return DateNotation()
    if numbers and (counting := _counting(counts, as_of)):
        return _read((counting,), counts, as_of)
    deciding = 0
    if order is None:
        order, deciding = _order(counts, as_of)
    found = _read(() if order is None else (order,), counts, as_of)
    return found._replace(order=order, deciding=deciding)


def _few(counts: Counter[str]) -> Counter[str]:
    """The first values, where there are many."""
    return Counter(dict(islice(counts.items(), _FEW))) if len(counts) > _FEW else Counter()


def _order(counts: Counter[str], as_of: date) -> tuple[DateOrder | None, int]:
    said: Counter[DateOrder] = Counter()
    for text, rows in counts.items():
        order = date_order_of(text, as_of=as_of)
        if order is not None and order != "either":
            said[order] += rows
    if not said:
        return None, 0
    order, rows = said.most_common(1)[0]
    return (order, rows) if rows >= _AGREEING * said.total() else (None, 0)


def _read(formats: tuple[str, ...], counts: Counter[str], as_of: date) -> DateNotation:
    found = [(read_day(text, formats, as_of=as_of), rows) for text, rows in counts.items()]
    total = max(counts.total(), 1)
    read = sum(rows for day, rows in found if day.value is not None)
    unclear = sum(rows for day, rows in found if day.reason == DAY_OR_MONTH)
    return DateNotation(formats, read=read / total, open=unclear / total)


def _counting(counts: Counter[str], as_of: date) -> str | None:
    """The notation of whole numbers; None where the column has none, or `yyyyMMdd`, which is read anyway."""
    whole = {text: rows for text, rows in counts.items() if _WHOLE.fullmatch(text)}
    if sum(whole.values()) < _FITTING * counts.total() or not whole:
        return None
    middle = sorted(abs(int(text.removesuffix(".0"))) for text in whole)[len(whole) // 2]
    eight = sum(len(text.lstrip("-")) in {7, 8} for text in whole) >= _FITTING * len(whole)
    candidates = _COMPACT if eight else tuple(it for it in _COUNTED if middle >= _SMALLEST[it])
    best = max(candidates, key=lambda it: _plausible(whole, it, as_of), default=None)
    if best is None or best == "yyyyMMdd" or _plausible(whole, best, as_of) < _FITTING:
        return None
    return best


def _plausible(whole: dict[str, int], notation: str, as_of: date) -> float:
    days = [(read_day(text, (notation,), as_of=as_of).value, rows) for text, rows in whole.items()]
    fitting = sum(rows for day, rows in days if day is not None and day.year in _YEARS)
    return fitting / sum(whole.values())


def find_date_parts(profiles: Iterable[ColumnProfile]) -> dict[str, Meaning]:
    """Column to meaning of a year, a month and a day whose names differ in nothing else, such as `by`, `bm`, `bd`.

    Args:
        profiles: of all columns that may belong to the date.
    Returns: three columns, or none.
    """
    stems: dict[str, dict[Meaning, str]] = {}
    for profile in profiles:
        for meaning, (share, words) in _UNITS.items():
            stem = _stem(profile.name, words)
            if stem is not None and profile.shares[share] >= _FITTING:
                stems.setdefault(stem, {}).setdefault(meaning, profile.name)
    complete = [found for found in stems.values() if len(found) == len(_UNITS)]
    return {column: meaning for meaning, column in complete[0].items()} if complete else {}


def month_digits(text: str) -> str:
    """Return a month's number in digits, also of a month in words; any other text as it is."""
    number = month_number(text.rstrip(".")) if text[:1].isalpha() else None
    return text if number is None else str(number)


def _stem(name: str, words: str) -> str | None:
    """What a column's name says beside the unit; None where it has none."""
    found = re.fullmatch(rf"(.*?)_?(?:{words})|(?:{words})_(.*)", plain_name(name))
    return None if found is None else found.group(1) or found.group(2) or ""
