"""Profiles with what segments may ask of their relations: a person's household, an account's people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.checks.vocabulary import RELATION_COLUMNS
from cdp_spark.config.expressions.references import referenced_columns
from cdp_spark.config.segment import conditions_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame

    from cdp_spark.config.segment import SegmentConfig


def asked_relations(segments: Iterable[SegmentConfig]) -> frozenset[str]:
    """The columns of relations that some segment reads."""
    return asked_columns(segments) & RELATION_COLUMNS.keys()


def asked_columns(segments: Iterable[SegmentConfig]) -> frozenset[str]:
    """All columns that some segment reads, those of the unnamed traits of its conditions on events apart."""
    conditions = [part for segment in segments for _, part in conditions_of(segment.members)]
    compared = [name for part in conditions if part.like for name in part.like.traits]
    return frozenset(compared).union(*(referenced_columns(part.where) for part in conditions if part.where))


def with_relations(
    profiles: DataFrame, account_members: DataFrame, households: DataFrame, *, asked: frozenset[str]
) -> DataFrame:
    """Add the columns of relations that segments read, and no join for those that none reads.

    Args:
        profiles: one row per unified_id.
        account_members: one row per person, account and relation.
        households: one row per person who has one.
        asked: from `asked_relations`.

    Returns:
        the profiles with these columns: a household's of persons; `people_count` of accounts, 0 for one without people;
        null for all others.
    """
    related = profiles
    if asked & {c.HOUSEHOLD_ID, c.HOUSEHOLD_SIZE}:
        named = households.select(c.UNIFIED_ID, c.HOUSEHOLD_ID, F.col(c.MEMBER_COUNT).alias(c.HOUSEHOLD_SIZE))
        related = related.join(named, on=c.UNIFIED_ID, how="left")
    if c.PEOPLE_COUNT in asked:
        people = account_members.groupBy(F.col(c.ACCOUNT_ID).alias(c.UNIFIED_ID))
        counted = people.agg(F.count_distinct(c.UNIFIED_ID).alias("people"))
        of_account = F.when(F.col(c.ENTITY_TYPE) == "account", F.coalesce("people", F.lit(0)))
        related = related.join(counted, on=c.UNIFIED_ID, how="left").withColumn(c.PEOPLE_COUNT, of_account)
    return related.select(*profiles.columns, *sorted(asked))
