"""Gender and national ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.standardise.lookup import is_listed_expr, lookup_expr, words
from cdp_spark.standardise.placeholders import PLACEHOLDER, is_number_placeholder_expr, is_text_placeholder_expr
from cdp_spark.standardise.text import alphanumeric_expr, without_float_tail_expr

if TYPE_CHECKING:
    from pyspark.sql import Column

_GENDERS = {
    spelling: gender
    for gender, spellings in {
        "m": (
            "m male man boy 1 mr mister sir mann männlich maennlich herr herrn hr homme masculin garçon monsieur "
            "hombre masculino señor senor sr uomo maschio signor signore sig dhr heer meneer mannelijk homem senhor "
            "mężczyzna mezczyzna pan herre mand mies herra"
        ),
        "f": (
            "f female woman girl 2 w mrs ms miss madam lady frau fr fräulein fraulein weiblich femme féminin feminin "
            "fille madame mademoiselle mme mlle mujer femenino señora senora sra señorita senorita srta donna femmina "
            "signora signorina sig.ra sig.na vrouw mevrouw mevr mw vrouwelijk mulher feminino senhora kobieta pani "
            "kvinna kvinne kvinde fru frøken fröken nainen rouva"
        ),
        "x": "x d other divers diverse non-binary nonbinary nb mx third enby",
    }.items()
    for spelling in words(spellings)
}
_UNTOLD = (*words("u 0 9 unknown unspecified undisclosed"), "prefer not to say", "not specified", "not known")
_RANKS = r"(?:[ .-]+(?:dr|prof|dipl|ing|mag|med|phil|jur|rer|nat|professor|doktor)(?=[ .-]|$))+[ .]*$"
"""What follows a title without telling the gender: `Frau Prof. Dr.`."""
_SHORTEST_ID = 4


def gender_expr(text: Column) -> Column:
    """`m`, `f` or `x` for words, codes (ISO 5218 too) and titles that tell it; null for any other, such as `Dr.`."""
    return lookup_expr(_GENDERS, F.btrim(F.regexp_replace(F.lower(text), _RANKS, ""), F.lit(" .")))


def gender_issue_expr(text: Column) -> Column:
    """Why a gender cannot be used, or null: placeholder, unknown."""
    is_untold = is_listed_expr(_UNTOLD, F.lower(text))
    return F.when(is_untold | is_text_placeholder_expr(text), PLACEHOLDER).when(
        text.isNotNull() & gender_expr(text).isNull(), "unknown"
    )


def national_id_expr(text: Column) -> Column:
    """Letters and digits, upper-case."""
    return alphanumeric_expr(without_float_tail_expr(text))


def national_id_issue_expr(text: Column, national_id: Column) -> Column:
    """Why an id cannot be used, or null: placeholder, too_short.

    Args:
        text: as given.
        national_id: as `national_id_expr` gives it.
    """
    is_placeholder = is_text_placeholder_expr(text) | is_number_placeholder_expr(national_id)
    length = F.coalesce(F.length(national_id), F.lit(0))
    return F.when(is_placeholder, PLACEHOLDER).when(text.isNotNull() & (length < _SHORTEST_ID), "too_short")
