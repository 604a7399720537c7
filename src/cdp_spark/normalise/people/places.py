"""Places: countries as ISO codes, postcodes as their country writes them, regions and cities with capitals.

A postcode is read by the record's country, or by the default region where the record names none; only a country that
the record names can call a postcode malformed. All functions expect the result of `clean_text`.
"""

from __future__ import annotations

import re

from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.people.countries import country_code
from cdp_spark.normalise.placeholders import NAMELESS, PLACEHOLDER, is_text_placeholder
from cdp_spark.normalise.text import display_case, without_float_tail

_LAYOUTS = {
    country: (re.compile(shape, re.ASCII), layout)
    for country, shape, layout in (
        ("GB", r"([A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})", r"\1 \2"),
        ("CA", r"([A-Z]\d[A-Z])(\d[A-Z]\d)", r"\1 \2"),
        ("NL", r"(\d{4})([A-Z]{2})", r"\1 \2"),
        ("US", r"(\d{5})(\d{4})", r"\1-\2"),
        ("PL", r"(\d{2})(\d{3})", r"\1-\2"),
        ("PT", r"(\d{4})(\d{3})", r"\1-\2"),
        ("BR", r"(\d{5})(\d{3})", r"\1-\2"),
        ("JP", r"(\d{3})(\d{4})", r"\1-\2"),
        ("SE", r"(\d{3})(\d{2})", r"\1 \2"),
        ("CZ", r"(\d{3})(\d{2})", r"\1 \2"),
        ("SK", r"(\d{3})(\d{2})", r"\1 \2"),
        ("GR", r"(\d{3})(\d{2})", r"\1 \2"),
        ("IE", r"([A-Z]\d[\dW])([A-Z\d]{4})", r"\1 \2"),
    )
}
_VALID = {country: shape for country, (shape, _) in _LAYOUTS.items()} | {
    country: re.compile(shape, re.ASCII)
    for shape, countries in {
        r"\d{5}(?:\d{4})?": ("US",),
        r"\d{4}(?:\d{3})?": ("PT",),
        r"\d{5}": ("DE", "FR", "ES", "IT", "FI", "MX", "TR"),
        r"\d{4}": ("AT", "AU", "BE", "CH", "DK", "HU", "LU", "NO", "NZ", "ZA"),
        r"\d{6}": ("IN", "CN", "SG", "RU"),
    }.items()
    for country in countries
}
_FIVE_DIGITS = frozenset({"US", "DE", "FR", "ES", "IT"})
_COUNTRY_PREFIX = re.compile(r"^(?:A|B|CH|CZ|D|DK|E|F|FIN|I|L|NL|PL|S|SE|DE|FR|AT|BE|ES|IT|LU)[ -]+(?=\d)")
_PUNCTUATION = dict.fromkeys(map(ord, " -."))


def read_country(text: str) -> Normal:
    """Return the ISO 3166 two-letter code, or `placeholder` or `unknown`."""
    if text.lower() in NAMELESS:
        return Normal(None, PLACEHOLDER)
    code = country_code(text)
    return Normal(code) if code else Normal(None, "unknown")


def read_postcode(text: str, country: str | None, default_region: str | None) -> Normal:
    """Return a postcode as its country writes it, or `placeholder` or `malformed`.

    `sw1a1aa` becomes `SW1A 1AA`, `2139` in the US `02139`; without any country only spaces and case change.

    Args:
        text: as given.
        country: ISO code that the record itself names.
        default_region: ISO code to read by where it names none.
    """
    postcode = _written_postcode(text, country or default_region)
    if is_text_placeholder(postcode):
        return Normal(None, PLACEHOLDER)
    shape = _VALID.get(country) if country else None
    if shape is not None and not shape.fullmatch(postcode.translate(_PUNCTUATION)):
        return Normal(None, "malformed")
    return Normal(postcode or None)


def _written_postcode(text: str, country: str | None) -> str:
    upper = without_float_tail(text).upper()
    if not upper[:1].isdigit():
        upper = _COUNTRY_PREFIX.sub("", upper)
    if country is None:
        return upper
    compact = upper.translate(_PUNCTUATION)
    if len(compact) == 4 and country in _FIVE_DIGITS and compact.isascii() and compact.isdigit():
        return f"0{compact}"
    if country in _LAYOUTS:
        shape, layout = _LAYOUTS[country]
        found = shape.fullmatch(compact)
        return found.expand(layout) if found else upper
    return upper


def read_region(text: str) -> Normal:
    """Return a state or province, or `placeholder`: codes in upper case, names with capitals."""
    if is_text_placeholder(text):
        return Normal(None, PLACEHOLDER)
    is_code = len(text) <= 3 and text.isascii() and text.isalpha()
    return Normal(text.upper() if is_code else display_case(text))


def read_city(text: str) -> Normal:
    """Return a city with capitals, or `placeholder`."""
    return Normal(None, PLACEHOLDER) if is_text_placeholder(text) else Normal(display_case(text))
