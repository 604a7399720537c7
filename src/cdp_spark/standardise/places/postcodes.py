"""Postcodes, spaced as their country writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.standardise.text import without_float_tail_expr
from cdp_spark.text import null_if_empty_expr

if TYPE_CHECKING:
    from pyspark.sql import Column

_SHAPES = {
    "GB": (r"^([A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})$", "$1 $2"),
    "CA": (r"^([A-Z]\d[A-Z])(\d[A-Z]\d)$", "$1 $2"),
    "NL": (r"^(\d{4})([A-Z]{2})$", "$1 $2"),
    "US": (r"^(\d{5})(\d{4})$", "$1-$2"),
    "PL": (r"^(\d{2})(\d{3})$", "$1-$2"),
    "PT": (r"^(\d{4})(\d{3})$", "$1-$2"),
    "BR": (r"^(\d{5})(\d{3})$", "$1-$2"),
    "JP": (r"^(\d{3})(\d{4})$", "$1-$2"),
    "SE": (r"^(\d{3})(\d{2})$", "$1 $2"),
    "CZ": (r"^(\d{3})(\d{2})$", "$1 $2"),
    "SK": (r"^(\d{3})(\d{2})$", "$1 $2"),
    "GR": (r"^(\d{3})(\d{2})$", "$1 $2"),
    "IE": (r"^([A-Z]\d[\dW])([A-Z\d]{4})$", "$1 $2"),
}
_VALID = {
    **{country: shape for country, (shape, _) in _SHAPES.items() if country != "US"},
    "US": r"^\d{5}(?:\d{4})?$",
    "PT": r"^\d{4}(?:\d{3})?$",
    **dict.fromkeys(("DE", "FR", "ES", "IT", "FI", "MX", "TR"), r"^\d{5}$"),
    **dict.fromkeys(("AT", "AU", "BE", "CH", "DK", "HU", "LU", "NO", "NZ", "ZA"), r"^\d{4}$"),
    **dict.fromkeys(("IN", "CN", "SG", "RU"), r"^\d{6}$"),
}
_FIVE_DIGITS = ("US", "DE", "FR", "ES", "IT")
_COUNTRY_PREFIX = r"^(?:A|B|CH|CZ|D|DK|E|F|FIN|I|L|NL|PL|S|SE|DE|FR|AT|BE|ES|IT|LU)[ -]+(?=\d)"


def postcode_expr(text: Column, country: Column) -> Column:
    """A postcode in upper case, spaced as its country writes it: `sw1a1aa` → `SW1A 1AA`, `2139` in the US → `02139`.

    Args:
        text: as given.
        country: ISO code, or null where nothing is known: then only spaces and case change.
    """
    upper = F.regexp_replace(F.upper(without_float_tail_expr(text)), _COUNTRY_PREFIX, "")
    compact = F.translate(upper, " -.", "")
    is_short = (F.length(compact) == 4) & country.isin(*_FIVE_DIGITS) & compact.rlike(r"^\d{4}$")
    spaced = F.when(is_short, F.concat(F.lit("0"), compact))
    for shaped, (shape, layout) in _SHAPES.items():
        is_shaped = (country == shaped) & compact.rlike(shape)
        spaced = spaced.when(is_shaped, F.regexp_replace(compact, shape, layout))
    return null_if_empty_expr(spaced.otherwise(upper))


def postcode_issue_expr(postcode: Column, country: Column) -> Column:
    """`malformed` where the country is known and writes its postcodes otherwise; null for the rest.

    Args:
        postcode: as `postcode_expr` gives it.
        country: ISO code that the record itself names.
    """
    compact = F.translate(postcode, " -.", "")
    shapes: dict[str, list[str]] = {}
    for name, shape in _VALID.items():
        shapes.setdefault(shape, []).append(name)
    is_malformed = F.lit(False)
    for shape, names in shapes.items():
        is_malformed = is_malformed | (country.isin(*names) & ~compact.rlike(shape))
    return F.when(is_malformed, "malformed")
