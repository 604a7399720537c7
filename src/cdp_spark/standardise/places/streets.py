"""Streets in the form to compare, as a Column expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.normalise.text import words
from cdp_spark.text import match_form_expr, null_if_empty_expr

if TYPE_CHECKING:
    from pyspark.sql import Column

_ABBREVIATIONS = dict(
    pair.split("/")
    for pair in words(
        "street/st avenue/ave av/ave road/rd drive/dr lane/ln boulevard/blvd court/ct place/pl square/sq terrace/ter "
        "crescent/cres close/cl circuit/cct parkway/pkwy highway/hwy circle/cir trail/trl mount/mt saint/st "
        "apartment/apt north/n south/s east/e west/w northeast/ne northwest/nw southeast/se southwest/sw platz/pl "
        "calle/c rue/r gardens/gdns grove/gr"
    )
)
_WITH_STREET_NAME = r"(?:strasse|straat|str)(?= |$)"


def street_match_expr(street: Column) -> Column:
    """The form in which streets are compared: match form with the usual abbreviations.

    `Haupt-Straße`, `Hauptstr.` → `haupt str`, `hauptstr`; `North High Street` → `n high st`.
    """
    padded = F.concat(F.lit(" "), F.regexp_replace(match_form_expr(street), _WITH_STREET_NAME, "str"), F.lit(" "))
    for word, abbreviation in _ABBREVIATIONS.items():
        padded = F.replace(padded, F.lit(f" {word} "), F.lit(f" {abbreviation} "))
    return null_if_empty_expr(F.trim(padded))
