"""Where people live, in a form that is equal for the same door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.places.streets import street_match_expr
from cdp_spark.text import compact_form_expr, match_form_expr

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

BUILDING = "building"
DOOR = "door"
FAMILY = "family"
IS_WORKPLACE = "is_workplace"
_SITE, _STREET, _FLAT = "site", "home_street", "flat"

_NOT_A_HOME = (
    r"^(?:p ?o ?box|pob|gpo box|postfach|pf|bp|b p|boite postale|apartado|casella postale|postbus|pmb|private bag|"
    r"locked bag|general delivery|poste restante|postlagernd|packstation|parcel locker)(?: |\d|$)|"
    r"(?:^| )(?:c o|care of|in care)(?: |$)"
)
_KIND_OF_ROAD = "(?<=...)(?:str|strase|allee|al|weg|wg|platz|pl|gasse|ave|rd|st|ln|dr|ct|laan|plein)$"
_MISSPELT_LETTERS = 2
_UNIT_NUMBER = r"(\S*\d\S*)"
_PARTICLES = "van von der den de del della di da do dos das la le les du el al bin ben ibn zu zum ter ten y e"
_FEMALE_ENDINGS = (("(?:ov|ev)a?$", ""), ("(?<=[sc])ka$", "ki"))


def site_expr() -> Column:
    """A house in match form but for its street: postcode (or town) and number; null for half of them."""
    place = F.coalesce(compact_form_expr(F.col(c.POSTCODE)), match_form_expr(F.col(c.CITY)))
    number = compact_form_expr(F.col(c.HOUSE_NUMBER))
    complete = place.isNotNull() & number.isNotNull()
    return F.when(complete, F.to_json(F.struct(place.alias("place"), number.alias("number"))))


def street_expr() -> Column:
    """A street in match form without what kind of road it is; null for a post box or a c/o.

    `Hauptstraße`, `Haupt-Str.` and `Hauptal.` → `haupt`: one house number and one name live in one of them only.
    """
    written = F.coalesce(match_form_expr(F.concat_ws(" ", c.STREET, c.UNIT)), F.lit(""))
    street = F.replace(street_match_expr(F.col(c.STREET)), F.lit(" "), F.lit(""))
    return F.when(~written.rlike(_NOT_A_HOME), F.regexp_replace(street, _KIND_OF_ROAD, ""))


def unit_expr() -> Column:
    """A flat in match form: `Apt. 4B`, `#4b` → `4b`; null where none is said."""
    unit = match_form_expr(F.col(c.UNIT))
    number = F.regexp_extract(unit, _UNIT_NUMBER, 1)
    return F.when(number != "", number).otherwise(unit)


def family_expr() -> Column:
    """A family name in match form, the same for all genders: `Nováková` and `Novák`, `Kowalska` and `Kowalski`."""
    return _without_gender(match_form_expr(F.col(c.FAMILY_NAME)))


def family_parts_expr(family: Column) -> Column:
    """The names in a family name: `muller schmidt` → both; particles do not count. Empty for null."""
    words = F.filter(
        F.split(F.coalesce(family, F.lit("")), " "),
        lambda word: (F.char_length(word) > 1) & ~word.isin(*_PARTICLES.split()),
    )
    return F.array_distinct(F.transform(words, _without_gender))


def _without_gender(name: Column) -> Column:
    for ending, replacement in _FEMALE_ENDINGS:
        shorter = F.regexp_replace(name, ending, replacement)
        name = F.when(F.char_length(shorter) > 1, shorter).otherwise(name)
    return name


def with_doors(people: DataFrame, accounts: DataFrame) -> DataFrame:
    """Add the building, the door in it, the family name, and whether the building is an account's.

    Of people of one name, house number and postcode, whose streets are up to two letters apart, the most usual spelling
    counts. Who leaves the flat out lives behind the one door at which the building has people of the name, if it is
    one only.

    Args:
        people: profiles of persons.
        accounts: profiles of accounts.

    Returns:
        the people with a home address: `building`, `door`, `family` (null where there is no family name),
        `is_workplace`.
    """
    located = people.withColumns({_SITE: site_expr(), _STREET: street_expr(), FAMILY: family_expr()})
    at_home = located.where(F.col(_SITE).isNotNull() & F.col(_STREET).isNotNull())
    spelt = at_home.withColumn(_STREET, _usual_spelling_expr()).withColumns(
        {BUILDING: _building_expr(), _FLAT: unit_expr()}
    )
    of_family = Window.partitionBy(BUILDING, FAMILY)
    is_only_flat = F.min(_FLAT).over(of_family) == F.max(_FLAT).over(of_family)
    only_flat = F.when(is_only_flat & F.col(FAMILY).isNotNull(), F.min(_FLAT).over(of_family))
    door = F.to_json(F.struct(BUILDING, F.coalesce(_FLAT, only_flat).alias(_FLAT)))
    workplaces = accounts.select(site_expr().alias(_SITE), street_expr().alias(_STREET)).dropna()
    addresses = workplaces.select(_building_expr().alias(BUILDING), F.lit(True).alias(IS_WORKPLACE)).distinct()
    placed = spelt.withColumn(DOOR, door).join(addresses, on=BUILDING, how="left")
    return placed.fillna(False, subset=[IS_WORKPLACE]).drop(_SITE, _STREET, _FLAT)


def _building_expr() -> Column:
    return F.to_json(F.struct(_SITE, _STREET))


def _usual_spelling_expr() -> Column:
    street = F.col(_STREET)
    usual = F.mode(street, True).over(Window.partitionBy(_SITE, FAMILY))
    near = F.levenshtein(street, usual, _MISSPELT_LETTERS) >= 0
    long = F.char_length(street) > 2 * _MISSPELT_LETTERS
    return F.when(F.col(FAMILY).isNotNull() & near & long, usual).otherwise(street)
