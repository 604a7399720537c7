"""The account and household of a person, the people of an account, as a release shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import ACCOUNT_MEMBERS, HOUSEHOLDS, PROFILES

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.cli.lookup import ReleasedWarehouse

_EXAMPLES = 5


def describe_relations(warehouse: ReleasedWarehouse, unified_id: str, *, entity_type: str) -> dict[str, Any]:
    """Who belongs to a profile.

    Args:
        warehouse: where to look.
        unified_id: of the profile.
        entity_type: of the profile.

    Returns:
        of a person `accounts`, one row a relation, and `household`, the others in it; of an account `people`, the
        first five, and `people_count`; of a visitor nothing.
    """
    if entity_type == "account":
        return _people(warehouse, unified_id)
    if entity_type == "person":
        return {"accounts": _accounts(warehouse, unified_id), "household": _household(warehouse, unified_id)}
    return {}


def _accounts(warehouse: ReleasedWarehouse, unified_id: str) -> list[dict[str, Any]]:
    own = warehouse.read(ACCOUNT_MEMBERS).where(F.col(c.UNIFIED_ID) == unified_id)
    names = _profiles(warehouse, F.col(c.COMPANY_NAME)).withColumnRenamed(c.UNIFIED_ID, c.ACCOUNT_ID)
    shown = (c.ACCOUNT_ID, c.COMPANY_NAME, c.RELATION, c.IS_PRIMARY, c.JOB_TITLE, c.RECORD_KEY, c.ACCOUNT_RECORD_KEY)
    rows = own.join(names, on=c.ACCOUNT_ID, how="left").select(*shown)
    return _dicts(rows.orderBy(F.desc(c.IS_PRIMARY), c.ACCOUNT_ID, c.RELATION))


def _household(warehouse: ReleasedWarehouse, unified_id: str) -> list[dict[str, Any]]:
    households = warehouse.read(HOUSEHOLDS)
    own = households.where(F.col(c.UNIFIED_ID) == unified_id).select(c.HOUSEHOLD_ID)
    shared = households.join(own, on=c.HOUSEHOLD_ID, how="left_semi")
    named = shared.join(_profiles(warehouse, _full_name()), on=c.UNIFIED_ID, how="left")
    return _dicts(named.select(c.HOUSEHOLD_ID, c.UNIFIED_ID, c.FULL_NAME, c.SINCE_RELEASE).orderBy(c.UNIFIED_ID))


def _people(warehouse: ReleasedWarehouse, account_id: str) -> dict[str, Any]:
    own = warehouse.read(ACCOUNT_MEMBERS).where(F.col(c.ACCOUNT_ID) == account_id)
    relations = F.array_sort(F.collect_list(c.RELATION)).alias("relations")
    people = own.groupBy(c.UNIFIED_ID).agg(
        relations, F.max(c.JOB_TITLE).alias(c.JOB_TITLE), F.max(c.IS_PRIMARY).alias(c.IS_PRIMARY)
    )
    named = people.join(_profiles(warehouse, _full_name()), on=c.UNIFIED_ID, how="left")
    shown = named.select(c.UNIFIED_ID, c.FULL_NAME, c.JOB_TITLE, "relations", c.IS_PRIMARY).orderBy(c.UNIFIED_ID)
    return {c.PEOPLE_COUNT: people.count(), "people": _dicts(shown.limit(_EXAMPLES))}


def _profiles(warehouse: ReleasedWarehouse, name: Column) -> DataFrame:
    return warehouse.read(PROFILES).select(c.UNIFIED_ID, name)


def _full_name() -> Column:
    return F.concat_ws(" ", c.GIVEN_NAME, c.FAMILY_NAME).alias(c.FULL_NAME)


def _dicts(rows: DataFrame) -> list[dict[str, Any]]:
    return [row.asDict() for row in rows.collect()]
