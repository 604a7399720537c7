"""Every id ever issued: live, merged into another, or closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.terms import CLOSED_STATUS, CREATED, LIVE, MERGED_STATUS, REMOVED, RESURRECTED, SPLIT

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_BORN, _DIED = "born", "died"


def build_registry(
    id_registry: DataFrame, unified_ids: DataFrame, changes: DataFrame, lineage: DataFrame, *, release: int
) -> DataFrame:
    """Bring the registry of the last release up to tonight.

    Args:
        id_registry: of the last release.
        unified_ids: of tonight.
        changes: of tonight only.
        lineage: `merged_into` of merged and `split_from` of new ids.
        release: that this run publishes.

    Returns:
        one row per id ever issued. An id's cause is that of its last birth or end; its entity type is that of its
        records, or of its last ones: a visitor's id becomes a person's with the first record of a person.
    """
    births, deaths = _births(changes), _deaths(changes, unified_ids)
    events = births.join(deaths, on=c.UNIFIED_ID, how="full_outer").join(lineage, on=c.UNIFIED_ID, how="left")
    before = id_registry.select(
        c.UNIFIED_ID,
        *[F.col(name).alias(f"old_{name}") for name in id_registry.columns if name != c.UNIFIED_ID],
    )
    now = unified_ids.groupBy(c.UNIFIED_ID).agg(F.min(c.ENTITY_TYPE).alias(c.ENTITY_TYPE))
    joined = before.join(events, on=c.UNIFIED_ID, how="full_outer").join(now, on=c.UNIFIED_ID, how="left")
    return joined.select(
        c.UNIFIED_ID,
        F.coalesce(c.ENTITY_TYPE, f"old_{c.ENTITY_TYPE}").alias(c.ENTITY_TYPE),
        _status_expr().alias(c.STATUS),
        _unless_born(F.when(F.col(_DIED).isNotNull(), F.col(c.MERGED_INTO)), c.MERGED_INTO),
        F.coalesce(f"old_{c.SPLIT_FROM}", c.SPLIT_FROM).alias(c.SPLIT_FROM),
        F.coalesce(F.col(f"old_{c.CREATED_RELEASE}"), F.lit(release).cast("long")).alias(c.CREATED_RELEASE),
        _unless_born(F.when(F.col(_DIED).isNotNull(), F.lit(release).cast("long")), c.CLOSED_RELEASE),
        F.coalesce(_BORN, _DIED, f"old_{c.CAUSE}").alias(c.CAUSE),
    )


def _unless_born(tonight: Column, name: str) -> Column:
    kept = F.coalesce(tonight, F.col(f"old_{name}"))
    return F.when(F.col(_BORN).isNull(), kept).alias(name)


def _status_expr() -> Column:
    ended = F.when(F.col(c.MERGED_INTO).isNotNull(), MERGED_STATUS).otherwise(CLOSED_STATUS)
    return (
        F.when(F.col(_BORN).isNotNull(), LIVE).when(F.col(_DIED).isNotNull(), ended).otherwise(F.col(f"old_{c.STATUS}"))
    )


def _births(changes: DataFrame) -> DataFrame:
    by_key = F.struct(F.col(c.PREVIOUS_ID).isNull(), c.RECORD_KEY)
    return (
        changes.where(F.col(c.CHANGE).isin(CREATED, SPLIT, RESURRECTED))
        .groupBy(c.UNIFIED_ID)
        .agg(F.min_by(c.CAUSE, by_key).alias(_BORN))
    )


def _deaths(changes: DataFrame, unified_ids: DataFrame) -> DataFrame:
    by_key = F.struct(F.col(c.CHANGE) == REMOVED, c.RECORD_KEY)
    left = (
        changes.where(F.col(c.PREVIOUS_ID).isNotNull())
        .groupBy(F.col(c.PREVIOUS_ID).alias(c.UNIFIED_ID))
        .agg(F.min_by(c.CAUSE, by_key).alias(_DIED))
    )
    still_held = unified_ids.select(c.UNIFIED_ID).join(left, on=c.UNIFIED_ID, how="left_semi").distinct()
    return left.join(still_held, on=c.UNIFIED_ID, how="left_anti")
