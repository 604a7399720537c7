"""Phone numbers in E.164: plain numbers by native patterns, the others by `phonenumbers`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import phonenumbers
import pyarrow as pa
from phonenumbers import NumberParseException, ValidationResult
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark.standardise.contacts import plans
from cdp_spark.standardise.lookup import lookup_expr
from cdp_spark.standardise.placeholders import PLACEHOLDER, is_number_placeholder_expr, is_text_placeholder_expr
from cdp_spark.standardise.text import WHITE_SPACE, without_float_tail_expr
from cdp_spark.text import null_if_empty_expr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column

_NOT_DIALLED = f"{WHITE_SPACE}-().\u2010\u2011\u2013"
_SMALLEST_LOCAL = 1000
"""Of fewer than four digits no subscriber's number is made, only an emergency or service number."""
_UNREADABLE = {
    NumberParseException.INVALID_COUNTRY_CODE: "no_country",
    NumberParseException.NOT_A_NUMBER: "not_a_number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}
_IMPOSSIBLE = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "no_area_code",
    ValidationResult.INVALID_COUNTRY_CODE: "no_country",
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.INVALID_LENGTH: "wrong_length",
}


def dialled_expr(text: Column) -> Column:
    """What is dialled: a phone number's text without spaces, brackets, dots and dashes."""
    return null_if_empty_expr(F.translate(without_float_tail_expr(text), _NOT_DIALLED, ""))


def plain_phone_expr(dialled: Column, region: Column) -> Column:
    """E.164 of a number of one of the common plans, written in full; null where only the library can tell.

    Agrees with `parse_phone` wherever it gives a number. Without a region, national digits stay as they are.
    """
    country_code = lookup_expr(plans.COUNTRY_CODES, region)
    is_american = region.isin(*plans.NORTH_AMERICA)
    dials_otherwise = region.isin(*plans.WITHOUT_DOUBLE_ZERO)
    international = (
        F.when(dialled.startswith("+"), dialled)
        .when(is_american & dialled.startswith("1"), F.concat(F.lit("+"), dialled))
        .when(dialled.startswith("00") & ~dials_otherwise, F.concat(F.lit("+"), F.substr(dialled, F.lit(3))))
        .when(region.isin(*plans.TRUNK_ZERO), _after_trunk_zero_expr(dialled, country_code))
        .otherwise(F.concat(F.lit("+"), country_code, dialled))
    )
    return F.when(international.rlike(plans.PLAIN_E164), international).when(
        region.isNull() & dialled.rlike(plans.NATIONAL_DIGITS), dialled
    )


def _after_trunk_zero_expr(dialled: Column, country_code: Column) -> Column:
    return F.when(dialled.startswith("0"), F.concat(F.lit("+"), country_code, F.substr(dialled, F.lit(2))))


@lru_cache(maxsize=200_000)
def parse_phone(text: str, region: str | None) -> str:
    """E.164 of a possible number, otherwise the reason why it is none.

    Args:
        text: as written, extensions and letters included.
        region: ISO country of a number that names none.
    """
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        return _UNREADABLE[error.error_type]
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict == ValidationResult.IS_POSSIBLE:
        return _e164(number)
    if verdict == ValidationResult.IS_POSSIBLE_LOCAL_ONLY and (number.national_number or 0) < _SMALLEST_LOCAL:
        return "too_short"
    return _IMPOSSIBLE[verdict]


def _e164(number: phonenumbers.PhoneNumber) -> str:
    """The number's E.164, unless that reads as another number: surplus zeros before it are taken for a trunk prefix."""
    written = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    again = phonenumbers.format_number(phonenumbers.parse(written), phonenumbers.PhoneNumberFormat.E164)
    return written if again == written else "malformed"


@F.arrow_udf(T.ArrayType(T.StringType()))  # type: ignore[attr-defined,untyped-decorator] # Spark's stubs lack it
def _parse_phones(rows: pa.Array, regions: pa.Array) -> pa.Array:
    pairs = zip(rows.to_pylist(), regions.to_pylist(), strict=True)
    parsed = [row and [text and parse_phone(text, region) for text in row] for row, region in pairs]
    return pa.array(parsed, pa.list_(pa.string()))


def parse_phones_expr(texts: Sequence[Column], region: Column) -> Column:
    """The library's verdict on each text, in an array: E.164 or a reason; rows without any text stay at home."""
    found: Column = _parse_phones(F.when(F.coalesce(*texts).isNotNull(), F.array(*texts)), region)
    return found


def phone_issue_expr(dialled: Column, phone: Column) -> Column:
    """Why a number cannot be used, or null: placeholder, or the library's reason.

    Args:
        dialled: the digits as given.
        phone: E.164, national digits or a reason.
    """
    is_placeholder = is_number_placeholder_expr(dialled) | is_text_placeholder_expr(dialled)
    is_number = phone.startswith("+") | phone.rlike(plans.NATIONAL_DIGITS)
    return F.when(is_placeholder | is_number_placeholder_expr(phone), PLACEHOLDER).when(~is_number, phone)
