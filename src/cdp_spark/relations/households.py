"""Who lives together: one door, and one name or a phone or mailbox in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.relations.addresses import DOOR, FAMILY, FAMILY_PARTS, IS_WORKPLACE, with_doors

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.match import HouseholdsConfig

_PLACE, _SIZE, _TIES, _PEOPLE = "place", "size", "ties", "people"
_GROUPS = f"array<struct<{_PEOPLE}:array<string>,{_TIES}:array<string>>>"


def build_household_groups(people: DataFrame, accounts: DataFrame, *, config: HouseholdsConfig) -> DataFrame:
    """Put people of one address together; who has no usable address is in no group.

    Behind one door, a common part of the family name joins, and so does a phone or mailbox in common. Where more
    people than `max_people_per_address` live behind it, or where it is a company's, the whole family name alone does,
    and of more than `max_people` that it joins, nobody has a household.

    Args:
        people: profiles of persons; their surviving address counts.
        accounts: profiles of accounts.
        config: the limits.

    Returns:
        one row per person: unified_id, first_key (the smallest unified_id of the group).
    """
    behind_doors = with_doors(people, accounts)
    crowd = F.count(F.lit(1)).over(Window.partitionBy(DOOR)) > config.max_people_per_address
    by_name_only = crowd | F.col(IS_WORKPLACE)
    alone = F.when(F.col(FAMILY).isNull(), F.col(c.UNIFIED_ID))
    named_place = F.struct(DOOR, F.when(by_name_only, F.coalesce(FAMILY, alone)).alias(FAMILY))
    placed = behind_doors.select(
        c.UNIFIED_ID,
        F.to_json(named_place).alias(_PLACE),
        F.when(by_name_only, F.array(F.lit("name"))).otherwise(_ties_expr(config)).alias(_TIES),
    )
    bounded = placed.withColumn(_SIZE, F.count(F.lit(1)).over(Window.partitionBy(_PLACE))).where(
        F.col(_SIZE) <= config.max_people_per_address
    )
    people_of_place = F.array_sort(F.collect_list(F.struct(c.UNIFIED_ID, _TIES)))
    groups = bounded.groupBy(_PLACE).agg(_joined_expr(people_of_place).alias("groups"))
    members = groups.select(F.explode(F.transform("groups", lambda group: group[_PEOPLE])).alias(_PEOPLE))
    small = members.where(F.size(_PEOPLE) <= config.max_people)
    return small.select(F.explode(_PEOPLE).alias(c.UNIFIED_ID), F.array_min(_PEOPLE).alias(c.FIRST_KEY))


def _ties_expr(config: HouseholdsConfig) -> Column:
    """What a person may have in common with others behind the door, as texts of a kind and a value."""
    lists = {"phone": c.PHONES, "email": c.EMAILS}
    names = _kind("name", F.coalesce(F.col(FAMILY_PARTS), F.array().cast("array<string>")))
    return F.concat(names, *(_kind(contact, F.col(lists[contact])) for contact in config.shared_contacts))


def _kind(kind: str, values: Column) -> Column:
    return F.transform(values, lambda value: F.concat(F.lit(f"{kind}:"), F.lower(value)))


def _joined_expr(people: Column) -> Column:
    """Fold people with ties to groups: who meets several groups joins them."""
    return F.reduce(people, F.array().cast(_GROUPS), _with_person)


def _with_person(groups: Column, person: Column) -> Column:
    def meets(group: Column) -> Column:
        return F.arrays_overlap(group[_TIES], person[_TIES])

    met = F.filter(groups, meets)
    people = F.concat(F.flatten(F.transform(met, lambda group: group[_PEOPLE])), F.array(person[c.UNIFIED_ID]))
    ties = F.array_union(F.flatten(F.transform(met, lambda group: group[_TIES])), person[_TIES])
    joined = F.struct(people.alias(_PEOPLE), ties.alias(_TIES))
    return F.concat(F.filter(groups, lambda group: ~meets(group)), F.array(joined)).cast(_GROUPS)
