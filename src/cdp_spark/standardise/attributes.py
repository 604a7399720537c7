"""The one way from raw texts to a record's clean attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.standardise.companies.companies import COMPANY_PARTS, with_companies
from cdp_spark.standardise.contacts.points import parsed_phones_expr, with_contacts, with_plain_phones
from cdp_spark.standardise.identifiers import NATIONAL_ID_GIVEN, record_identifiers_expr
from cdp_spark.standardise.mapping import (
    BIRTH_DATE_WRITTEN,
    DEFAULT_REGION,
    TEXTS,
    RawMapping,
    RawShape,
    mapped_columns,
)
from cdp_spark.standardise.people.birth_date import birth_date_issue_expr, day_of_expr
from cdp_spark.standardise.people.codes import (
    gender_expr,
    gender_issue_expr,
    national_id_expr,
    national_id_issue_expr,
)
from cdp_spark.standardise.people.names import NAME_PARTS, with_names
from cdp_spark.standardise.places.addresses import ADDRESS_PARTS, with_addresses
from cdp_spark.standardise.text import cleaned_texts_expr, with_clean_texts
from cdp_spark.tables.catalog import RECORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.source import ColumnMapping, Meaning

MAX_AGE_YEARS = 120
CARRIED = "carried__"
"""In front of the names of columns that pass through untouched, out of the way of a record's own column names."""
_CLEANED_TEXTS = "cleaned_texts"
_PARSED_PHONES = "parsed_phones"

_CODES = (c.BIRTH_DATE, c.GENDER, c.NATIONAL_ID)
_READ = {c.BIRTH_DATE: "birth_date_read", c.GENDER: "gender_read", c.NATIONAL_ID: NATIONAL_ID_GIVEN}
"""Column of each code in its normal form, usable or not."""
_CHECKED = (*NAME_PARTS, *_CODES, *ADDRESS_PARTS, *COMPANY_PARTS)
_KEYS = RECORDS.schema.names[: RECORDS.schema.names.index(c.GIVEN_NAME)]
ATTRIBUTES = tuple(name for name in RECORDS.schema.names if name not in _KEYS)
"""The columns of `records` that standardising makes, in the table's order."""


def with_standard_attributes(
    df: DataFrame,
    meanings: Mapping[Meaning, ColumnMapping],
    *,
    default_region: str | None,
    as_of: date,
    max_age_years: int | None = MAX_AGE_YEARS,
) -> DataFrame:
    """Add the clean attributes of `records`, and `identifiers`, to rows whose columns have these meanings.

    Args:
        df: any rows; a mapped column may be of any type. A column named as an attribute gives way to it.
        meanings: attribute to the columns that it comes from.
        default_region: ISO country of phones and postcodes that name none. None: national numbers keep their digits.
        as_of: today.
        max_age_years: years; an older birth date is invalid. None for historical data.
    Returns: the rows with df's other columns, every attribute of `records` in the table's order, and `identifiers`.
    """
    mapping = RawMapping(meanings, default_region=default_region)
    shape = RawShape.of([mapping])
    taken = {*ATTRIBUTES, c.IDENTIFIERS}
    kept = [name for name in df.columns if name.lower() not in taken]
    raw = mapped_columns(mapping, shape, lambda name: F.col(_quoted(name)))
    rows = df.select(*(F.col(_quoted(name)).alias(f"{CARRIED}{name}") for name in kept), *raw)
    return with_clean_values(rows, shape, as_of=as_of, max_age_years=max_age_years)


def _quoted(name: str) -> str:
    return "`{}`".format(name.replace("`", "``"))


def with_clean_values(
    df: DataFrame, shape: RawShape, *, as_of: date, max_age_years: int | None = MAX_AGE_YEARS
) -> DataFrame:
    """Clean the raw values.

    Args:
        df: the columns of the shape, and columns to carry, whose names begin with `CARRIED`.
        shape: the raw columns that are there.
        as_of: today.
        max_age_years: years; None for no limit.
    Returns: the carried columns, every attribute of `records` in the table's order, and `identifiers`.
    """
    carried = [name for name in df.columns if name.startswith(CARRIED)]
    texts = _with_python_columns(_with_missing_columns(df, shape), shape)
    coded = _with_codes(texts, shape.texts, as_of=as_of, max_age_years=max_age_years)
    placed = with_addresses(coded, shape.texts, default_region=DEFAULT_REGION)
    contacts = with_contacts(placed, emails=shape.emails, phones=shape.phones, parsed=_PARSED_PHONES)
    companies = {*shape.texts, c.EMAIL} if shape.emails else shape.texts
    cleaned = with_companies(with_names(contacts, shape.texts), companies)
    return cleaned.select(
        *(F.col(_quoted(name)).alias(name.removeprefix(CARRIED)) for name in carried),
        *(_issues_expr(cleaned.columns, shape) if name == c.VALUE_ISSUES else F.col(name) for name in ATTRIBUTES),
        record_identifiers_expr(shape).alias(c.IDENTIFIERS),
    )


def _with_missing_columns(df: DataFrame, shape: RawShape) -> DataFrame:
    """Add what no mapping has: literal nulls, which Spark's optimiser folds away."""
    missing = [name for name in (*TEXTS, c.COMPANY_CORE) if name not in shape.texts]
    kinds = {field.name: field.dataType for field in RECORDS.schema}
    return df.select("*", *(F.lit(None).cast(kinds.get(name, T.StringType())).alias(name) for name in missing))


def _with_python_columns(df: DataFrame, shape: RawShape) -> DataFrame:
    """Do all that needs Python in one pass: with two, Spark's optimiser inlines whatever lies between them."""
    phoned = with_plain_phones(df, shape.phones, default_region=DEFAULT_REGION)
    texts = {_CLEANED_TEXTS: cleaned_texts_expr(shape.cleaned)} if shape.cleaned else {}
    phones = {_PARSED_PHONES: parsed_phones_expr(shape.phones)} if shape.phones else {}
    parsed = phoned.withColumns({**texts, **phones})
    return with_clean_texts(parsed, shape.cleaned, cleaned=_CLEANED_TEXTS) if shape.cleaned else parsed


def _with_codes(df: DataFrame, given: Collection[str], *, as_of: date, max_age_years: int | None) -> DataFrame:
    codes = [code for code in _CODES if code in given]
    if not codes:
        return df
    read = df.withColumns({_READ[code]: _reading_expr(code, as_of=as_of) for code in codes})
    issues = {code: _code_issue_expr(code, as_of=as_of, max_age_years=max_age_years) for code in codes}
    judged = read.withColumns({f"{code}_issue": issue for code, issue in issues.items()})
    return judged.withColumns({code: F.when(F.col(f"{code}_issue").isNull(), F.col(_READ[code])) for code in codes})


def _reading_expr(code: str, *, as_of: date) -> Column:
    if code == c.BIRTH_DATE:
        return day_of_expr(F.col(BIRTH_DATE_WRITTEN), as_of=as_of)
    return gender_expr(F.col(code)) if code == c.GENDER else national_id_expr(F.col(code))


def _code_issue_expr(code: str, *, as_of: date, max_age_years: int | None) -> Column:
    text, read = F.col(code), F.col(_READ[code])
    if code == c.BIRTH_DATE:
        return birth_date_issue_expr(text, read, as_of=as_of, max_age_years=max_age_years)
    return gender_issue_expr(text) if code == c.GENDER else national_id_issue_expr(text, read)


def _issues_expr(columns: Collection[str], shape: RawShape) -> Column:
    """All of a record's issues as `field:reason`, from the `<field or slot>_issue` columns that are there."""
    fields = {**{name: name for name in _CHECKED}, **{slot: slot[:5] for slot in (*shape.emails, *shape.phones)}}
    judged = {f"{prefix}_issue": name for prefix, name in fields.items() if f"{prefix}_issue" in columns}
    joined = F.concat_ws(",", *(F.concat(F.lit(f"{name}:"), F.col(issue)) for issue, name in judged.items()))
    issues = F.when(joined != "", F.split(joined, ",")).otherwise(F.array().cast("array<string>"))
    return issues.alias(c.VALUE_ISSUES)
