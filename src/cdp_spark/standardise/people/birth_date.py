"""Birth dates in the formats that they come in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.errors import ConfigError
from cdp_spark.normalise.text import words
from cdp_spark.standardise.lookup import lookup_expr

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from pyspark.sql import Column

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
    month: f"{number:02d}"
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
    "yyyy": r"(?<y>\d{4})",
    "y": r"(?<y>\d{4})",
    "yy": r"(?<y>\d{2})",
    "MM": r"(?<m>\d{2})",
    "M": r"(?<m>\d{1,2})",
    "MMM": r"(?<m>\p{L}{3,10})\.?",
    "MMMM": r"(?<m>\p{L}{3,10})\.?",
    "dd": r"(?<d>\d{2})",
    "d": r"(?<d>\d{1,2})",
}
_TIME_OF_DAY = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-]\d{2}:?\d{2})?)?"


def birth_date_expr(text: Column, formats: Iterable[str] = (), *, as_of: date) -> Column:
    """The date that a text means in the first format that fits; null where none does or the day does not exist.

    Two digits of a year mean the last such year that is not in the future. A time of day after the date is dropped.

    Args:
        text: without spaces at its ends.
        formats: Spark patterns of years, months and days; none for `UNAMBIGUOUS_FORMATS`.
        as_of: today.
    Raises: ConfigError: a pattern has other letters, or not one each of year, month and day.
    """
    return day_of_expr(written_date_expr(text, formats), as_of=as_of)


def written_date_expr(text: Column, formats: Iterable[str] = ()) -> Column:
    """A date's year, month and day as written, in this order, such as `80-Mar-2`; null where no format fits.

    Args:
        text: as in `birth_date_expr`.
        formats: as in `birth_date_expr`.
    Raises: ConfigError: as in `birth_date_expr`.
    """
    patterns = [_regex_of(pattern) for pattern in (tuple(formats) or UNAMBIGUOUS_FORMATS)]
    in_order = (F.regexp_replace(text, pattern, "${y}-${m}-${d}") for pattern in patterns)
    return F.coalesce(
        *(F.when(text.rlike(pattern), written) for pattern, written in zip(patterns, in_order, strict=True))
    )


def day_of_expr(written: Column, *, as_of: date) -> Column:
    """The day of a year, month and day as `written_date_expr` gives them; null where there is no such day."""
    year, month = F.substring_index(written, "-", 1), F.substring_index(F.substring_index(written, "-", 2), "-", -1)
    number = F.coalesce(lookup_expr(_MONTHS, F.lower(month)), month)
    month_and_day = F.concat(F.lit("-"), number, F.lit("-"), F.substring_index(written, "-", -1))
    day = F.concat(F.when(F.length(year) == 2, "20").otherwise(""), year, month_and_day).try_cast("date")
    is_ahead = (F.length(year) == 2) & F.coalesce(day > F.lit(as_of), F.lit(True))
    return F.when(is_ahead, F.concat(F.lit("19"), year, month_and_day).try_cast("date")).otherwise(day)


def _regex_of(pattern: str) -> str:
    tokens = _TOKEN.findall(pattern)
    regex = "".join(_PARTS.get(token) or _literal(token, pattern) for token in tokens)
    if any(regex.count(f"(?<{part}>") != 1 for part in "ymd"):
        raise _bad_format(pattern)
    return f"^{regex}{_TIME_OF_DAY}$"


def _literal(token: str, pattern: str) -> str:
    if token.startswith("'") and token.endswith("'"):
        return re.escape(token[1:-1])
    if re.search(r"[A-Za-z]", token):
        raise _bad_format(pattern)
    return re.escape(token)


def _bad_format(pattern: str) -> ConfigError:
    return ConfigError(
        "birth_date.formats",
        got=repr(pattern),
        allowed="one each of a year (yyyy, yy), a month (MM, M, MMM, MMMM) and a day (dd, d)",
        fix="write the date's own part of the pattern only; a time of day is dropped by itself",
    )
