"""The doors that people live behind: `homes.py` carried to profiles, and what only all of them together tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.normalise.batches import map_distinct, map_row_fields
from cdp_spark.relations.homes import family, family_parts, read_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark.sql import Column, DataFrame

BUILDING = "building"
DOOR = "door"
FAMILY = "family"
FAMILY_PARTS = "family_parts"
IS_WORKPLACE = "is_workplace"
_SITE, _STREET, _FLAT = "site", "home_street", "flat"
_ADDRESS = (c.STREET, c.HOUSE_NUMBER, c.UNIT, c.CITY, c.POSTCODE)
_CARRIED = (c.UNIFIED_ID, c.EMAILS, c.PHONES)
HOME_COLUMNS = (c.ENTITY_TYPE, *_CARRIED, *_ADDRESS, c.FAMILY_NAME)
"""What a profile's household depends on."""
_HOMES = (
    f"{c.UNIFIED_ID} string, {c.EMAILS} array<string>, {c.PHONES} array<string>, {_SITE} string, {_STREET} string, "
    f"{_FLAT} string, {FAMILY} string, {FAMILY_PARTS} array<string>"
)
_MISSPELT_LETTERS = 2


def with_doors(people: DataFrame, accounts: DataFrame) -> DataFrame:
    """Find the building, the door in it, the family name, and whether the building is an account's.

    Of people of one name, house number and postcode, whose streets are up to two letters apart, the most usual spelling
    counts. Who leaves the flat out lives behind the one door at which the building has people of the name, if it is
    one only.

    Args:
        people: profiles of persons.
        accounts: profiles of accounts.

    Returns:
        one row per person with a home address: unified_id, emails, phones, `building`, `door`, `family` (null where
        there is no family name), `family_parts`, `is_workplace`.
    """
    at_home = build_homes(people).where(F.col(_SITE).isNotNull() & F.col(_STREET).isNotNull())
    spelt = at_home.withColumn(_STREET, _usual_spelling_expr()).withColumn(BUILDING, _building_expr())
    of_family = Window.partitionBy(BUILDING, FAMILY)
    is_only_flat = F.min(_FLAT).over(of_family) == F.max(_FLAT).over(of_family)
    only_flat = F.when(is_only_flat & F.col(FAMILY).isNotNull(), F.min(_FLAT).over(of_family))
    door = F.to_json(F.struct(BUILDING, F.coalesce(_FLAT, only_flat).alias(_FLAT)))
    workplaces = build_homes(accounts).select(_SITE, _STREET).dropna()
    addresses = workplaces.select(_building_expr().alias(BUILDING), F.lit(True).alias(IS_WORKPLACE)).distinct()
    placed = spelt.withColumn(DOOR, door).join(addresses, on=BUILDING, how="left")
    return placed.fillna(False, subset=[IS_WORKPLACE]).drop(_SITE, _STREET, _FLAT)


def build_homes(profiles: DataFrame) -> DataFrame:
    """Read the home and the family name of each profile.

    Returns: one row per profile: unified_id, emails, phones, site, home_street, flat, family, family_parts.
    """
    return profiles.select(*_CARRIED, *_ADDRESS, c.FAMILY_NAME).mapInArrow(_read_homes, _HOMES)


def _read_homes(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    text, texts = pa.string(), pa.list_(pa.string())
    for batch in batches:
        homes = map_row_fields([batch.column(name) for name in _ADDRESS], read_home, (text,) * 3)
        families = map_distinct(batch.column(c.FAMILY_NAME), family)
        parts = map_distinct(families, family_parts, texts)
        carried = [batch.column(name) for name in _CARRIED]
        names = [*_CARRIED, _SITE, _STREET, _FLAT, FAMILY, FAMILY_PARTS]
        yield pa.RecordBatch.from_arrays([*carried, *homes, families, parts], names=names)


def _building_expr() -> Column:
    return F.to_json(F.struct(_SITE, _STREET))


def _usual_spelling_expr() -> Column:
    street = F.col(_STREET)
    usual = F.mode(street, True).over(Window.partitionBy(_SITE, FAMILY))
    near = F.levenshtein(street, usual, _MISSPELT_LETTERS) >= 0
    long = F.char_length(street) > 2 * _MISSPELT_LETTERS
    return F.when(F.col(FAMILY).isNotNull() & near & long, usual).otherwise(street)
