"""Ids of households that stay while members come and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.frames import match_one_to_one, uuid5_expr
from cdp_spark.relations.evidence import PERSON
from cdp_spark.tables.catalog import HOUSEHOLDS

if TYPE_CHECKING:
    from uuid import UUID

    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True)
class ReleasedHouseholds:
    """What the last release says; no rows before the first.

    Args:
        households: of people.
        unified_ids: of records.
    """

    households: DataFrame
    unified_ids: DataFrame


def build_previous_households(unified_ids: DataFrame, released: ReleasedHouseholds) -> DataFrame:
    """Find the households in which a person's records were yesterday, whatever the person's id was then.

    Returns:
        one row per (unified_id, previous_id): with since_release, the earliest of the records'.
    """
    person = F.col(c.ENTITY_TYPE) == PERSON
    before = released.unified_ids.where(person).join(released.households, on=c.UNIFIED_ID, how="inner")
    of_records = before.select(c.RECORD_KEY, F.col(c.HOUSEHOLD_ID).alias(c.PREVIOUS_ID), c.SINCE_RELEASE)
    now = unified_ids.where(person).select(c.RECORD_KEY, c.UNIFIED_ID)
    return (
        now.join(of_records, on=c.RECORD_KEY, how="inner")
        .groupBy(c.UNIFIED_ID, c.PREVIOUS_ID)
        .agg(F.min(c.SINCE_RELEASE).alias(c.SINCE_RELEASE))
    )


def build_households(groups: DataFrame, previous: DataFrame, *, namespace: UUID, ordinal: int) -> DataFrame:
    """Give each group the id of the household of yesterday with which it shares most people, one to one.

    Of equals the older household, then the lowest id. The others get new ids: UUIDv5 of the namespace and
    `household:<ordinal>:<smallest unified id>`.

    Args:
        groups: from `build_household_groups`.
        previous: from `build_previous_households`.
        namespace: of the project.
        ordinal: of this run; the release that it publishes.

    Returns:
        the table `households`; `since_release` is the first release that has the person in the household.
    """
    stayed = previous.select(c.UNIFIED_ID, F.col(c.PREVIOUS_ID).alias(c.HOUSEHOLD_ID), c.SINCE_RELEASE)
    named = groups.join(_matches(groups, previous), on=c.FIRST_KEY, how="left").withColumn(
        c.HOUSEHOLD_ID, F.coalesce(c.HOUSEHOLD_ID, _new_id_expr(namespace, ordinal))
    )
    size = F.count(F.lit(1)).over(Window.partitionBy(c.HOUSEHOLD_ID))
    with_time = named.join(stayed, on=[c.UNIFIED_ID, c.HOUSEHOLD_ID], how="left")
    since = F.coalesce(c.SINCE_RELEASE, F.lit(ordinal))
    return HOUSEHOLDS.conform(with_time.withColumns({c.MEMBER_COUNT: size, c.SINCE_RELEASE: since}))


def _new_id_expr(namespace: UUID, ordinal: int) -> Column:
    return uuid5_expr(namespace, F.concat(F.lit(f"household:{ordinal}:"), c.FIRST_KEY))


def _matches(groups: DataFrame, previous: DataFrame) -> DataFrame:
    """Match groups and households as identity matches clusters and ids, people taking the place of records.

    Returns:
        (first_key, household_id), each at most once.
    """
    shared = groups.join(previous, on=c.UNIFIED_ID, how="inner").groupBy(c.FIRST_KEY, c.PREVIOUS_ID)
    claims = shared.agg(F.count(F.lit(1)).alias(c.RECORD_OVERLAP)).withColumnRenamed(c.PREVIOUS_ID, c.UNIFIED_ID)
    founded = previous.groupBy(F.col(c.PREVIOUS_ID).alias(c.UNIFIED_ID)).agg(
        F.min(c.SINCE_RELEASE).alias(c.CREATED_RELEASE)
    )
    pairs = match_one_to_one(claims.join(founded, on=c.UNIFIED_ID, how="inner"))
    return pairs.withColumnRenamed(c.UNIFIED_ID, c.HOUSEHOLD_ID)
