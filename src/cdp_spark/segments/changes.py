"""Who entered or left a segment since the last release, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog.gold import PROFILES, SEGMENT_CHANGES
from cdp_spark.tables.hashing import content_hash_expr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

ENTER, EXIT = "enter", "exit"
DATA, DEFINITION, IDENTITY, CONSENT, ERASURE = "data", "definition", "identity", "consent", "erasure"

_ERASED = "erased"
_IDENTITY_CHANGES = ("created", "merged", "split", "resurrected", "moved", _ERASED)
"""Changes of `id_changes` that make another person of an id; a record that an id absorbed is data."""

_IDENTITY_REASON = "identity_reason"
_CONSENT_REASON = "consent_reason"


@dataclass(frozen=True)
class Evidence:
    """What may explain a change.

    Args:
        definitions: definition_hash by segment, now.
        previous_members: spans of the last release.
        id_changes: of this release.
        profiles: now.
        previous_profiles: of the last release.
        traits_changed: unified_id of people whose traits changed; None where no segment reads one.
    """

    definitions: Mapping[str, str]
    previous_members: DataFrame
    id_changes: DataFrame
    profiles: DataFrame
    previous_profiles: DataFrame
    traits_changed: DataFrame | None = None


def build_segment_changes(members: DataFrame, evidence: Evidence, *, release: int) -> DataFrame:
    """Compare the members with those of the last release.

    Of several reasons the first holds: erasure, definition (the segment is new, changed or gone), identity (the id is
    new, was merged, split or moved), consent (nothing else of the profile or its traits changed), data. What a segment
    meant before is known from its spans, so one that never had a member counts as new.

    Args:
        members: spans, now.
        evidence: what may explain a change.
        release: that this run publishes.

    Returns:
        one row per segment and unified_id that entered or left.
    """
    member = [c.SEGMENT, c.UNIFIED_ID]
    now = members.where(F.col(c.EXITED_AT).isNull()).select(*member)
    before = evidence.previous_members.where(F.col(c.EXITED_AT).isNull()).select(*member)
    entered = now.join(before, on=member, how="left_anti").withColumn(c.CHANGE, F.lit(ENTER))
    left = before.join(now, on=member, how="left_anti").withColumn(c.CHANGE, F.lit(EXIT))
    changes = entered.unionByName(left)
    same_definition = F.broadcast(_unchanged_segments(evidence).withColumn("same_definition", F.lit(True)))
    explained = (
        changes.join(same_definition, on=c.SEGMENT, how="left")
        .join(_identity_reasons(evidence.id_changes), on=c.UNIFIED_ID, how="left")
        .join(_consent_only(changes, evidence), on=c.UNIFIED_ID, how="left")
    )
    reason = (
        F.when(F.col(_IDENTITY_REASON) == ERASURE, F.lit(ERASURE))
        .when(F.col("same_definition").isNull(), F.lit(DEFINITION))
        .otherwise(F.coalesce(F.col(_IDENTITY_REASON), F.col(_CONSENT_REASON), F.lit(DATA)))
    )
    return SEGMENT_CHANGES.conform(explained.withColumns({c.RELEASE: F.lit(release), c.REASON: reason}))


def _unchanged_segments(evidence: Evidence) -> DataFrame:
    """The segments that mean what they meant at the last release."""
    last_word = F.max(F.struct(F.col(c.EXITED_AT).isNull(), c.EXITED_AT, c.DEFINITION_HASH))[c.DEFINITION_HASH]
    before = evidence.previous_members.groupBy(c.SEGMENT).agg(last_word.alias(c.DEFINITION_HASH))
    now = before.sparkSession.createDataFrame(
        sorted(evidence.definitions.items()), f"{c.SEGMENT} string, {c.DEFINITION_HASH} string"
    )
    return before.join(now, on=[c.SEGMENT, c.DEFINITION_HASH], how="left_semi").select(c.SEGMENT)


def _identity_reasons(id_changes: DataFrame) -> DataFrame:
    """One row per id that was made, unmade or exchanged records."""
    relevant = id_changes.where(F.col(c.CHANGE).isin(*_IDENTITY_CHANGES))
    reason = F.when(F.col(c.CHANGE) == _ERASED, F.lit(ERASURE)).otherwise(F.lit(IDENTITY))
    both = F.explode(F.array_compact(F.array(c.UNIFIED_ID, c.PREVIOUS_ID))).alias(c.UNIFIED_ID)
    named = relevant.withColumn(_IDENTITY_REASON, reason).select(_IDENTITY_REASON, both)
    return named.groupBy(c.UNIFIED_ID).agg(F.min(_IDENTITY_REASON).alias(_IDENTITY_REASON))


def _consent_only(changes: DataFrame, evidence: Evidence) -> DataFrame:
    """The profiles of which nothing but a consent changed, traits included."""
    concerned = changes.select(c.UNIFIED_ID).distinct()
    if evidence.traits_changed is not None:
        concerned = concerned.join(evidence.traits_changed, on=c.UNIFIED_ID, how="left_anti")
    now, before = (
        profiles.join(concerned, on=c.UNIFIED_ID, how="left_semi").select(
            c.UNIFIED_ID,
            content_hash_expr(field for field in PROFILES.schema if field.name != c.CONSENTS).alias(f"rest_{when}"),
            content_hash_expr([PROFILES.schema[c.CONSENTS]]).alias(f"consents_{when}"),
        )
        for when, profiles in (("now", evidence.profiles), ("before", evidence.previous_profiles))
    )
    same_rest = F.col("rest_now") == F.col("rest_before")
    other_consents = F.col("consents_now") != F.col("consents_before")
    return (
        now.join(before, on=c.UNIFIED_ID, how="inner")
        .where(same_rest & other_consents)
        .select(c.UNIFIED_ID, F.lit(CONSENT).alias(_CONSENT_REASON))
    )


def build_erased_members(members: DataFrame, *, release: int) -> DataFrame:
    """The exits of people who are erased: one row per segment that they are in.

    Args:
        members: their spans.
        release: that the erasure publishes.
    """
    current = members.where(F.col(c.EXITED_AT).isNull()).select(c.SEGMENT, c.UNIFIED_ID).distinct()
    values = {c.RELEASE: F.lit(release), c.CHANGE: F.lit(EXIT), c.REASON: F.lit(ERASURE)}
    return SEGMENT_CHANGES.conform(current.withColumns(values))
