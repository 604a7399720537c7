"""Every id ever issued: live, merged into another, or closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.identity.changes import CREATED, LIVE, REMOVED, RESURRECTED, SPLIT

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row

MERGED_STATUS, CLOSED_STATUS = "merged", "closed"
_BORN, _DIED, _FURTHER = "born", "died", "further"


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


def resolve_ids(id_registry: DataFrame) -> DataFrame:
    """Follow merges to their end.

    A merge points to an id that was live then and so ended later, if at all: there are no rings. Each round doubles
    the steps taken, so that chains of a thousand merges need ten.

    Returns:
        one row per id ever issued: `resolved_id` is the id that answers for it, `resolved_status` live or closed.
    """
    steps = id_registry.select(c.UNIFIED_ID, c.MERGED_INTO)
    merged = steps.where(F.col(c.MERGED_INTO).isNotNull()).localCheckpoint()
    while not (further := _two_steps(merged)).where(_FURTHER).isEmpty():
        merged = further.drop(_FURTHER).localCheckpoint()
    ends = id_registry.select(F.col(c.UNIFIED_ID).alias(c.RESOLVED_ID), F.col(c.STATUS).alias(c.RESOLVED_STATUS))
    return (
        id_registry.select(c.UNIFIED_ID)
        .join(merged, on=c.UNIFIED_ID, how="left")
        .select(c.UNIFIED_ID, F.coalesce(c.MERGED_INTO, c.UNIFIED_ID).alias(c.RESOLVED_ID))
        .join(ends, on=c.RESOLVED_ID, how="inner")
        .select(c.UNIFIED_ID, c.RESOLVED_ID, c.RESOLVED_STATUS)
    )


def _two_steps(merged: DataFrame) -> DataFrame:
    following = merged.select(F.col(c.UNIFIED_ID).alias(c.MERGED_INTO), F.col(c.MERGED_INTO).alias("next"))
    return merged.join(following, on=c.MERGED_INTO, how="left").select(
        c.UNIFIED_ID,
        F.coalesce("next", c.MERGED_INTO).alias(c.MERGED_INTO),
        F.col("next").isNotNull().alias(_FURTHER),
    )


@dataclass(frozen=True)
class ResolvedId:
    """Where an id went.

    Args:
        unified_id: that was asked for.
        path: the ids from it to the one that answers for it; one id where it was never merged.
        status: of the last id: live or closed.
        cause: of the last birth or end of the id that was asked for.
    """

    unified_id: str
    path: tuple[str, ...]
    status: str
    cause: str

    @property
    def resolved_id(self) -> str:
        """The id that answers for it."""
        return self.path[-1]


def resolve_id(id_registry: DataFrame, unified_id: str) -> ResolvedId:
    """Follow one id's merges to their end, one look-up a step.

    Raises:
        StateError: the id was never issued.
    """
    row = _registered(id_registry, unified_id)
    path, cause = [unified_id], row[c.CAUSE]
    while row[c.STATUS] == MERGED_STATUS:
        path.append(row[c.MERGED_INTO])
        row = _registered(id_registry, row[c.MERGED_INTO])
    return ResolvedId(unified_id=unified_id, path=tuple(path), status=row[c.STATUS], cause=cause)


def _registered(id_registry: DataFrame, unified_id: str) -> Row:
    rows = id_registry.where(F.col(c.UNIFIED_ID) == unified_id).take(1)
    if not rows:
        raise StateError(f"id {unified_id}", got="an id that was never issued", fix="look for the record's key instead")
    return rows[0]
