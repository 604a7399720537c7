"""Streets: the house number and unit apart from the name, and the form to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.lookup import is_listed_expr, words
from cdp_spark.standardise.text import display_case_expr, first_word_expr, without_float_tail_expr
from cdp_spark.text import match_form_expr, null_if_empty_expr

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_DESIGNATORS = words("apartment apt appt flat unit suite ste wohnung whg top room rm floor fl shop villa étage")
_DESIGNATOR = f"(?:{'|'.join(_DESIGNATORS)})"
_UNIT_NUMBER = r"[\p{L}\d-]*\d[\p{L}\d-]*"
_UNIT_ENDS = rf"(?iu)^(.*[^ ,])[ ,]+((?:{_DESIGNATOR}\.? *#?|#) *{_UNIT_NUMBER}|{_DESIGNATOR}\.? *[a-z])$"
_UNIT_BEGINS = rf"(?iu)^({_DESIGNATOR}\.? *#? *{_UNIT_NUMBER})[ ,/]+(.+)$"
_NUMBER_BEGINS = r"^(\d+[a-zA-Z]?(?:-\d+[a-zA-Z]?|/\d+)?(?: (?:bis|ter|quater))?),? +(.*\p{L}.*)$"
_NUMBER = r"\d+(?: ?[a-zA-Z])?(?: ?[-/] ?\d+[a-zA-Z]?)?(?: (?:bis|ter|quater))?"
_NUMBER_ENDS = rf"^(.*[\p{{L}}.,])[ ,]+(?:[Nn][ro°º]?\.? ?)?({_NUMBER})$"
_NUMBERED_ROADS = words(
    "highway hwy route rte road rd interstate box postfach bp apartado calle carrera avenue ave autobahn square "
    "quadrat km us"
)
_BREAK = "\u0001"
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


def with_streets(df: DataFrame) -> DataFrame:
    """Take the unit and the house number out of the street where they have no column of their own.

    Args:
        df: cleaned texts in street, house_number, unit.
    """
    street, number, unit = F.col(c.STREET), F.col(c.HOUSE_NUMBER), F.col(c.UNIT)
    with_unit = df.withColumn("street_and_unit", F.when(unit.isNull(), street_and_unit_expr(street)))
    numbered = with_unit.withColumns(
        {
            c.UNIT: F.coalesce(display_case_expr(unit), unit_case_expr(_part("street_and_unit", 2))),
            c.STREET: F.coalesce(_part("street_and_unit", 1), street),
        }
    ).withColumn("street_and_number", F.when(number.isNull(), street_and_number_expr(street)))
    bare = F.coalesce(_part("street_and_number", 1), street)
    own_number = F.coalesce(without_float_tail_expr(number), _part("street_and_number", 2))
    left = null_if_empty_expr(F.btrim(bare, F.lit(" ,;")))
    parted = numbered.withColumns({c.HOUSE_NUMBER: F.upper(own_number), c.STREET: left})
    return parted.withColumn(c.STREET, display_case_expr(street)).drop("street_and_unit", "street_and_number")


def _part(column: str, number: int) -> Column:
    """A part of two that stand around the break; null where there is no break."""
    return F.when(F.col(column).contains(_BREAK), F.split_part(F.col(column), F.lit(_BREAK), F.lit(number)))


def street_and_unit_expr(street: Column) -> Column:
    """`12 High St, apt 4b` → `12 High St` and `apt 4b`, a break between; without a unit the street as it is."""
    last_but_one = first_word_expr(F.substring_index(street, " ", -2))
    last = F.substring_index(street, " ", -1)
    ends = (
        is_listed_expr(_DESIGNATORS, last_but_one) | last.contains("#") | (last_but_one == "") | last.rlike(r"^\D+\d")
    )
    begins = is_listed_expr(_DESIGNATORS, first_word_expr(street))
    return F.when(begins, F.regexp_replace(street, _UNIT_BEGINS, f"$2{_BREAK}$1")).when(
        ends, F.regexp_replace(street, _UNIT_ENDS, f"$1{_BREAK}$2")
    )


def unit_case_expr(unit: Column) -> Column:
    """`apt 4b` → `Apt 4B`."""
    number = F.regexp_extract(unit, r"(\S*)$", 1)
    return F.concat(F.initcap(F.left(unit, F.length(unit) - F.length(number))), F.upper(number))


def street_and_number_expr(street: Column) -> Column:
    """`12a High Street`, `Hauptstraße 12a` → the street and `12a`, a break between.

    Null where no number stands at an end, or where it is the road's own: `Highway 61`, `5th Avenue`, `PO Box 7`.
    """
    begins = F.left(street, F.lit(1)).between("0", "9")
    at_start = F.regexp_replace(street, _NUMBER_BEGINS, f"$2{_BREAK}$1")
    is_roads_own = is_listed_expr(_NUMBERED_ROADS, first_word_expr(F.substring_index(street, " ", -2)))
    at_end = F.when(~is_roads_own, F.regexp_replace(street, _NUMBER_ENDS, f"$1{_BREAK}$2"))
    return F.when(begins, at_start).otherwise(at_end)


def street_match_expr(street: Column) -> Column:
    """The form in which streets are compared: match form with the usual abbreviations.

    `Haupt-Straße`, `Hauptstr.` → `haupt str`, `hauptstr`; `North High Street` → `n high st`.
    """
    padded = F.concat(F.lit(" "), F.regexp_replace(match_form_expr(street), _WITH_STREET_NAME, "str"), F.lit(" "))
    for word, abbreviation in _ABBREVIATIONS.items():
        padded = F.replace(padded, F.lit(f" {word} "), F.lit(f" {abbreviation} "))
    return null_if_empty_expr(F.trim(padded))
