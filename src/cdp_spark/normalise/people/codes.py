"""Gender and national ids."""

from __future__ import annotations

import re

from cdp_spark.normalise.outcome import NOTHING, Normal
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_id_placeholder, is_number_placeholder, is_text_placeholder
from cdp_spark.normalise.text import alphanumeric, clean_text, composed, without_float_tail, words

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
_UNTOLD = frozenset(
    {*words("u 0 9 unknown unspecified undisclosed"), "prefer not to say", "not specified", "not known"}
)
_RANKS = re.compile(
    r"(?:[ .-]+(?:dr|prof|dipl|ing|mag|med|phil|jur|rer|nat|professor|doktor)(?=[ .-]|\Z))+[ .]*\Z", re.ASCII
)
"""What follows a title without telling the gender: `Frau Prof. Dr.`."""
_SHORTEST_ID = 4


def read_gender(text: str) -> Normal:
    """Read `m`, `f` or `x` from words, codes (ISO 5218, too) and titles that tell it.

    Args:
        text: as received.
    Returns: the gender; or `placeholder`, or `unknown` for any other text, such as `Dr.`.
    """
    lower = text.lower()
    if lower in _GENDERS:
        return Normal(_GENDERS[lower])
    lower = clean_text(text).lower()
    if not lower:
        return NOTHING
    if lower in _UNTOLD or is_text_placeholder(lower):
        return Normal(None, PLACEHOLDER)
    gender = _GENDERS.get(_RANKS.sub("", lower).strip(" ."))
    return Normal(gender, None if gender else "unknown")


def read_national_id(text: str) -> Normal:
    """Read a national id: letters and digits, upper-case.

    Args:
        text: as received.
    Returns: the id, also beside a reason: `placeholder`, `too_short`.
    """
    cleaned = clean_text(text)
    if not cleaned:
        return NOTHING
    value = alphanumeric(without_float_tail(cleaned))
    value = value and composed(value)
    means_nobody = value is not None and (is_number_placeholder(value) or is_id_placeholder(cleaned))
    if means_nobody or is_text_placeholder(cleaned):
        return Normal(value, PLACEHOLDER)
    return Normal(value, "too_short" if len(value or "") < _SHORTEST_ID else None)
