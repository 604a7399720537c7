"""The one way from raw texts to a record's clean attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.companies.companies import COMPANY_PARTS, with_companies
from cdp_spark.standardise.contacts.points import parsed_phones_expr, with_contacts, with_plain_phones
from cdp_spark.standardise.identifiers import record_identifiers_expr
from cdp_spark.standardise.mapping import (
    BIRTH_DATE_WRITTEN,
    DEFAULT_REGION,
    OTHER_IDENTIFIERS,
    TEXTS,
    RawMapping,
    RawShape,
    raw_values_expr,
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
    from collections.abc import Mapping
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.source import ColumnMapping, Meaning

MAX_AGE_YEARS = 120
CARRIED = "carried"
"""Struct of the columns that pass through untouched, out of the way of a record's own column names."""
RAW = "raw"
_CLEANED_TEXTS = "cleaned_texts"
_PARSED_PHONES = "parsed_phones"

_CODES = (c.BIRTH_DATE, c.GENDER, c.NATIONAL_ID)
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
    raw = raw_values_expr(mapping, shape, lambda name: F.col(_quoted(name)))
    rows = df.select(F.struct(*map(_quoted, kept)).alias(CARRIED), raw.alias(RAW))
    return with_clean_values(rows, shape, as_of=as_of, max_age_years=max_age_years)


def _quoted(name: str) -> str:
    return "`{}`".format(name.replace("`", "``"))


def with_clean_values(
    df: DataFrame, shape: RawShape, *, as_of: date, max_age_years: int | None = MAX_AGE_YEARS
) -> DataFrame:
    """Clean the raw values.

    Args:
        df: `carried` and `raw`, a struct of the given shape.
        shape: the raw columns that are there.
        as_of: today.
        max_age_years: years; None for no limit.
    Returns: the carried columns, every attribute of `records` in the table's order, and `identifiers`.
    """
    texts = _with_python_columns(_with_raw_columns(df, shape), shape)
    coded = _with_codes(texts, as_of=as_of, max_age_years=max_age_years)
    placed = with_addresses(coded, default_region=DEFAULT_REGION, has_lines=c.ADDRESS in shape.texts)
    contacts = with_contacts(placed, emails=shape.emails, phones=shape.phones, parsed=_PARSED_PHONES)
    cleaned = with_companies(with_names(contacts))
    slots = (*shape.emails, *shape.phones)
    issues = value_issues_expr({**{name: name for name in _CHECKED}, **{slot: slot[:5] for slot in slots}})
    return cleaned.withColumn(c.VALUE_ISSUES, issues).select(
        f"{CARRIED}.*", *ATTRIBUTES, record_identifiers_expr(shape).alias(c.IDENTIFIERS)
    )


def _with_raw_columns(df: DataFrame, shape: RawShape) -> DataFrame:
    """Unpack the raw struct; a meaning that no mapping has is a literal null, which Spark's optimiser folds away."""
    missing = [name for name in (*TEXTS, *OTHER_IDENTIFIERS) if name not in shape.texts]
    nulls = [F.lit(None).cast("string").alias(name) for name in missing]
    present = [
        F.col(RAW)[name].alias(name)
        for name in (*shape.cleaned, *shape.phones, BIRTH_DATE_WRITTEN, DEFAULT_REGION, c.ATTRIBUTES)
    ]
    return df.select(CARRIED, *present, *nulls)


def _with_python_columns(df: DataFrame, shape: RawShape) -> DataFrame:
    """Do all that needs Python in one pass: with two, Spark's optimiser inlines whatever lies between them."""
    phoned = with_plain_phones(df, shape.phones, default_region=DEFAULT_REGION)
    texts = {_CLEANED_TEXTS: cleaned_texts_expr(shape.cleaned)} if shape.cleaned else {}
    phones = {_PARSED_PHONES: parsed_phones_expr(shape.phones)} if shape.phones else {}
    return with_clean_texts(phoned.withColumns({**texts, **phones}), shape.cleaned, cleaned=_CLEANED_TEXTS)


def _with_codes(df: DataFrame, *, as_of: date, max_age_years: int | None) -> DataFrame:
    birth_text, gender, number = F.col(c.BIRTH_DATE), F.col(c.GENDER), F.col(c.NATIONAL_ID)
    read = F.col("birth_date_read")
    issues = {
        c.BIRTH_DATE: birth_date_issue_expr(birth_text, read, as_of=as_of, max_age_years=max_age_years),
        c.GENDER: gender_issue_expr(gender),
        c.NATIONAL_ID: national_id_issue_expr(number, national_id_expr(number)),
    }
    values = {c.BIRTH_DATE: read, c.GENDER: gender_expr(gender), c.NATIONAL_ID: national_id_expr(number)}
    dated = df.withColumn("birth_date_read", day_of_expr(F.col(BIRTH_DATE_WRITTEN), as_of=as_of))
    judged = dated.withColumns({f"{code}_issue": issue for code, issue in issues.items()})
    given = judged.withColumn("national_id_given", values[c.NATIONAL_ID])
    return given.withColumns({code: F.when(F.col(f"{code}_issue").isNull(), value) for code, value in values.items()})


def value_issues_expr(fields: Mapping[str, str]) -> Column:
    """All of a record's issues as `field:reason`.

    Args:
        fields: the prefix of each `<prefix>_issue` column to the field's name in the result.
    """
    named = [F.concat(F.lit(f"{name}:"), F.col(f"{prefix}_issue")) for prefix, name in fields.items()]
    joined = F.concat_ws(",", *named)
    return F.when(joined != "", F.split(joined, ",")).otherwise(F.array().cast("array<string>"))
