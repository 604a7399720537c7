"""Clean the columns of a file by what they were recognised as.

What has a standard meaning is cleaned as every source's records are. A birth date becomes eight digits, also where it
is no date, for an error can be near, but not where its day may be its month; a date of unknown meaning likewise. All
other columns stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, get_args

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.mapping import ColumnMapping
from cdp_spark.config.source import Meaning as Attribute
from cdp_spark.normalise.batches import as_array, map_distinct, map_distinct_rows
from cdp_spark.normalise.dates import MALFORMED, date_parts, read_birth_date, read_date
from cdp_spark.normalise.people.names import generation
from cdp_spark.standalone.discovery.dates import month_digits
from cdp_spark.standalone.discovery.recognise import UNUSED
from cdp_spark.standardise.cleaning import clean_rows
from cdp_spark.standardise.mapping import RawMapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.standalone.discovery.recognise import Recognised
    from cdp_spark.standalone.discovery.vocabulary import Meaning

_PARTS: Mapping[str, tuple[str, ...]] = {
    "full_name": (c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME, c.FULL_NAME, c.NAME_SUFFIX),
    "family_name": (c.FAMILY_NAME, c.FULL_NAME, c.NAME_SUFFIX),
    "address": (c.STREET, c.HOUSE_NUMBER, c.CITY, c.POSTCODE),
    "company_name": (c.COMPANY_CORE, c.COMPANY_NAME),
    "birth_year": (c.BIRTH_DATE,),
}
"""What standardising makes of a meaning, where it is not an attribute of the same name."""
_PARTED = frozenset({"full_name", "family_name", "address", "birth_year"})
_SEVERAL: Mapping[Meaning, str] = {"email": c.EMAILS, "phone": c.PHONES}
LISTS = frozenset(_SEVERAL.values())
"""Features that hold several values a record."""
_DATE_PARTS: tuple[tuple[Meaning, int], ...] = (("birth_year", 4), ("birth_month", 2), ("birth_day", 2))
_WRITTEN = "birth_date__written"
_DIGITS_OF_DATE = 8
_NOT_DIGITS = re.compile(r"\D")
_ATTRIBUTES = frozenset(get_args(Attribute))


def clean_texts(
    texts: pa.Table | pa.RecordBatch, recognised: Sequence[Recognised], wanted: Sequence[str], *, region: str | None
) -> dict[str, pa.Array]:
    """Make the columns that are compared.

    Args:
        texts: text columns.
        recognised: what they were taken for.
        wanted: names of `compared_columns`.
        region: ISO country of phones that name none; None leaves national numbers as digits.
    Returns: one column for each wanted name, nulls where the texts have nothing of the kind; text, or lists of texts.
    """
    columns = {item.meaning: item.column for item in recognised}
    mapping = _mapping_of(recognised, columns, region)

    def cell(name: str) -> pa.Array | None:
        return _joined_date(texts, columns) if name == _WRITTEN else _column(texts, name)

    clean = clean_rows(cell, texts.num_rows, mapping, as_of=_today(), max_age_years=None)
    dates = {item.column: item for item in recognised if item.meaning == "date"}
    made: dict[str, pa.Array] = {}
    for name in wanted:
        if name == c.NAME_SUFFIX and name in _made_by(mapping):
            made[name] = map_distinct(clean[name].combine_chunks(), generation)
        elif name == c.BIRTH_DATE:
            made[name] = _birth_digits(clean[c.BIRTH_DATE].combine_chunks(), texts, recognised)
        elif name in _made_by(mapping):
            made[name] = clean[name].combine_chunks()
        elif name in dates:
            made[name] = _days(_column(texts, name), dates[name])
        else:
            made[name] = _column(texts, name)
        if made[name] is None:
            made[name] = pa.nulls(texts.num_rows, pa.list_(pa.string()) if name in LISTS else pa.string())
    return made


def compared_columns(recognised: Mapping[str, tuple[Recognised, ...]]) -> tuple[Recognised, ...]:
    """List what can be compared, once each, under the names that the clean records have.

    Args:
        recognised: what each column was taken for, by source.
    """
    several = several_of(recognised)
    features: dict[str, Recognised] = {}
    for item in (item for found in recognised.values() for item in found):
        for part in features_of(item, several):
            meaning = part if item.meaning in _PARTED else item.meaning
            features.setdefault(part, replace(item, column=part, meaning=meaning))  # type: ignore[arg-type]
    return tuple(features.values())


def several_of(recognised: Mapping[str, tuple[Recognised, ...]]) -> set[Meaning]:
    """Name the contacts of which a record has several: in several columns, or in one cell."""
    return {
        meaning
        for found in recognised.values()
        for meaning in _SEVERAL
        if len(_columns(found, meaning)) > 1 or any(it.profile.several for it in found if it.meaning == meaning)
    }


def features_of(item: Recognised, several: set[Meaning]) -> tuple[str, ...]:
    """Name the features that a column is made to; none where it is not to be compared.

    Args:
        item: what the column was taken for.
        several: contacts of which a record has several.
    """
    if item.meaning in UNUSED:
        return ()
    if item.meaning in several:
        return (_SEVERAL[item.meaning],)
    if item.meaning in _PARTS:
        return _PARTS[item.meaning]
    return (item.meaning,) if item.meaning in _ATTRIBUTES else (item.column,)


def _mapping_of(recognised: Sequence[Recognised], columns: Mapping[Meaning, str], region: str | None) -> RawMapping:
    meanings: dict[Meaning, ColumnMapping] = {
        item.meaning: _origin(item, recognised) for item in recognised if item.meaning in _ATTRIBUTES
    }
    if c.BIRTH_DATE not in columns and "birth_year" in columns:
        meanings["birth_date"] = ColumnMapping.model_validate({"from": (_WRITTEN,), "formats": ("yyyy-M-d",)})
    return RawMapping(meanings, default_region=region)  # type: ignore[arg-type]


def _made_by(mapping: RawMapping) -> set[str]:
    """The attributes that cleaning fills for a mapping; a column of such a name that means something else is itself."""
    made: set[str] = set()
    for meaning in mapping.meanings:
        made |= {meaning, *_PARTS.get(meaning, ())}
        made |= {_SEVERAL[meaning]} if meaning in _SEVERAL else set()  # type: ignore[index]
    return made | ({c.DOMAIN} if "email" in mapping.meanings else set())


def _origin(item: Recognised, recognised: Sequence[Recognised]) -> ColumnMapping:
    """A contact's columns are all read, the fullest first; of any other meaning there is one column."""
    origin = _columns(recognised, item.meaning) if item.meaning in _SEVERAL else (item.column,)
    formats = item.profile.dates.formats if item.meaning == c.BIRTH_DATE else ()
    return ColumnMapping.model_validate({"from": origin, "formats": formats})


def _columns(recognised: Sequence[Recognised], meaning: Meaning) -> tuple[str, ...]:
    having = [item for item in recognised if item.meaning == meaning]
    return tuple(item.column for item in sorted(having, key=lambda item: (item.rank, -item.profile.filled)))


def _column(texts: pa.Table | pa.RecordBatch, name: str) -> pa.Array | None:
    if name not in texts.schema.names:
        return None
    return as_array(texts.column(name))


def _days(texts: pa.Array | None, item: Recognised) -> pa.Array | None:
    """Dates of unknown meaning as yyyymmdd, as they stand where they cannot be read."""
    if texts is None:
        return None
    formats, today = item.profile.dates.formats, _today()

    def day(text: str) -> str:
        found = read_date(text.strip(" "), formats, as_of=today)
        return f"{found:%Y%m%d}" if found else text.strip(" ")

    return map_distinct(texts, day)


def _birth_digits(birth_date: pa.Array, texts: pa.Table | pa.RecordBatch, recognised: Sequence[Recognised]) -> pa.Array:
    """Birth dates as yyyymmdd; where one cannot be true, its digits if there are eight of them."""
    columns = {item.meaning: item.column for item in recognised}
    readable = pc.strftime(birth_date.cast(pa.timestamp("s")), format="%Y%m%d")
    item = next((it for it in recognised if it.meaning == c.BIRTH_DATE), None)
    written = None if item is None else _column(texts, item.column)
    if item is not None and written is not None:
        unread = pc.if_else(readable.is_null(), written, None)
        near = map_distinct(unread, partial(_digits_near, formats=item.profile.dates.formats, as_of=_today()))
    elif "birth_year" in columns:
        near = map_distinct_rows(_date_parts(texts, columns), _digits_of_parts)
    else:
        return readable
    return pc.coalesce(readable, near)


def _digits_near(text: str, formats: tuple[str, ...], as_of: date) -> str | None:
    """The digits of a date that cannot be true, an error may be in one of them; of what says nothing None."""
    found = read_birth_date(text, formats, as_of=as_of, max_age_years=None)
    if found.reason in _OUT_OF_RANGE:
        day = read_date(text, formats, as_of=as_of)
        return f"{day:%Y%m%d}" if day else None
    if found.reason != MALFORMED:
        return None
    parts = date_parts(text, formats)
    return _near_date(_NOT_DIGITS.sub("", text)) if parts is None else _digits_of_parts(*parts)


_OUT_OF_RANGE = frozenset({"future", "too_old"})


def _near_date(digits: str) -> str | None:
    return digits if len(digits) == _DIGITS_OF_DATE else None


def _date_parts(texts: pa.Table | pa.RecordBatch, columns: Mapping[Meaning, str]) -> list[pa.Array]:
    nothing = pa.nulls(texts.num_rows, pa.string())
    found = [_column(texts, columns[part]) if part in columns else None for part, _ in _DATE_PARTS]
    return [nothing if column is None else column for column in found]


def _digits_of_parts(*parts: str | None) -> str | None:
    """Year, month and day as eight digits, zeros for one that is missing; None where more are."""
    known = [month_digits(part.strip(" ")) or None if part else None for part in parts]
    if sum(part is not None for part in known) < len(_DATE_PARTS) - 1:
        return None
    padded = [(part or "0").rjust(size, "0")[:size] for part, (_, size) in zip(known, _DATE_PARTS, strict=True)]
    return _near_date("".join(padded))


def _joined_date(texts: pa.Table | pa.RecordBatch, columns: Mapping[Meaning, str]) -> pa.Array:
    """Year, month and day as one text; null where one is missing."""

    def join(*parts: str | None) -> str | None:
        return "-".join(month_digits(part.strip(" ")) for part in parts if part) if all(parts) else None

    return map_distinct_rows(_date_parts(texts, columns), join)


def _today() -> date:
    return date.today()  # noqa: DTZ011 - only decides the century of two-digit years
