"""People's names: titles off, suffixes apart, capitals where there are none, full names in their parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.lookup import is_listed_expr, lookup_expr, words
from cdp_spark.standardise.placeholders import PLACEHOLDER, is_name_placeholder_expr
from cdp_spark.standardise.text import capitalised_expr, first_word_expr, is_caseless_expr, last_word_expr
from cdp_spark.text import null_if_empty_expr

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pyspark.sql import Column, DataFrame

NAME_PARTS = (c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME, c.FULL_NAME)
_WITH_SUFFIX = (c.NAME_SUFFIX, c.FAMILY_NAME, c.FULL_NAME)
"""Where a suffix may stand, the surest first."""

_TITLES = words(
    "mr mrs ms miss mx dr drs prof professor sir dame rev reverend herr herrn hrn frau fräulein mme mlle madame "
    "mademoiselle monsieur señor señora señorita sra srta signor signora sig.ra dott dott.ssa doktor docteur dhr mevr "
    "mevrouw"
)
_DOTTED_TITLES = words("capt col maj lt sgt hon fr hr sr ing dipl.-ing dipl-ing mag sig")
_TITLE = rf"(?:(?:{'|'.join(map(re.escape, _TITLES))})\.?|(?:{'|'.join(map(re.escape, _DOTTED_TITLES))})\.)"
_LEADING_TITLES = rf"(?iu)^(?:{_TITLE}(?: +|(?<=\.)(?=\p{{L}})))+(?=\S)"
_SUFFIXES = {
    spelling: suffix
    for suffix, spellings in {
        "Jr": "jr jnr junior",
        "Sr": "sr snr senior",
        "II": "ii 2nd",
        "III": "iii 3rd",
        "IV": "iv 4th",
        **{suffix: suffix.lower() for suffix in words("PhD MD DDS Esq MBA CPA OBE MBE CBE KBE MSc BSc")},
    }.items()
    for spelling in words(spellings)
}
_SUFFIX_WORD = r"(?:jr|jnr|junior|sr|snr|senior|i{2,3}|iv|2nd|3rd|4th|ph\.?d|m\.d|md|dds|esq|mba|cpa|[omck]be|msc|bsc)"
_SUFFIX_TAIL = rf"(?i)(?<=\S)(?:[ ,]+{_SUFFIX_WORD}\.?)+$"

_PARTICLES = words(
    "von van der den de del della di da do dos das du la le ten ter zu zum zur vom af av al bin ibn ben y e 't op"
)
_PARTICLE = f"(?:{'|'.join(_PARTICLES)})"
_HAS_PARTICLE = rf"(?i)(?:^| ){_PARTICLE} "
_FULL_NAME = rf"^(\S+)(?: (.+?))??(?: ((?:(?i:{_PARTICLE}) )*\S+))$"
_BREAK = "\u0001"


def with_names(df: DataFrame, given: Collection[str] = (*NAME_PARTS, c.NAME_SUFFIX)) -> DataFrame:
    """Clean the names in place and add `<part>_issue` columns.

    A part that is given stays; the full name fills only the parts that are missing, and is put together from them where
    it is missing itself or begins with the family name.

    Args:
        df: cleaned texts in given_name, middle_name, family_name, name_suffix and full_name.
        given: those that are not null throughout; no other gets an `_issue`.
    """
    parts = [part for part in NAME_PARTS if part in given]
    if not parts and c.NAME_SUFFIX not in given:
        return df
    judged = df.withColumns({f"{part}_issue": name_issue_expr(F.col(part)) for part in parts})
    usable = {part: F.when(F.col(f"{part}_issue").isNull(), F.col(part)) for part in parts}
    untitled = judged.withColumns({part: without_title_expr(name) for part, name in usable.items()})
    bare = _without_suffixes(untitled, [part for part in _WITH_SUFFIX if part in given])
    cased = bare.withColumns({part: name_case_expr(F.col(part)) for part in parts})
    filled = _with_parts_of_full_name(cased) if c.FULL_NAME in given else cased
    return filled.withColumn(c.FULL_NAME, _full_name_expr())


def name_issue_expr(name: Column) -> Column:
    """Why a name cannot be used, or null: placeholder, not_a_name (an address, or no letter at all)."""
    return F.when(is_name_placeholder_expr(name), PLACEHOLDER).when(
        name.contains("@") | ~name.rlike(r"\p{L}"), "not_a_name"
    )


def without_title_expr(name: Column) -> Column:
    """Cut `Mr`, `Prof. Dr.`, `Frau`, `Mme`, … off the front, unless nothing else is there."""
    first = F.substring_index(first_word_expr(name), ".", 1)
    is_title = is_listed_expr({title.split(".")[0] for title in (*_TITLES, *_DOTTED_TITLES)}, first)
    return F.when(is_title, F.regexp_replace(name, _LEADING_TITLES, "")).otherwise(name)


def suffix_expr(name: Column) -> Column:
    """The suffixes at a name's end, in their usual spelling: `Lee JR., Ph.D.` → `Jr PhD`; null without any."""
    tail = F.regexp_extract(F.concat(F.lit("_ "), name), _SUFFIX_TAIL, 0)
    written = F.split(F.trim(F.translate(F.lower(tail), ",.", " ")), " +")
    usual = F.array_join(F.transform(written, lambda word: lookup_expr(_SUFFIXES, word)), " ")
    return F.when(has_suffix_expr(name), null_if_empty_expr(usual))


def without_suffix_expr(name: Column) -> Column:
    """A name without the suffixes at its end."""
    return F.when(has_suffix_expr(name), F.regexp_replace(name, _SUFFIX_TAIL, "")).otherwise(name)


def has_suffix_expr(name: Column) -> Column:
    """True where the last word is a suffix."""
    return is_listed_expr(_SUFFIXES, F.translate(last_word_expr(name), ".", ""))


def name_case_expr(name: Column) -> Column:
    """Capitals for a name that is ALL CAPITALS or all lower, particles inside it small: `Ludwig van Beethoven`."""
    capitalised = capitalised_expr(name)
    with_particles = F.when(name.rlike(_HAS_PARTICLE), _small_particles_expr(capitalised)).otherwise(capitalised)
    return F.when(is_caseless_expr(name), with_particles).otherwise(name)


def _small_particles_expr(name: Column) -> Column:
    """Put particles in lower case; the last word is the name itself, whatever it is."""
    words_of_name = F.split(name, " ")
    last = F.size(words_of_name) - 1

    def small(word: Column, at: Column) -> Column:
        return F.when((at < last) & is_listed_expr(_PARTICLES, F.lower(word)), F.lower(word)).otherwise(word)

    return F.array_join(F.transform(words_of_name, small), " ")


def _without_suffixes(df: DataFrame, parts: Sequence[str]) -> DataFrame:
    """Move the suffixes from the ends of these parts, the surest first, to name_suffix."""
    if not parts:
        return df
    bare = {part: without_suffix_expr(F.col(part)) for part in parts}
    return df.withColumns({**bare, c.NAME_SUFFIX: F.coalesce(*(suffix_expr(F.col(part)) for part in parts))})


def _with_parts_of_full_name(df: DataFrame) -> DataFrame:
    is_partial = F.col(c.GIVEN_NAME).isNull() | F.col(c.FAMILY_NAME).isNull()
    parts = F.when(is_partial, full_name_parts_expr(F.col(c.FULL_NAME)))
    split = df.withColumn("full_name_parts", parts)
    names = (c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME)
    filled = {
        name: F.coalesce(F.col(name), null_if_empty_expr(F.col("full_name_parts")[at])) for at, name in enumerate(names)
    }
    return split.withColumns(filled).drop("full_name_parts")


def _full_name_expr() -> Column:
    in_order = F.when(~F.col(c.FULL_NAME).contains(","), F.col(c.FULL_NAME))
    return F.coalesce(in_order, null_if_empty_expr(F.concat_ws(" ", c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME)))


def full_name_parts_expr(name: Column) -> Column:
    """Split a full name: an array of given, middle and family name, '' for what it lacks.

    `Ann Marie Lee` → Ann, Marie, Lee; `LEE, Ann Marie` → Ann, Marie, LEE; `Vincent van Gogh` → Vincent, '', van Gogh. A
    single word is a given name.
    """
    given = F.trim(F.substring_index(name, ",", -1))
    first = F.substring_index(given, " ", 1)
    middle = F.substr(given, F.length(first) + F.lit(2))
    in_order = F.split(F.regexp_replace(name, _FULL_NAME, f"$1{_BREAK}$2{_BREAK}$3"), _BREAK)
    return (
        F.when(name.contains(","), F.array(first, middle, F.trim(F.substring_index(name, ",", 1))))
        .when(~name.contains(" "), F.array(name, F.lit(""), F.lit("")))
        .when(name.isNotNull(), in_order)
    )
