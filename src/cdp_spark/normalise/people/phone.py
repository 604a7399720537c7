"""Phone numbers in E.164: numbers of the common plans by patterns, all others by the library `phonenumbers`.

What is dialled (the text without spaces, brackets, dots and dashes) is brought to international form by the region's
prefixes. Where that gives a number of a usual length in its country's plan, it is the answer, and the library would say
the same. Otherwise the library reads the text, extensions and letters included, or says why it is no number.
Placeholders such as `0000000000` are refused, whoever has read them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from cdp_spark.normalise.outcome import NOTHING, Normal
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_number_placeholder, is_text_placeholder
from cdp_spark.normalise.text import clean_text, without_float_tail

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_NOT_DIALLED = "-()."
_NOT_DIALLED_EITHER = str.maketrans("", "", f" {_NOT_DIALLED}\u2010\u2011\u2013")
_NOT_DIALLED_BYTES = f" {_NOT_DIALLED}".encode()
_TEXT_MARK = "'"
"""What a spreadsheet writes before a number that it keeps as text."""
_SMALLEST_LOCAL = 1000
"""Of fewer than four digits no subscriber's number is made, only an emergency or service number."""

_NORTH_AMERICA = frozenset({"US", "CA", "PR"})
_WITHOUT_DOUBLE_ZERO = _NORTH_AMERICA | {"AU", None}
"""Regions that dial abroad by another prefix than 00."""
_NO_TRUNK = {"ES": "34", "DK": "45", "NO": "47", "PL": "48", "PT": "351", "IT": "39", "US": "1", "CA": "1", "PR": "1"}
_TRUNK_ZERO = {
    "GB": "44",
    "DE": "49",
    "FR": "33",
    "NL": "31",
    "CH": "41",
    "BE": "32",
    "AT": "43",
    "SE": "46",
    "IE": "353",
    "AU": "61",
    "NZ": "64",
    "IN": "91",
    "ZA": "27",
}
"""Regions that put a 0 before a national number."""
COUNTRY_CODES = {**_NO_TRUNK, **_TRUNK_ZERO}
SUBSCRIBERS = {
    "1": r"[2-9]\d{9}",
    "27": r"[1-9]\d{8}",
    "31": r"[1-9]\d{8}",
    "32": r"[1-9]\d{7,8}",
    "33": r"[1-9]\d{8}",
    "34": r"[5-9]\d{8}",
    "351": r"[29]\d{8}",
    "353": r"[1-9]\d{7,8}",
    "39": r"3\d{9}",
    "41": r"[2-9]\d{8}",
    "43": r"[1-9]\d{8,10}",
    "44": r"[1-9]\d{9}",
    "45": r"[2-9]\d{7}",
    "46": r"[1-9]\d{6,8}",
    "47": r"[2-9]\d{7}",
    "48": r"[1-9]\d{8}",
    "49": r"[1-9]\d{8,10}",
    "61": r"[2-478]\d{8}",
    "64": r"[2-9]\d{7,8}",
    "91": r"[6-9]\d{9}",
}
"""Country code to the national numbers, trunk prefix left out, that a pattern may read."""
_PLAIN_E164 = re.compile(r"\+(?:" + "|".join(code + plan for code, plan in sorted(SUBSCRIBERS.items())) + ")", re.ASCII)
_WITH_TRUNK_ZERO = re.compile(rf"\+({'|'.join(sorted(_TRUNK_ZERO.values()))})0([1-9][0-9]+)")
"""`+44 (0)20 …`: the trunk prefix inside an international number."""
_NATIONAL_DIGITS = re.compile(r"[0-9]{6,15}")
"""What a number without any country looks like."""


def read_phone(text: str, region: str | None) -> Normal:
    """Read a phone number.

    Args:
        text: as received.
        region: ISO country of a number that names none; without it, national digits stay as they are.
    Returns: E.164 or national digits; beside a reason (`placeholder`, or the library's), what was dialled.
    """
    cleaned = without_float_tail(clean_text(text))
    dialled = _dialled(cleaned)
    if not dialled:
        return NOTHING
    plain = plain_phone(dialled, region)
    if plain is None and is_text_placeholder(dialled):
        return Normal(dialled, PLACEHOLDER)
    phone = plain or parse_phone(cleaned, region)
    if is_number_placeholder(dialled) or is_number_placeholder(phone):
        return Normal(dialled, PLACEHOLDER)
    is_number = plain is not None or phone[0] == "+"
    return Normal(phone) if is_number else Normal(dialled, phone)


def _dialled(cleaned: str) -> str:
    if cleaned.isascii():
        return cleaned.encode().translate(None, _NOT_DIALLED_BYTES).decode()
    return cleaned.translate(_NOT_DIALLED_EITHER)


def plain_phone(dialled: str, region: str | None) -> str | None:
    """Read a number of one of the common plans, written in full; None where only the library can tell.

    Agrees with `parse_phone` wherever it gives a number. Without a region, national digits stay as they are.

    Args:
        dialled: a number's text without spaces, brackets, dots and dashes.
        region: ISO country.
    """
    international = _international(dialled.replace("/", "").lstrip(_TEXT_MARK), region)
    if international is not None and _PLAIN_E164.fullmatch(international):
        return international
    return dialled if region is None and _NATIONAL_DIGITS.fullmatch(dialled) else None


def _international(dialled: str, region: str | None) -> str | None:
    if dialled.startswith("+"):
        zero = _WITH_TRUNK_ZERO.fullmatch(dialled)
        return f"+{zero[1]}{zero[2]}" if zero else dialled
    if region in _NORTH_AMERICA and dialled.startswith("1"):
        return f"+{dialled}"
    if dialled.startswith("00") and region not in _WITHOUT_DOUBLE_ZERO:
        return f"+{dialled[2:]}"
    if region in _TRUNK_ZERO:
        return f"+{_TRUNK_ZERO[region]}{dialled[1:]}" if dialled.startswith("0") else None
    return f"+{_NO_TRUNK[region]}{dialled}" if region in _NO_TRUNK else None


def parse_phone(text: str, region: str | None) -> str:
    """Return the E.164 of a possible number, otherwise the reason why it is none: the library's verdict.

    Args:
        text: as written, extensions and letters included.
        region: ISO country of a number that names none.
    """
    import phonenumbers  # noqa: PLC0415 - takes a while, and most runs meet plain numbers only

    unreadable, impossible = _reasons()
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        return unreadable[error.error_type]
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict == phonenumbers.ValidationResult.IS_POSSIBLE:
        return _e164(number)
    if verdict == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY and (
        (number.national_number or 0) < _SMALLEST_LOCAL
    ):
        return "too_short"
    return impossible[verdict]


def _e164(number: PhoneNumber) -> str:
    """Format a number, unless it reads as another one then: surplus zeros before it are taken for a trunk prefix."""
    from phonenumbers import PhoneNumberFormat, format_number, parse  # noqa: PLC0415 - see parse_phone

    written = str(format_number(number, PhoneNumberFormat.E164))
    return written if format_number(parse(written), PhoneNumberFormat.E164) == written else "malformed"


@cache
def _reasons() -> tuple[dict[int, str], dict[int, str]]:
    """Name the library's errors of reading, and its verdicts on what it has read."""
    from phonenumbers import NumberParseException, ValidationResult  # noqa: PLC0415 - see parse_phone

    unreadable = {
        NumberParseException.INVALID_COUNTRY_CODE: "no_country",
        NumberParseException.NOT_A_NUMBER: "not_a_number",
        NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
        NumberParseException.TOO_SHORT_NSN: "too_short",
        NumberParseException.TOO_LONG: "too_long",
    }
    impossible = {
        ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "no_area_code",
        ValidationResult.INVALID_COUNTRY_CODE: "no_country",
        ValidationResult.TOO_SHORT: "too_short",
        ValidationResult.TOO_LONG: "too_long",
        ValidationResult.INVALID_LENGTH: "wrong_length",
    }
    return unreadable, impossible
