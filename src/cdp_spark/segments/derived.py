"""Columns of a profile that tell of other profiles: its account, the people of it, its household, a segment like it.

1. Flags of segments that others refer to and derived columns are added level by level, each after those that it reads.
2. A condition on an account or on people is asked of their rows; what it comes to goes to the rows of those related.
3. A lookalike compares standardised values: each is divided by its standard deviation over all profiles of the kind.
   The distance is the root of the mean squared difference from the mean of the pattern's members, so 1 is a standard
   deviation in each value. Who lacks a value is not compared. Source: nearest-centroid classification, Manning,
   Raghavan & Schütze 2008, Introduction to Information Retrieval, section 14.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.segment import HouseholdCondition, LikeCondition, MembersCondition
from cdp_spark.segments.compile import member_flag
from cdp_spark.tables.rows import with_columns
from cdp_spark.tables.wide import primary_accounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from cdp_spark.segments.compile import CompiledSegment, Derived

_RELATIONS = "relations"
_DISTANCE_DECIMALS = 6


@dataclass(frozen=True)
class Relations:
    """Who belongs to whom.

    Args:
        account_members: one row per person, account and relation.
        households: one row per person who has one.
    """

    account_members: DataFrame
    households: DataFrame


def with_levels(
    profiles: DataFrame, segments: Sequence[CompiledSegment], relations: Relations | None = None
) -> DataFrame:
    """Add all columns that segments read beside what is known of each profile.

    Args:
        profiles: one row per unified_id.
        segments: with all that they refer to.
        relations: needed where a segment asks of an account, its people or a household.
    """
    names = {name for segment in segments for name in segment.refers_to}
    referred = [segment for segment in segments if segment.name in names]
    derived = {it.name: it for segment in segments for it in segment.derived}.values()
    frame = profiles
    for level in sorted({*(it.depth for it in referred), *(it.depth for it in derived)}):
        flags = {member_flag(it.name): it.condition for it in referred if it.depth == level}
        frame = with_columns(frame, flags)
        frame = _with_derived(frame, [it for it in derived if it.depth == level], relations)
    return frame


def _with_derived(frame: DataFrame, derived: Sequence[Derived], relations: Relations | None) -> DataFrame:
    of_kind = [
        [it for it in derived if isinstance(it.settings, kind)]
        for kind in (MembersCondition, HouseholdCondition, LikeCondition)
    ]
    of_accounts = [it for it in derived if not any(it in kind for kind in of_kind)]
    added = frame
    if relations is not None and of_accounts:
        added = _joined(added, _of_accounts(frame, relations.account_members, of_accounts))
    if relations is not None and of_kind[0]:
        added = _joined(added, _of_members(frame, relations.account_members, of_kind[0]))
    if relations is not None and of_kind[1]:
        added = _joined(added, _of_households(frame, relations.households, of_kind[1]))
    for like in of_kind[2]:
        added = _joined(added, _of_lookalike(frame, like))
    return added


def _joined(frame: DataFrame, columns: DataFrame) -> DataFrame:
    return frame.join(columns, on=c.UNIFIED_ID, how="left")


def _answers(frame: DataFrame, derived: Sequence[Derived]) -> DataFrame:
    """What the rows of the kind that is asked answer."""
    answers = [F.coalesce(it.condition, F.lit(False)).alias(it.name) for it in derived]
    return frame.where(F.col(c.ENTITY_TYPE) == derived[0].entity_type).select(c.UNIFIED_ID, *answers)


def _of_accounts(frame: DataFrame, account_members: DataFrame, derived: Sequence[Derived]) -> DataFrame:
    """One row per person with an account."""
    accounts = _answers(frame, derived).withColumnRenamed(c.UNIFIED_ID, c.ACCOUNT_ID)
    primary = primary_accounts(account_members).drop(c.ROLE)
    return primary.join(accounts, on=c.ACCOUNT_ID, how="inner").drop(c.ACCOUNT_ID)


def _of_members(frame: DataFrame, account_members: DataFrame, derived: Sequence[Derived]) -> DataFrame:
    """One row per account with people; somebody who is related to it in several ways counts once."""
    people = account_members.groupBy(c.UNIFIED_ID, c.ACCOUNT_ID).agg(
        F.collect_set(c.RELATION).alias(_RELATIONS), F.max(c.ROLE).alias(c.ROLE)
    )
    counted = people.join(_answers(frame, derived), on=c.UNIFIED_ID, how="inner").groupBy(c.ACCOUNT_ID)
    return counted.agg(*map(_count, derived)).withColumnRenamed(c.ACCOUNT_ID, c.UNIFIED_ID)


def _of_households(frame: DataFrame, households: DataFrame, derived: Sequence[Derived]) -> DataFrame:
    """One row per person with a household."""
    homes = households.select(c.UNIFIED_ID, c.HOUSEHOLD_ID)
    counted = homes.join(_answers(frame, derived), on=c.UNIFIED_ID, how="inner").groupBy(c.HOUSEHOLD_ID)
    return homes.join(counted.agg(*map(_count, derived)), on=c.HOUSEHOLD_ID, how="inner").drop(c.HOUSEHOLD_ID)


def _count(derived: Derived) -> Column:
    """How many of the people fulfil the condition, and how many there are."""
    settings = derived.settings
    counts = F.lit(True)
    if isinstance(settings, MembersCondition) and settings.relation:
        counts &= F.arrays_overlap(_RELATIONS, F.array(*map(F.lit, settings.relation)))
    if isinstance(settings, MembersCondition) and settings.role:
        counts &= F.coalesce(F.col(c.ROLE).isin(*settings.role), F.lit(False))
    held, people = (F.count_if(it) for it in (counts & F.col(f"`{derived.name}`"), counts))
    return F.struct(held.alias("held"), people.alias("people")).alias(derived.name)


def _of_lookalike(frame: DataFrame, derived: Derived) -> DataFrame:
    """One row per profile that resembles the pattern, with its distance."""
    like = derived.settings
    if not isinstance(like, LikeCondition):
        raise TypeError(type(like).__name__)
    values = [F.col(f"`{name}`").cast("double").alias(f"value_{place}") for place, name in enumerate(like.traits)]
    of_kind = frame.where(F.col(c.ENTITY_TYPE) == derived.entity_type)
    compared = of_kind.select(c.UNIFIED_ID, derived.condition.alias("is_pattern"), *values).dropna()
    pattern = F.col("is_pattern")
    figures = [
        it
        for place in range(len(values))
        for it in (
            F.stddev_pop(f"value_{place}").alias(f"spread_{place}"),
            F.avg(F.when(pattern, F.col(f"value_{place}"))).alias(f"middle_{place}"),
        )
    ]
    beside = compared.crossJoin(F.broadcast(compared.agg(*figures))).where(~pattern)
    mean_square = reduce(add, map(_square, range(len(values)))) / len(values)
    distance = F.round(F.sqrt(mean_square), _DISTANCE_DECIMALS).alias(derived.name)
    found, far = beside.select(c.UNIFIED_ID, distance), F.col(f"`{derived.name}`")
    if like.nearest is not None:
        return found.where(far.isNotNull()).orderBy(far, c.UNIFIED_ID).limit(like.nearest)
    return found.where(far <= F.lit(like.within))


def _square(place: int) -> Column:
    """A squared difference in standard deviations; 0 of a value that is the same for all."""
    difference = F.col(f"value_{place}") - F.col(f"middle_{place}")
    standardised = difference / F.col(f"spread_{place}")
    return F.when(F.col(f"spread_{place}") == 0, difference * 0).otherwise(standardised * standardised)
