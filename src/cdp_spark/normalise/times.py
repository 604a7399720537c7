"""A source's times, in its own formats and zone, as microseconds since 1970 in UTC; and the zones of people.

A format is `iso` (ISO 8601 and nothing else: `12:30` is not today and `2024` is not a day), `epoch_seconds`,
`epoch_millis`, `epoch_micros`, or a pattern in Spark's notation, which becomes a regular expression once. The first
format that fits decides. A value without a zone is in the field's zone; of an hour that the clock has twice the first
is meant, and one that it leaves out counts on from the hour before.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import yaml

from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    Parse = Callable[[str], int | None]

_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]+)?)?"
    r"\s*(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - offsets are taken off as numbers, which knows no first and last year


_MICROSECOND = timedelta(microseconds=1)


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


_MICROS = {"epoch_seconds": 1_000_000, "epoch_millis": 1_000, "epoch_micros": 1}


_MAX_MICROS = 10**17


_MICROS_OF_1971, _MICROS_OF_1995 = 31_536_000 * 10**6, 788_918_400 * 10**6


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


_FULL_MONTHS = "january february march april may june july august september october november december".replace(" ", "|")


_TOKEN = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letter>[A-Za-z])(?P=letter)*|[\[\]]|[^A-Za-z'\[\]]+")


_OFFSET = r"(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?(?::?[0-9]{2})?)"


_ZONE = r"(?P<zone>(?:GMT|UTC)?[+-][0-9]{1,2}(?::?[0-9]{2})?|[A-Z][A-Za-z0-9_/+-]*)"


_ZONES = {
    "Z": "UTC",
    **dict.fromkeys(("EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("CST", "CDT"), "America/Chicago"),
    **dict.fromkeys(("MST", "MDT"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT"), "America/Los_Angeles"),
    **dict.fromkeys(("CET", "CEST"), "Europe/Paris"),
    "BST": "Europe/London",
}
"""Short names of zones, which stand for a place as in Java."""


_PARTS = {
    **dict.fromkeys(("y", "yyyy", "u", "uuuu"), "(?P<year>[0-9]{4})"),
    **dict.fromkeys(("yy", "uu"), "(?P<short_year>[0-9]{2})"),
    **dict.fromkeys(("M", "L"), "(?P<month>[0-9]{1,2})"),
    **dict.fromkeys(("MM", "LL"), "(?P<month>[0-9]{2})"),
    **dict.fromkeys(("MMM", "LLL"), f"(?P<month_name>{'|'.join(_MONTHS)})"),
    **dict.fromkeys(("MMMM", "LLLL"), f"(?P<month_name>{_FULL_MONTHS})"),
    "d": "(?P<day>[0-9]{1,2})",
    "dd": "(?P<day>[0-9]{2})",
    **dict.fromkeys(("D", "DD", "DDD"), "(?P<day_of_year>[0-9]{1,3})"),
    **dict.fromkeys(("H", "k"), "(?P<hour>[0-9]{1,2})"),
    **dict.fromkeys(("HH", "kk"), "(?P<hour>[0-9]{2})"),
    **dict.fromkeys(("h", "K"), "(?P<half_hour>[0-9]{1,2})"),
    **dict.fromkeys(("hh", "KK"), "(?P<half_hour>[0-9]{2})"),
    "m": "(?P<minute>[0-9]{1,2})",
    "mm": "(?P<minute>[0-9]{2})",
    "s": "(?P<second>[0-9]{1,2})",
    "ss": "(?P<second>[0-9]{2})",
    "a": "(?P<half>AM|PM)",
}


_DATES = [
    {year, *day}
    for year in ("year", "short_year")
    for day in (("month", "day"), ("month_name", "day"), ("day_of_year",))
]
"""Parts that make a date; `dd.mm.yyyy` has a minute and no month."""


_FRACTION, _OFFSETS, _NAMED_ZONES = "S", "XxZ", "VzO"


def is_of_other_unit(text: str, formats: tuple[str, ...], latest: datetime) -> bool:
    """Tell whether a number is a time in another unit since 1970 than the field's formats say.

    Args:
        text: without white space around it.
        formats: of the field.
        latest: time; what is later, or before 1995, is no time of another unit.
    """
    if not formats or not set(formats) <= _MICROS.keys():
        return False
    until = _micros(latest.replace(tzinfo=None), timedelta())
    said = [_read_number(text, _MICROS[name]) for name in formats]
    if any(at is not None and _MICROS_OF_1971 <= at <= until for at in said):
        return False
    return any(_MICROS_OF_1995 <= (_read_number(text, scale) or 0) <= until for scale in _MICROS.values())


def micros_of(formats: tuple[str, ...]) -> int | None:
    """Return the microseconds of a number's unit, where a field's only format is numbers since 1970; else None."""
    return _MICROS.get(formats[0]) if len(formats) == 1 else None


@cache
def compile_time(formats: tuple[str, ...], time_zone: str) -> Callable[[str], int | None]:
    """Return the function that reads times of some formats, ISO 8601 where there are none.

    Args:
        formats: of the times.
        time_zone: of those that name none.
    Returns: microseconds since 1970 of a text without white space around it; None where no format fits.

    Raises:
        ConfigError: a format is no pattern.
    """
    parses = [_parse_of(written, time_zone) for written in formats or ("iso",)]

    def parse(text: str) -> int | None:
        for parse_one in parses:
            found = parse_one(text)
            if found is not None:
                return found
        return None

    return parses[0] if len(parses) == 1 else parse


def _parse_of(written: str, time_zone: str) -> Parse:
    zone = ZoneInfo(time_zone)
    if written == "iso":
        return lambda text: _read_iso(text, zone)
    if written in _MICROS:
        scale = _MICROS[written]
        return lambda text: _read_number(text, scale)
    pattern = _compile_pattern(written)
    return lambda text: _read_pattern(text, pattern, zone)


def _read_iso(text: str, zone: ZoneInfo) -> int | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    day, clock, seconds, fraction, offset = found.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{clock or '00:00'}{seconds or ':00'}{(fraction or '')[:7]}")
        return _micros(local, _offset(offset, zone, local))
    except ValueError:
        return None


def _read_number(text: str, scale: int) -> int | None:
    if text.isascii() and text.isdigit():
        micros = int(text[:30]) * scale
    elif _NUMBER.fullmatch(text):
        rounded = Decimal(text)
        if rounded.adjusted() > len(str(_MAX_MICROS)):
            return None
        micros = int(rounded.quantize(Decimal("0.000001"), ROUND_HALF_UP) * scale)
    else:
        return None
    return micros if abs(micros) < _MAX_MICROS else None


def _read_pattern(text: str, pattern: re.Pattern[str], zone: ZoneInfo) -> int | None:
    found = pattern.fullmatch(text)
    if found is None:
        return None
    parts = {name: value for name, value in found.groupdict().items() if value is not None}
    try:
        local = _local(parts)
        return _micros(local, _offset(parts.get("zone"), zone, local))
    except (ValueError, OverflowError, ZoneInfoNotFoundError):
        return None


def _local(parts: dict[str, str]) -> datetime:
    year = int(parts["year"]) if "year" in parts else 2000 + int(parts["short_year"]) if "short_year" in parts else 1970
    month = _MONTHS.index(parts["month_name"][:3].lower()) + 1 if "month_name" in parts else int(parts.get("month", 1))
    hour = int(parts.get("hour", 0))
    if "half_hour" in parts:
        hour = int(parts["half_hour"]) % 12 + (12 if parts.get("half", "").upper() == "PM" else 0)
    day, minute, second = int(parts.get("day", 1)), int(parts.get("minute", 0)), int(parts.get("second", 0))
    micros = int(parts.get("fraction", "0")[:6].ljust(6, "0"))
    local = datetime(year, month, day, hour, minute, second, micros)  # noqa: DTZ001 - see _EPOCH
    return local + timedelta(days=int(parts["day_of_year"]) - 1) if "day_of_year" in parts else local


def _offset(written: str | None, zone: ZoneInfo, local: datetime) -> timedelta:
    """Return how far a local time is ahead of UTC, by the zone that it is written with or else the given one."""
    if written is None:
        return zone.utcoffset(local) or timedelta()
    plain = written.upper().removeprefix("GMT").removeprefix("UTC")
    if plain in ("", "Z"):
        return timedelta()
    if plain[0] not in "+-":
        return ZoneInfo(_ZONES.get(written.upper(), written)).utcoffset(local) or timedelta()
    digits = plain[1:].replace(":", "").rjust(2, "0").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]))
    return -ahead if plain[0] == "-" else ahead


def _micros(local: datetime, ahead: timedelta) -> int:
    return (local - _EPOCH - ahead) // _MICROSECOND


def _compile_pattern(written: str) -> re.Pattern[str]:
    tokens = list(_TOKEN.finditer(written))
    if "".join(found[0] for found in tokens) != written:
        raise _bad_format(written)
    try:
        pattern = re.compile("".join(_regex_of(found, written) for found in tokens), re.IGNORECASE)
    except re.error:
        raise _bad_format(written) from None
    if not any(parts <= pattern.groupindex.keys() for parts in _DATES):
        raise _bad_format(written)
    return pattern


def _regex_of(token: re.Match[str], written: str) -> str:
    text, letter = token[0], token["letter"]
    if token["quoted"] is not None:
        return re.escape(token["quoted"].replace("''", "'") or "'")
    if letter is None:
        return {"[": "(?:", "]": ")?"}.get(text) or re.escape(text)
    if letter == _FRACTION:
        return f"(?P<fraction>[0-9]{{1,{len(text)}}})"
    if letter in _OFFSETS + _NAMED_ZONES:
        return _OFFSET if letter in _OFFSETS else _ZONE
    if text not in _PARTS:
        raise _bad_format(written)
    return _PARTS[text]


def _bad_format(written: str) -> ConfigError:
    return ConfigError(
        "formats",
        got=repr(written),
        allowed="iso, epoch_seconds, epoch_millis, epoch_micros, or a pattern of a year, a month and a day, each once, "
        "such as dd.MM.yyyy HH:mm",
        fix="write MM for the month and mm for the minute, and put other letters in quotes ('T')",
    )


def parse_time(option: str, text: str | None) -> datetime | None:
    """An ISO 8601 time; UTC where it names no zone.

    Raises:
        ConfigError: the text is no such time.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        example = "2026-11-23, 2026-11-23T02:00 or 2026-11-23T02:00:00+01:00"
        raise ConfigError(option, got=repr(text), allowed="a time in ISO 8601", fix=f"write it as {example}") from None


def zones_of(given: pa.Array, countries: pa.Array, default: str) -> pa.Array:
    """Return the zone of each row.

    Args:
        given: zones as profiles name them; unknown names count as none.
        countries: two-letter codes.
        default: for all others.
    """
    named = _looked_up(given, {zone: zone for zone in _known_zones()})
    of_country = _looked_up(countries, country_zones())
    return pa.compute.coalesce(named, of_country, pa.scalar(default))


@cache
def country_zones() -> dict[str, str]:
    """Country to its zone, of countries all of whose zones show the same time."""
    text = files("cdp_spark.normalise").joinpath("country_zones.yaml").read_text(encoding="utf-8")
    zones: dict[str, str] = yaml.safe_load(text)
    return zones


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _looked_up(values: pa.Array, meanings: dict[str, str]) -> pa.Array:
    encoded = values.cast(pa.string()).dictionary_encode()
    meant = pa.array([meanings.get(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return meant.take(encoded.indices)
