"""Addresses: one line taken apart, places cleaned, countries as ISO codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.lookup import is_listed_expr
from cdp_spark.standardise.placeholders import NAMELESS, PLACEHOLDER, text_issue_expr
from cdp_spark.standardise.places.countries import country_expr
from cdp_spark.standardise.places.postcodes import postcode_expr, postcode_issue_expr
from cdp_spark.standardise.places.streets import with_streets
from cdp_spark.standardise.text import display_case_expr
from cdp_spark.text import null_if_empty_expr

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyspark.sql import Column, DataFrame

ADDRESS_PARTS = (c.STREET, c.HOUSE_NUMBER, c.UNIT, c.CITY, c.POSTCODE, c.REGION, c.COUNTRY)
_IN_A_LINE = frozenset({c.STREET, c.CITY, c.POSTCODE, c.REGION, c.COUNTRY})

_POSTCODE = (
    r"(?i)(?<![\p{L}\d-])(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2}(?= |,|$)|"
    r"\d{5}-\d{3,4}|\d{3} \d{2}|\d{2}-\d{3}|\d{4,6})(?![\p{L}\d-])"
)
_STATE = "^[A-Z]{2}$"
_COUNTRIES_OF_TWO_LETTERS = ("UK", "US", "GB")
_STATE_AT_END = r"[ ,]+([A-Z]{2,3})$"
_REGION_CODE = r"^[A-Za-z]{1,3}$"


def with_addresses(
    df: DataFrame, given: Collection[str] = (*ADDRESS_PARTS, c.ADDRESS), *, default_region: str
) -> DataFrame:
    """Clean the parts of the address in place and add `<part>_issue` columns.

    Args:
        df: cleaned texts in street, house_number, unit, city, postcode, region, country and address.
        given: those that are not null throughout; no other gets an `_issue`.
        default_region: column with the ISO country by which a postcode is read that comes without one.
    """
    has_lines = c.ADDRESS in given
    known = {*given, *_IN_A_LINE} if has_lines else set(given)
    parts = [part for part in ADDRESS_PARTS if part in known]
    if not parts:
        return df
    coded = _with_codes(_with_parts_of_address(df) if has_lines else df, parts, default_region=default_region)
    issues = {part: _issue_expr(part) for part in parts if part != c.COUNTRY}
    judged = coded.withColumns({f"{part}_issue": issue for part, issue in issues.items()})
    usable = {part: F.when(F.col(f"{part}_issue").isNull(), F.col(part)) for part in parts}
    cased = judged.withColumns({part: _CASES[part](text) if part in _CASES else text for part, text in usable.items()})
    return with_streets(cased) if known & {c.STREET, c.HOUSE_NUMBER, c.UNIT} else cased


def _with_codes(df: DataFrame, parts: Collection[str], *, default_region: str) -> DataFrame:
    """Countries, and then postcodes, as their codes are written."""
    country, postcode = F.col(c.COUNTRY), F.col(c.POSTCODE)
    if c.COUNTRY in parts:
        df = df.withColumns({f"{c.COUNTRY}_issue": _country_issue_expr(), c.COUNTRY: country_expr(country)})
    if c.POSTCODE in parts:
        df = df.withColumn(c.POSTCODE, postcode_expr(postcode, F.coalesce(country, F.col(default_region))))
    return df


def _issue_expr(part: str) -> Column:
    text = F.col(part)
    if part == c.POSTCODE:
        return F.coalesce(text_issue_expr(text), postcode_issue_expr(text, F.col(c.COUNTRY)))
    return text_issue_expr(text)


def region_expr(text: Column) -> Column:
    """A state or province: codes in upper case, names with capitals."""
    return F.when(text.rlike(_REGION_CODE), F.upper(text)).otherwise(display_case_expr(text))


_CASES = {c.CITY: display_case_expr, c.REGION: region_expr}


def _country_issue_expr() -> Column:
    text = F.col(c.COUNTRY)
    is_unknown = text.isNotNull() & country_expr(text).isNull()
    return F.when(is_listed_expr(NAMELESS, F.lower(text)), PLACEHOLDER).when(is_unknown, "unknown")


def _with_parts_of_address(df: DataFrame) -> DataFrame:
    """Fill the parts that have no column of their own from one line such as `5 High St, Leeds LS1 4AP, UK`."""
    address = F.col(c.ADDRESS)
    last = F.trim(F.substring_index(address, ",", -1))
    country = F.when(address.contains(","), country_expr(last))
    names_country = country.isNotNull() & ~(last.rlike(_STATE) & ~last.isin(*_COUNTRIES_OF_TWO_LETTERS))
    head = F.when(names_country, F.rtrim(F.regexp_replace(address, ",[^,]*$", ""))).otherwise(address)
    cut = df.withColumns({"address_head": head, "address_country": F.when(names_country, country)})
    street, place = _street_and_place(F.col("address_head"))
    placed = cut.withColumns({"address_street": street, "address_place": place})
    code = null_if_empty_expr(F.regexp_extract(F.col("address_place"), _POSTCODE, 0))
    town = F.btrim(F.regexp_replace(F.col("address_place"), _POSTCODE, ""), F.lit(" ,"))
    located = placed.withColumns({"address_postcode": code, "address_town": town})
    return _filled(located).drop(*(name for name in _STEPS))


_STEPS = ("address_head", "address_country", "address_street", "address_place", "address_postcode", "address_town")


def _street_and_place(head: Column) -> tuple[Column, Column]:
    street = F.trim(F.substring_index(head, ",", 1))
    place = F.when(head.contains(","), F.ltrim(F.substr(head, F.length(F.substring_index(head, ",", 1)) + F.lit(2))))
    return street, place


def _filled(df: DataFrame) -> DataFrame:
    town = F.col("address_town")
    state = null_if_empty_expr(F.regexp_extract(F.concat(F.lit(" "), town), _STATE_AT_END, 1))
    city = F.btrim(
        F.when(state.isNotNull(), F.regexp_replace(F.concat(F.lit(" "), town), _STATE_AT_END, "")).otherwise(town)
    )
    last_place = null_if_empty_expr(F.trim(F.substring_index(city, ",", -1)))
    found = {
        c.STREET: F.col("address_street"),
        c.POSTCODE: F.col("address_postcode"),
        c.CITY: last_place,
        c.REGION: state,
        c.COUNTRY: F.col("address_country"),
    }
    return df.withColumns({part: F.coalesce(F.col(part), value) for part, value in found.items()})
