"""Clean the columns of a file by what they were recognised as."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, get_args

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.source import ColumnMapping
from cdp_spark.config.source import Meaning as Attribute
from cdp_spark.standardise.attributes import with_standard_attributes
from cdp_spark.standardise.people.birth_date import birth_date_expr
from cdp_spark.text import null_if_empty_expr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from cdp_spark.discovery.recognise import Recognised
    from cdp_spark.discovery.vocabulary import Meaning

_PARTS: Mapping[str, tuple[str, ...]] = {
    "full_name": (c.GIVEN_NAME, c.FAMILY_NAME),
    "address": (c.STREET, c.HOUSE_NUMBER, c.CITY, c.POSTCODE),
    "company_name": (c.COMPANY_CORE,),
    "birth_year": (c.BIRTH_DATE,),
}
"""What standardising makes of a meaning, where it is not an attribute of the same name."""
_PARTED = frozenset({"full_name", "address", "birth_year"})
_SEVERAL: Mapping[Meaning, str] = {"email": c.EMAILS, "phone": c.PHONES}
_DATE_PARTS: tuple[tuple[Meaning, int], ...] = (("birth_year", 4), ("birth_month", 2), ("birth_day", 2))
_WRITTEN, _DIGITS = "birth_date__written", "birth_date__digits"


def clean_own(flat: DataFrame, recognised: tuple[Recognised, ...], *, region: str | None) -> DataFrame:
    """Clean what has a standard meaning; keep a birth date that is no date as its digits, an error can be near.

    Args:
        flat: one row per record; its columns as text.
        recognised: what the columns were taken for.
        region: ISO country of phones that name none; None leaves national numbers as digits.
    Returns: the rows with every attribute of `records`, `birth_date` as yyyymmdd, and the other columns as they are.
    """
    flat = flat.withColumns({item.column: _day_expr(item) for item in recognised if item.meaning == "date"})
    columns = {item.meaning: item.column for item in recognised}
    meanings: dict[Meaning, ColumnMapping] = {
        item.meaning: _mapping(item, recognised) for item in recognised if item.meaning in get_args(Attribute)
    }
    born = columns.get("birth_date")
    if born is None and "birth_year" in columns:
        flat = flat.withColumn(_WRITTEN, _joined_date(columns))
        meanings["birth_date"] = ColumnMapping.model_validate({"from": (_WRITTEN,), "formats": ("yyyy-M-d",)})
    digits = F.regexp_replace(F.col(f"`{born}`"), r"\D", "") if born else _date_digits(columns)
    clean = with_standard_attributes(
        flat.withColumn(_DIGITS, digits),
        meanings,  # type: ignore[arg-type]
        default_region=region,
        as_of=_today(),
        max_age_years=None,
    )
    readable = F.date_format(c.BIRTH_DATE, "yyyyMMdd")
    near = F.when(F.length(_DIGITS) == sum(length for _, length in _DATE_PARTS), F.col(_DIGITS))
    return clean.withColumn(c.BIRTH_DATE, F.coalesce(readable, near)).drop(_DIGITS, _WRITTEN)


def compared_columns(recognised: Mapping[str, tuple[Recognised, ...]]) -> tuple[Recognised, ...]:
    """What can be compared, once each, under the names that the clean records have.

    Args:
        recognised: what each column was taken for, by source.
    """
    several = {meaning for found in recognised.values() for meaning in _SEVERAL if len(_columns(found, meaning)) > 1}
    features: dict[str, Recognised] = {}
    for item in (item for found in recognised.values() for item in found if item.meaning != "ignored"):
        if item.meaning in several:
            parts: tuple[str, ...] = (_SEVERAL[item.meaning],)
        elif item.meaning in _PARTS:
            parts = _PARTS[item.meaning]
        else:
            parts = (item.meaning,) if item.meaning in get_args(Attribute) else (item.column,)
        for part in parts:
            meaning = part if item.meaning in _PARTED else item.meaning
            features.setdefault(part, replace(item, column=part, meaning=meaning))  # type: ignore[arg-type]
    return tuple(features.values())


def _mapping(item: Recognised, recognised: tuple[Recognised, ...]) -> ColumnMapping:
    """A contact's columns are all read, the fullest first; of any other meaning there is one column."""
    origin = _columns(recognised, item.meaning) if item.meaning in _SEVERAL else (item.column,)
    is_date = item.meaning == c.BIRTH_DATE and item.profile.date_pattern
    return ColumnMapping.model_validate({"from": origin, "formats": (item.profile.date_pattern,) if is_date else ()})


def _columns(recognised: tuple[Recognised, ...], meaning: Meaning) -> tuple[str, ...]:
    having = [item for item in recognised if item.meaning == meaning]
    return tuple(item.column for item in sorted(having, key=lambda item: -item.profile.filled))


def _day_expr(item: Recognised) -> Column:
    """A date of unknown meaning as yyyymmdd, as it stands where it cannot be read."""
    text = F.trim(F.col(f"`{item.column}`"))
    formats = (item.profile.date_pattern,) if item.profile.date_pattern else ()
    return F.coalesce(F.date_format(birth_date_expr(text, formats, as_of=_today()), "yyyyMMdd"), text)


def _today() -> date:
    return date.today()  # noqa: DTZ011 - only decides the century of two-digit years


def _joined_date(columns: Mapping[Meaning, str]) -> Column:
    """Year, month and day as one text; null where one is missing."""
    return F.concat(*_between([F.trim(F.col(f"`{columns[part]}`")) for part, _ in _DATE_PARTS], F.lit("-")))


def _between(texts: list[Column], separator: Column) -> list[Column]:
    return [part for text in texts for part in (text, separator)][:-1]


def _date_digits(columns: Mapping[Meaning, str]) -> Column:
    """Year, month and day as eight digits, zeros for one that is missing; null where more are."""
    if "birth_year" not in columns:
        return F.lit(None).cast("string")
    parts = [(null_if_empty_expr(F.trim(F.col(f"`{columns[part]}`"))), length) for part, length in _DATE_PARTS]
    known = sum((part.isNotNull().cast("int") for part, _ in parts), start=F.lit(0))
    digits = F.concat(*(F.lpad(F.coalesce(part, F.lit("0")), length, "0") for part, length in parts))
    return F.when(known > 1, digits)
