"""Dates in the notations that they come in, and birth dates that can be true.

Readers are tried in turn; the first one whose form a text has decides, even where its day does not exist.

1. Without formats: year first (`1980-03-12`, `19800312`); day and month as numbers (`3/12/1980`, `12.3.80`); months in
   words, of the languages in `months.py`. Weekdays before a date and a time of day behind it are left out.
2. `3/4/1980` is 3 April in one file and 4 March in another. Where only one order of day and month gives a date, or both
   give the same, it is read; otherwise the reason is `day_or_month`, unless the formats name the order (`dmy`, `mdy`).
   Between dots the day comes first wherever that gives a date.
3. Formats are Spark patterns of one year, one month and one day, or the words of `NOTATIONS`.

Two digits of a year mean the last such year that is not in the future: nobody is born there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from cdp_spark.errors import ConfigError
from cdp_spark.normalise.months import month_number, without_weekday
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_text_placeholder
from cdp_spark.normalise.text import clean_text, words

if TYPE_CHECKING:
    from collections.abc import Iterable

DateOrder = Literal["dmy", "mdy"]
DAY_OR_MONTH, NO_YEAR, MALFORMED = "day_or_month", "no_year", "malformed"
SERIAL = "spreadsheet_serial"
EPOCHS = {"epoch_seconds": 1, "epoch_millis": 1_000, "epoch_micros": 1_000_000}
"""Notation to how many of its units make a second."""
NOTATIONS = ("dmy", "mdy", SERIAL, *EPOCHS)
"""What formats may name beside patterns; what has a word or the year first is read beside each."""

_TOKEN = re.compile(r"y+|M+|d+|'[^']*'|[^yMd']+")
_PARTS = {
    "yyyy": r"(?P<y>[0-9]{4})",
    "y": r"(?P<y>[0-9]{4})",
    "yy": r"(?P<y>[0-9]{2})",
    "MM": r"(?P<m>[0-9]{2})",
    "M": r"(?P<m>[0-9]{1,2})",
    "MMM": r"(?P<m>[^\W\d_]{3,13})\.?",
    "MMMM": r"(?P<m>[^\W\d_]{3,13})\.?",
    "dd": r"(?P<d>[0-9]{2})",
    "d": r"(?P<d>[0-9]{1,2})",
}
_TIME_OF_DAY = (
    r"(?:(?:T|,? )[0-9]{1,2}[:.][0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp]\.? ?[Mm]\.?)?"
    r"(?: ?(?:Z|UTC|GMT|[A-Z]{3,4}))?(?: ?[+-][0-9]{2}:?(?:[0-9]{2})?)?(?: \([^)]*\))?)?"
)
_WORD, _YEAR = r"(?P<m>[^\W\d_]{3,13})\.?", r"'?(?P<y>[0-9]{4}|[0-9]{2})"
_DAY = r"(?P<d>[0-9]{1,2})(?:st|nd|rd|th|er|[.ºª])?"
_GAP = r"[ ,./-]{0,3}"
_YEAR_FIRST = re.compile(r"(?P<y>[0-9]{4})(?P<s>[-/.])(?P<m>[0-9]{1,2})(?P=s)(?P<d>[0-9]{1,2})" + _TIME_OF_DAY)
_COMPACT = re.compile(r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})" + _TIME_OF_DAY)
_NUMBERS = re.compile(r"([0-9]{1,2}) ?([-/. ]) ?([0-9]{1,2}) ?\2 ?([0-9]{4}|[0-9]{2})" + _TIME_OF_DAY)
_IN_CHARACTERS = re.compile(
    r"(?P<y>[0-9]{4}) ?[年년] ?(?P<m>[0-9]{1,2}) ?[月월] ?(?P<d>[0-9]{1,2}) ?[日일]" + _TIME_OF_DAY
)
"""As East Asia writes it: `1985年4月12日`."""
_WORDED = tuple(
    re.compile(pattern + _TIME_OF_DAY)
    for pattern in (
        rf"{_DAY}{_GAP}(?:d[eiu] |of )?{_WORD}{_GAP}(?:del? )?{_YEAR}",
        rf"{_WORD}{_GAP}{_DAY}[ ,./-]{{1,3}}{_YEAR}",
        rf"(?P<y>[0-9]{{4}}){_GAP}{_WORD}{_GAP}(?P<d>[0-9]{{1,2}})\.?",
    )
)
_WITHOUT_YEAR = re.compile(
    r"-{0,2}[0-9]{1,2}[-/.][0-9]{1,2}\.?|[0-9]{1,2}\.? [^\W\d_]{3,13}\.?|[^\W\d_]{3,13}\.? [0-9]{1,2}"
)
_WHOLE = re.compile(r"(-?[0-9]+)(?:[.,][0-9]+)?")
_SERIAL_START = date(1899, 12, 30)
_SERIALS = range(61, 2_958_466)
"""From the first day that spreadsheets count right to the end of 9999."""
_NEVER = frozenset(
    date.fromisoformat(day)
    for day in words("0001-01-01 1111-11-11 1899-12-30 1899-12-31 1900-01-01 1901-01-01 1970-01-01 9999-12-31")
)
_ZEROS = "0 ./-"
_OLDEST = date(1000, 1, 1)
_MOST_DAYS = 31


class Day(NamedTuple):
    """A day, or why a text names none.

    Args:
        value: the day; None where there is a reason.
        reason: `malformed`, `day_or_month` or `no_year`; None where there is a day.
    """

    value: date | None
    reason: str | None = None


class BirthDate(NamedTuple):
    """A birth date, or why there is none.

    Args:
        value: the day; None where there is a reason.
        reason: that of a `Day`, or `placeholder`, `future` or `too_old`; None where the day can be used.
    """

    value: date | None
    reason: str | None = None


Reader = Callable[[str, date], Day | None]
"""Reads a clean text with today's date; None where the text has not this form."""

_UNREADABLE = Day(None, MALFORMED)


def compile_formats(formats: Iterable[str]) -> tuple[Reader, ...]:
    """Return what reads dates of these formats; those of one tuple are made once.

    Args:
        formats: Spark patterns of years, months and days, or words of `NOTATIONS`; none for every unambiguous way.
    Raises: ConfigError: a format has other letters, or not one each of year, month and day.
    """
    return _compiled(tuple(formats))


@lru_cache(maxsize=1000)
def _compiled(formats: tuple[str, ...]) -> tuple[Reader, ...]:
    order = next((word for word in formats if word in ("dmy", "mdy")), None)
    counted = [_counted(word) for word in formats if word == SERIAL or word in EPOCHS]
    patterns = [_of_pattern(written) for written in formats if written not in NOTATIONS]
    if patterns and order is None and not counted:
        return tuple(patterns)
    usual = (partial(_of_parts, _YEAR_FIRST), _compact, partial(_numbers, order), _worded, _in_characters)
    return (*patterns, *counted, *usual)


def read_day(text: str, formats: Iterable[str] = (), *, as_of: date) -> Day:
    """Read the day that a text means.

    Args:
        text: as received.
        formats: as in `compile_formats`; a tuple is the cheapest.
        as_of: today.
    Raises: ConfigError: as in `compile_formats`.
    """
    cleaned = clean_text(text)
    readers = compile_formats(formats)
    found = _first(readers, cleaned, as_of)
    if found is None and cleaned[:1].isalpha():
        found = _first(readers, without_weekday(cleaned), as_of)
    if found is None and _WITHOUT_YEAR.fullmatch(cleaned):
        return Day(None, NO_YEAR)
    return found or _UNREADABLE


def _first(readers: tuple[Reader, ...], text: str, as_of: date) -> Day | None:
    return next((found for reader in readers if (found := reader(text, as_of)) is not None), None)


def read_date(text: str, formats: Iterable[str] = (), *, as_of: date) -> date | None:
    """Do what `read_day` does, and return the day alone."""
    return read_day(text, formats, as_of=as_of).value


def date_order_of(text: str, *, as_of: date) -> DateOrder | Literal["either"] | None:
    """Tell in which order a text has day and month as numbers: the only one that gives a date, or `either`.

    Args:
        text: as received.
        as_of: today.
    Returns: None where both orders or none give the same date, or the text is none of that form.
    """
    found = _NUMBERS.fullmatch(clean_text(text))
    if found is None:
        return None
    day_first, month_first = _both_orders(found, as_of)
    if day_first == month_first:
        return None
    if day_first and month_first:
        return None if found[2] == "." else "either"
    return "dmy" if day_first else "mdy"


def date_parts(text: str, formats: Iterable[str] = ()) -> tuple[str, str, str] | None:
    """Return year, month and day of a date in numbers, whether or not such a day exists.

    Args:
        text: as received.
        formats: as in `compile_formats`; without `mdy` the day comes first.
    Returns: None where the text has no four digits of a year behind the two others.
    """
    found = _NUMBERS.fullmatch(clean_text(text))
    if found is None or len(found[4]) != 4:
        return None
    return (found[4], found[1], found[3]) if "mdy" in formats else (found[4], found[3], found[1])


@cache
def _of_pattern(written: str) -> Reader:
    pattern = "".join(_PARTS.get(token) or _literal(token, written) for token in _TOKEN.findall(written))
    if any(pattern.count(f"(?P<{part}>") != 1 for part in "ymd"):
        raise _bad_format(written)
    return partial(_of_parts, re.compile(pattern + _TIME_OF_DAY))


def _literal(token: str, written: str) -> str:
    if token.startswith("'") and token.endswith("'"):
        return re.escape(token[1:-1])
    if re.search(r"[A-Za-z]", token):
        raise _bad_format(written)
    return re.escape(token)


def _bad_format(written: str) -> ConfigError:
    return ConfigError(
        "birth_date.formats",
        got=repr(written),
        allowed=f"a year (yyyy, yy), a month (MM, M, MMM, MMMM) and a day (dd, d), or {', '.join(NOTATIONS)}",
        fix="write the date's own part of the pattern only; a time of day is dropped by itself",
    )


def _of_parts(pattern: re.Pattern[str], text: str, as_of: date) -> Day | None:
    found = pattern.fullmatch(text)
    return None if found is None else _day(found["y"], found["m"], found["d"], as_of)


def _compact(text: str, as_of: date) -> Day | None:
    return _of_parts(_COMPACT, text, as_of)


def _in_characters(text: str, as_of: date) -> Day | None:
    return _of_parts(_IN_CHARACTERS, text, as_of)


def _worded(text: str, as_of: date) -> Day | None:
    for pattern in _WORDED:
        found = pattern.fullmatch(text)
        if found and month_number(found["m"]):
            return _day(found["y"], found["m"], found["d"], as_of)
    return None


def _numbers(order: str | None, text: str, as_of: date) -> Day | None:
    """Day and month as numbers: in the order that is known, or in the only one that gives a date."""
    found = _NUMBERS.fullmatch(text)
    if found is None:
        return None
    if int(found[1]) > _MOST_DAYS:
        return _day(found[1], found[3], found[4], as_of) if len(found[4]) == 2 else _UNREADABLE
    day_first, month_first = _both_orders(found, as_of)
    ordered = (month_first, day_first) if order == "mdy" else (day_first, month_first)
    if order is None and found[2] != "." and all(ordered) and day_first != month_first:
        return Day(None, DAY_OR_MONTH)
    value = ordered[0] or ordered[1]
    return Day(value) if value else _UNREADABLE


def _both_orders(found: re.Match[str], as_of: date) -> tuple[date | None, date | None]:
    one, other, year = found[1], found[3], found[4]
    return _day(year, other, one, as_of).value, _day(year, one, other, as_of).value


def _counted(word: str) -> Reader:
    return partial(_epoch, EPOCHS[word]) if word in EPOCHS else _serial


def _serial(text: str, _as_of: date) -> Day | None:
    found = _WHOLE.fullmatch(text)
    if found is None or int(found[1]) not in _SERIALS:
        return None
    return Day(_SERIAL_START + timedelta(days=int(found[1])))


def _epoch(units: int, text: str, _as_of: date) -> Day | None:
    found = _WHOLE.fullmatch(text)
    if found is None:
        return None
    try:
        return Day(date(1970, 1, 1) + timedelta(days=int(found[1]) // units // 86_400))
    except OverflowError:
        return _UNREADABLE


def _day(year: str, month: str, day: str, as_of: date) -> Day:
    number = int(month) if month.isdecimal() else month_number(month) or 0
    if len(year) == 4:
        return _existing(int(year), number, int(day))
    found = _existing(2000 + int(year), number, int(day))
    is_ahead = found.value is None or found.value > as_of
    return _existing(1900 + int(year), number, int(day)) if is_ahead else found


def _existing(year: int, month: int, day: int) -> Day:
    try:
        return Day(date(year, month, day))
    except ValueError:
        return _UNREADABLE


def read_birth_date(text: str, formats: Iterable[str] = (), *, as_of: date, max_age_years: int | None) -> BirthDate:
    """Read a birth date and judge it.

    Args:
        text: as received.
        formats: as in `compile_formats`.
        as_of: today.
        max_age_years: years; None where people long dead are welcome, as in a historian's records.
    Raises: ConfigError: as in `compile_formats`.
    """
    cleaned = clean_text(text)
    if not cleaned:
        return BirthDate(None)
    day = read_day(cleaned, formats, as_of=as_of)
    reason = _issue(cleaned, day, as_of, max_age_years)
    return BirthDate(None if reason else day.value, reason)


def _issue(text: str, day: Day, as_of: date, max_age_years: int | None) -> str | None:
    if day.value is None:
        return PLACEHOLDER if not text.strip(_ZEROS) or is_text_placeholder(text) else day.reason
    if day.value in _NEVER:
        return PLACEHOLDER
    if day.value > as_of:
        return "future"
    return "too_old" if day.value < oldest_birth_date(as_of, max_age_years) else None


@lru_cache(maxsize=100)
def oldest_birth_date(as_of: date, max_age_years: int | None) -> date:
    """Return the earliest birth date that is not too old on a day."""
    if max_age_years is None:
        return _OLDEST
    year = max(as_of.year - max_age_years, 1)
    return _existing(year, as_of.month, as_of.day).value or date(year, 2, 28)
