"""Dates in the formats that they come in, and birth dates that can be true.

A format is a Spark pattern of one year, one month and one day. It becomes a regular expression that lets a time of day
follow. The first format that fits a text decides, even where its day does not exist. Two digits of a year mean the last
such year that is not in the future.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.errors import ConfigError
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_text_placeholder
from cdp_spark.normalise.text import clean_text, words

if TYPE_CHECKING:
    from collections.abc import Iterable

UNAMBIGUOUS_FORMATS = (
    "yyyy-M-d",
    "yyyyMMdd",
    "yyyy/M/d",
    "yyyy.M.d",
    "d.M.yyyy",
    "d.M.yy",
    "d-MMM-yyyy",
    "d-MMM-yy",
    "d MMM yyyy",
    "d. MMM yyyy",
    "MMM d, yyyy",
    "MMM d yyyy",
)
"""Tried where a mapping gives no formats. `03/04/1980` is in none of them: only a source knows what it means."""

_MONTHS = {
    month: number
    for number, months in enumerate(
        (
            "jan january januar janvier enero",
            "feb february februar février febrero",
            "mar march märz mars marzo mär",
            "apr april avril abril",
            "may mai mayo",
            "jun june juni juin junio",
            "jul july juli juillet julio",
            "aug august août agosto",
            "sep sept september septembre septiembre",
            "oct october okt oktober octobre octubre",
            "nov november novembre noviembre",
            "dec december dez dezember décembre diciembre",
        ),
        start=1,
    )
    for month in words(months)
}
_TOKEN = re.compile(r"y+|M+|d+|'[^']*'|[^yMd']+")
_PARTS = {
    "yyyy": r"(?P<y>[0-9]{4})",
    "y": r"(?P<y>[0-9]{4})",
    "yy": r"(?P<y>[0-9]{2})",
    "MM": r"(?P<m>[0-9]{2})",
    "M": r"(?P<m>[0-9]{1,2})",
    "MMM": r"(?P<m>[^\W\d_]{3,10})\.?",
    "MMMM": r"(?P<m>[^\W\d_]{3,10})\.?",
    "dd": r"(?P<d>[0-9]{2})",
    "d": r"(?P<d>[0-9]{1,2})",
}
_TIME_OF_DAY = (
    r"(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_NEVER = frozenset(
    date.fromisoformat(day)
    for day in words("0001-01-01 1111-11-11 1899-12-30 1899-12-31 1900-01-01 1901-01-01 1970-01-01 9999-12-31")
)
_ZEROS = "0 ./-"
_OLDEST = date(1000, 1, 1)


class BirthDate(NamedTuple):
    """A birth date, or why there is none.

    Args:
        value: the day; None where there is a reason.
        reason: `placeholder`, `malformed`, `future` or `too_old`; None where the day can be used.
    """

    value: date | None
    reason: str | None = None


def compile_formats(formats: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """Return a regular expression for each format, with the groups y, m and d; those of one tuple are made once.

    Args:
        formats: Spark patterns of years, months and days; none for `UNAMBIGUOUS_FORMATS`.
    Raises: ConfigError: a format has other letters, or not one each of year, month and day.
    """
    return _compiled(tuple(formats))


@lru_cache(maxsize=1000)
def _compiled(formats: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(map(_pattern_of, formats or UNAMBIGUOUS_FORMATS))


@cache
def _pattern_of(written: str) -> re.Pattern[str]:
    pattern = "".join(_PARTS.get(token) or _literal(token, written) for token in _TOKEN.findall(written))
    if any(pattern.count(f"(?P<{part}>") != 1 for part in "ymd"):
        raise _bad_format(written)
    return re.compile(pattern + _TIME_OF_DAY)


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
        allowed="one each of a year (yyyy, yy), a month (MM, M, MMM, MMMM) and a day (dd, d)",
        fix="write the date's own part of the pattern only; a time of day is dropped by itself",
    )


def read_date(text: str, formats: Iterable[str] = (), *, as_of: date) -> date | None:
    """Read the day that a text means in the first format that fits; None where none does or the day does not exist.

    Args:
        text: as received.
        formats: as in `compile_formats`; a tuple is the cheapest.
        as_of: today.
    Raises: ConfigError: as in `compile_formats`.
    """
    cleaned = clean_text(text)
    for pattern in compile_formats(formats):
        found = pattern.fullmatch(cleaned)
        if found:
            return _day(found["y"], found["m"], found["d"], as_of)
    return None


def _day(year: str, month: str, day: str, as_of: date) -> date | None:
    number = int(month) if month.isdecimal() else _MONTHS.get(month.lower(), 0)
    if len(year) == 4:
        return _date_or_none(int(year), number, int(day))
    found = _date_or_none(2000 + int(year), number, int(day))
    is_ahead = found is None or found > as_of
    return _date_or_none(1900 + int(year), number, int(day)) if is_ahead else found


def _date_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


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
    day = read_date(cleaned, formats, as_of=as_of)
    reason = _issue(cleaned, day, as_of, max_age_years)
    return BirthDate(None if reason else day, reason)


def _issue(text: str, day: date | None, as_of: date, max_age_years: int | None) -> str | None:
    if day is None:
        return PLACEHOLDER if not text.strip(_ZEROS) or is_text_placeholder(text) else "malformed"
    if day in _NEVER:
        return PLACEHOLDER
    if day > as_of:
        return "future"
    return "too_old" if day < _oldest(as_of, max_age_years) else None


@lru_cache(maxsize=100)
def _oldest(as_of: date, max_age_years: int | None) -> date:
    if max_age_years is None:
        return _OLDEST
    year = max(as_of.year - max_age_years, 1)
    return _date_or_none(year, as_of.month, as_of.day) or date(year, 2, 28)
