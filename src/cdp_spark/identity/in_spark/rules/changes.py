"""What changed between two nights, record by record, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.terms import (
    ABSORBED,
    CAUSES,
    CREATED,
    LIVE,
    MERGED,
    MOVED,
    NEW_RECORD,
    REMOVED,
    REMOVED_RECORD,
    RESURRECTED,
    SPLIT,
)

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_AFFECTED, _OWN = "affected_id", "own_cause"


def build_transitions(previous_ids: DataFrame, unified_ids: DataFrame) -> DataFrame:
    """Put yesterday's and today's id of each record side by side.

    Returns:
        one row per (record_key, entity_type): `previous_id` null for a new record, `unified_id` null for one that left.
    """
    key = [c.RECORD_KEY, c.ENTITY_TYPE]
    before = previous_ids.select(*key, F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID))
    return before.join(unified_ids.select(*key, c.UNIFIED_ID), on=key, how="full_outer")


def build_id_changes(
    transitions: DataFrame, id_registry: DataFrame, lineage: DataFrame, causes: DataFrame, *, release: int
) -> DataFrame:
    """List the records whose id changed, how, and why.

    Args:
        transitions: from `build_transitions`.
        id_registry: of the last release.
        lineage: `merged_into` of the ids that were merged tonight.
        causes: from `build_causes`.
        release: that this run publishes.

    Returns:
        one row per (record_key, unified_id); a record that left bears the id that it had.
    """
    changed = transitions.where(~F.col(c.PREVIOUS_ID).eqNullSafe(F.col(c.UNIFIED_ID)))
    known = id_registry.select(c.UNIFIED_ID, c.STATUS)
    merged = lineage.where(F.col(c.MERGED_INTO).isNotNull()).select(
        F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID), c.MERGED_INTO
    )
    return (
        changed.join(known, on=c.UNIFIED_ID, how="left")
        .join(merged, on=c.PREVIOUS_ID, how="left")
        .join(causes, on=c.PREVIOUS_ID, how="left")
        .select(
            F.lit(release).cast("long").alias(c.RELEASE),
            c.RECORD_KEY,
            F.coalesce(c.UNIFIED_ID, c.PREVIOUS_ID).alias(c.UNIFIED_ID),
            c.ENTITY_TYPE,
            c.PREVIOUS_ID,
            _change_expr().alias(c.CHANGE),
            _cause_expr().alias(c.CAUSE),
        )
    )


def _change_expr() -> Column:
    issued_tonight = F.col(c.STATUS).isNull()
    new_record = F.col(c.PREVIOUS_ID).isNull()
    return (
        F.when(F.col(c.UNIFIED_ID).isNull(), REMOVED)
        .when(F.col(c.STATUS) != LIVE, RESURRECTED)
        .when(new_record & issued_tonight, CREATED)
        .when(new_record, ABSORBED)
        .when(issued_tonight, SPLIT)
        .when(F.col(c.MERGED_INTO) == F.col(c.UNIFIED_ID), MERGED)
        .otherwise(MOVED)
    )


def _cause_expr() -> Column:
    return (
        F.when(F.col(c.UNIFIED_ID).isNull(), REMOVED_RECORD)
        .when(F.col(c.PREVIOUS_ID).isNull(), NEW_RECORD)
        .otherwise(F.col(c.CAUSE))
    )


def build_causes(transitions: DataFrame, evidence: DataFrame) -> DataFrame:
    """Find why records of an id of yesterday went to another id.

    All records that held the id, and all that are now with one of them, are asked for a cause: their evidence, being
    new, or having left. The first in `CAUSES` wins.

    Args:
        transitions: from `build_transitions`.
        evidence: from `build_evidence`.

    Returns:
        one row per id that a record left for another id: `previous_id`, `cause`.
    """
    left_for_another = F.col(c.PREVIOUS_ID) != F.col(c.UNIFIED_ID)
    affected = transitions.where(left_for_another).select(c.PREVIOUS_ID).distinct()
    holders = transitions.join(affected, on=c.PREVIOUS_ID, how="left_semi")
    removed = holders.where(F.col(c.UNIFIED_ID).isNull()).select(
        c.RECORD_KEY, F.col(c.PREVIOUS_ID).alias(_AFFECTED), F.lit(REMOVED_RECORD).alias(_OWN)
    )
    now_with = holders.select(F.col(c.PREVIOUS_ID).alias(_AFFECTED), c.UNIFIED_ID).distinct()
    companions = transitions.join(now_with, on=c.UNIFIED_ID, how="inner").select(
        c.RECORD_KEY, _AFFECTED, F.when(F.col(c.PREVIOUS_ID).isNull(), NEW_RECORD).alias(_OWN)
    )
    first = F.min(F.least(_rank_expr(_OWN), _rank_expr(c.CAUSE)))
    causes = F.array(*map(F.lit, CAUSES))
    return (
        companions.unionByName(removed)
        .join(evidence, on=c.RECORD_KEY, how="left")
        .groupBy(F.col(_AFFECTED).alias(c.PREVIOUS_ID))
        .agg(F.element_at(causes, F.coalesce(first, F.lit(len(CAUSES)))).alias(c.CAUSE))
    )


def _rank_expr(cause: str) -> Column:
    return F.array_position(F.array(*map(F.lit, CAUSES)), F.col(cause)).cast("int")


def build_evidence(transitions: DataFrame, records: DataFrame, pairs: DataFrame) -> DataFrame:
    """Collect what speaks for a cause: of records, and of pairs that a label or a limit joined or parted.

    Args:
        transitions: from `build_transitions`.
        records: (record_key, cause) of records that changed, or were beside somebody who was erased.
        pairs: (record_key_l, record_key_r, cause) of labels and limits; a pair counts where it was together and is
            not, or the other way round.

    Returns:
        (record_key, cause), one or several rows per record that has a cause of its own.
    """
    moved_pairs = pairs
    for side in (c.RECORD_KEY_L, c.RECORD_KEY_R):
        ids = transitions.select(
            F.col(c.RECORD_KEY).alias(side),
            F.col(c.PREVIOUS_ID).alias(f"before_{side}"),
            F.col(c.UNIFIED_ID).alias(f"now_{side}"),
        )
        moved_pairs = moved_pairs.join(ids, on=side, how="inner")
    moved = ~_together_expr("before").eqNullSafe(_together_expr("now"))
    of_pairs = moved_pairs.where(moved).select(
        F.explode(F.array(c.RECORD_KEY_L, c.RECORD_KEY_R)).alias(c.RECORD_KEY), c.CAUSE
    )
    return of_pairs.unionByName(records.select(c.RECORD_KEY, c.CAUSE))


def _together_expr(time: str) -> Column:
    same = F.col(f"{time}_{c.RECORD_KEY_L}") == F.col(f"{time}_{c.RECORD_KEY_R}")
    return F.coalesce(same, F.lit(False))
