"""The Columns that calls of allow-listed functions become."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import Column

    from cdp_spark.config.expressions.check import MaybeKind

SECONDS_A_DAY = 86_400
UNKNOWN_CONSENT = "unknown"
"""A profile's status of a purpose that nobody was asked about."""


@dataclass(frozen=True)
class Setting:
    """What an expression is told beside its columns.

    Args:
        moment: time of the run, in the zone in which a day begins; columns of times are in UTC.
        silence_is_consent: True where a purpose that nobody was asked about counts as granted.
    """

    moment: dt.datetime
    silence_is_consent: bool = False

    @property
    def time_zone(self) -> str:
        """Name of the zone."""
        return str(self.moment.tzinfo)

    @property
    def now(self) -> Column:
        """Time of the run."""
        return F.lit(self.moment.astimezone(dt.UTC))

    @property
    def today(self) -> Column:
        """Date of the run in the project's zone."""
        return F.lit(self.moment.date())

    def local(self, moment: Column, kind: MaybeKind) -> Column:
        """Return a time as the zone's clocks show it; a date as it is."""
        if self.time_zone == "UTC" or kind != "timestamp":
            return moment
        return F.from_utc_timestamp(moment, self.time_zone)

    def instant(self, moment: Column, kind: MaybeKind) -> Column:
        """Return the time at which a date begins, or at which the zone's clocks show a time."""
        if self.time_zone == "UTC" or kind not in ("date", "timestamp"):
            return moment
        return F.to_utc_timestamp(moment.cast("timestamp"), self.time_zone)


Build: TypeAlias = "Callable[[Sequence[Column], Sequence[MaybeKind], Setting], Column]"


def _plain(function: Callable[..., Column]) -> Build:
    return lambda arguments, _kinds, _setting: function(*arguments)


def _long(function: Callable[..., Column]) -> Build:
    return lambda arguments, _kinds, _setting: function(*arguments).cast("long")


def _of_day(part: Callable[[Column], Column]) -> Build:
    return lambda arguments, kinds, setting: part(setting.local(arguments[0], kinds[0])).cast("long")


def _coalesce(arguments: Sequence[Column], kinds: Sequence[MaybeKind], setting: Setting) -> Column:
    if not {"date", "timestamp"} <= set(kinds):
        return F.coalesce(*arguments)
    return F.coalesce(
        *(setting.instant(it, kind) if kind == "date" else it for it, kind in zip(arguments, kinds, strict=True))
    )


def _contains(arguments: Sequence[Column], kinds: Sequence[MaybeKind], _setting: Setting) -> Column:
    find = F.array_contains if kinds[0] == "strings" else F.contains
    return find(*arguments)


def _round(arguments: Sequence[Column], kinds: Sequence[MaybeKind], _setting: Setting) -> Column:
    rounded = F.round(*arguments)
    return rounded.cast("long") if kinds[0] == "long" else rounded


def _age_years(arguments: Sequence[Column], kinds: Sequence[MaybeKind], setting: Setting) -> Column:
    day = setting.local(arguments[0], kinds[0]).cast("date")
    return F.floor(F.months_between(setting.today, day) / 12).cast("long")


def _days_since(arguments: Sequence[Column], kinds: Sequence[MaybeKind], setting: Setting) -> Column:
    if kinds[0] == "date":
        return F.datediff(setting.today, arguments[0]).cast("long")
    seconds = F.unix_seconds(setting.now) - F.unix_seconds(arguments[0])
    return F.floor(seconds / SECONDS_A_DAY).cast("long")


def _has_consent(arguments: Sequence[Column], _kinds: Sequence[MaybeKind], setting: Setting) -> Column:
    status = F.coalesce(F.try_element_at(F.col(c.CONSENTS), arguments[0]), F.lit(UNKNOWN_CONSENT))
    return (status == "granted") | ((status == UNKNOWN_CONSENT) & F.lit(setting.silence_is_consent))


_GROUPED = r"^[+-]?[1-9]\d{0,2}(?:[, '\u2019\u00a0\u202f]\d{3})+(?:\.\d+)?$"
_DECIMAL_COMMA = r"^[+-]?(?:\d*,\d+|[1-9]\d{0,2}(?:[. '\u2019\u00a0\u202f]\d{3})+,\d+|[1-9]\d{0,2}(?:\.\d{3}){2,})$"
_SPACES = " '\u2019\u00a0\u202f"


def _number(text: Column) -> Column:
    """A number as people or machines write it: of two kinds of separator the last is the decimal one.

    A lone dot is decimal, as every machine writes it: `1.234` is a little more than one. A lone comma is decimal
    (`405,93`) unless exactly three digits follow it and it can part thousands (`1,234`).
    """
    digits = F.trim(text)
    plain = (
        F.when(digits.rlike(_GROUPED), F.translate(digits, f",{_SPACES}", ""))
        .when(digits.rlike(_DECIMAL_COMMA), F.translate(digits, f",.{_SPACES}", "."))
        .otherwise(digits)
    )
    return plain.try_cast("double")


CALLS: dict[str, Build] = {
    "lower": _plain(F.lower),
    "upper": _plain(F.upper),
    "trim": _plain(F.trim),
    "length": _long(F.length),
    "starts_with": _plain(F.startswith),
    "ends_with": _plain(F.endswith),
    "contains": _contains,
    "size": _long(F.array_size),
    "coalesce": _coalesce,
    "abs": _plain(F.abs),
    "round": _round,
    "to_number": _plain(_number),
    "to_date": _plain(lambda text: text.try_cast("date")),
    "year": _of_day(F.year),
    "month": _of_day(F.month),
    "day": _of_day(F.dayofmonth),
    "now": lambda _arguments, _kinds, setting: setting.now,
    "today": lambda _arguments, _kinds, setting: setting.today,
    "age_years": _age_years,
    "days_since": _days_since,
    "has_consent": _has_consent,
    "attribute": _plain(lambda name: F.try_element_at(F.col(c.ATTRIBUTES), name)),
    "property": _plain(lambda name: F.try_element_at(F.col(c.PROPERTIES), name)),
}
