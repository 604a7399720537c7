"""How consents are read: the latest word of each source, then the most restrictive of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.hashing import contact_point_hash_expr

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.project import ConsentPolicy

UNKNOWN = "unknown"
"""The status of a purpose that nobody was asked about; the project's policy says what it allows."""

_LEAST_RESTRICTIVE_FIRST = (UNKNOWN, "granted", "denied", "withdrawn")


def build_contact_points(profiles: DataFrame) -> DataFrame:
    """List every contact point of every profile.

    Args:
        profiles: one row per unified_id with `emails` and `phones`.

    Returns:
        one row per (unified_id, contact_point_hash).
    """
    both = F.explode(F.array_distinct(F.concat(c.EMAILS, c.PHONES))).alias(c.VALUE)
    points = profiles.select(c.UNIFIED_ID, both)
    return points.select(c.UNIFIED_ID, contact_point_hash_expr(F.col(c.VALUE)).alias(c.CONTACT_POINT_HASH))


def build_contact_point_consents(consents: DataFrame, *, until: datetime | None = None) -> DataFrame:
    """Say what holds for each contact point and purpose.

    Of each source the latest word counts (of two given at the same time the more restrictive), and of all sources the
    most restrictive.

    Args:
        consents: as given, any number per contact point.
        until: grants given after it are not read, refusals are; None reads all.

    Returns:
        one row per (contact_point_hash, purpose) with status.
    """
    is_granted = F.col(c.STATUS) == "granted"
    known = consents if until is None else consents.where((F.col(c.GIVEN_AT) <= F.lit(until)) | ~is_granted)
    ranked = known.withColumn("rank", _rank_expr(F.col(c.STATUS)))
    latest = ranked.groupBy(c.CONTACT_POINT_HASH, c.PURPOSE, c.SOURCE).agg(
        F.max(F.struct(c.GIVEN_AT, "rank"))["rank"].alias("rank")
    )
    return latest.groupBy(c.CONTACT_POINT_HASH, c.PURPOSE).agg(_status_expr(F.max("rank")).alias(c.STATUS))


def build_profile_consents(contact_point_consents: DataFrame, contact_points: DataFrame) -> DataFrame:
    """Say what holds for each profile: the most restrictive over its contact points.

    Consents stay with their contact points, so a merge never upgrades one and a split gives each side its own back.

    Args:
        contact_point_consents: one row per (contact_point_hash, purpose).
        contact_points: one row per (unified_id, contact_point_hash).

    Returns:
        one row per (unified_id, purpose) with status; none where nobody was asked.
    """
    return (
        contact_points.join(contact_point_consents, on=c.CONTACT_POINT_HASH, how="inner")
        .groupBy(c.UNIFIED_ID, c.PURPOSE)
        .agg(_status_expr(F.max(_rank_expr(F.col(c.STATUS)))).alias(c.STATUS))
    )


def allowed_expr(status: Column, *, policy: ConsentPolicy) -> Column:
    """True where a status lets a purpose go ahead; null counts as unknown."""
    known = F.coalesce(status, F.lit(UNKNOWN))
    return (known == "granted") | ((known == UNKNOWN) & F.lit(policy.default == "granted"))


def _rank_expr(status: Column) -> Column:
    return F.array_position(F.lit(list(_LEAST_RESTRICTIVE_FIRST)), status)


def _status_expr(rank: Column) -> Column:
    return F.element_at(F.lit(list(_LEAST_RESTRICTIVE_FIRST)), rank.cast("int"))
