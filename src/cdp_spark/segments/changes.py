"""Who entered or left a segment since the last release, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog.gold import PROFILES, SEGMENT_CHANGES, UNIFIED_EVENTS
from cdp_spark.tables.hashing import content_hash_expr
from cdp_spark.tables.increments.difference import build_changed_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

ENTER, EXIT = "enter", "exit"
DATA, DEFINITION, IDENTITY, CONSENT, ERASURE = "data", "definition", "identity", "consent", "erasure"
WINDOW = "window"

_ERASED = "erased"
_IDENTITY_CHANGES = ("created", "merged", "split", "resurrected", "moved", _ERASED)
"""Changes of `id_changes` that make another person of an id; a record that an id absorbed is data."""

_IDENTITY_REASON = "identity_reason"
_PROFILE_REASON = "profile_reason"


@dataclass(frozen=True)
class Evidence:
    """What may explain a change.

    Args:
        definitions: definition_hash by segment, now.
        previous_definitions: the same, of the last release.
        previous_members: spans of the last release.
        id_changes: of this release.
        profiles: now.
        previous_profiles: of the last release.
        traits_changed: unified_id of people whose traits changed; None where no segment reads one.
        clocked: segments that somebody can enter or leave by the clock alone (`find_clocked`).
        events: now; None where they are those of the last release.
        previous_events: of the last release.
    """

    definitions: Mapping[str, str]
    previous_definitions: Mapping[str, str]
    previous_members: DataFrame
    id_changes: DataFrame
    profiles: DataFrame
    previous_profiles: DataFrame
    traits_changed: DataFrame | None = None
    clocked: frozenset[str] = frozenset()
    events: DataFrame | None = None
    previous_events: DataFrame | None = None


def build_segment_changes(members: DataFrame, evidence: Evidence, *, release: int) -> DataFrame:
    """Compare the members with those of the last release.

    Of several reasons the first holds: erasure, definition (the segment is new, changed or gone), identity (the id is
    new, was merged, split or moved), consent (nothing else of the profile or its traits changed), window (nothing of
    the profile and its events changed, and the segment depends on the time), data.

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
    before_definitions = evidence.previous_definitions
    unchanged = sorted(name for name, it in evidence.definitions.items() if before_definitions.get(name) == it)
    explained = changes.join(_identity_reasons(evidence.id_changes), on=c.UNIFIED_ID, how="left").join(
        _profile_reasons(changes, evidence), on=c.UNIFIED_ID, how="left"
    )
    by_profile = F.when(
        (F.col(_PROFILE_REASON) == CONSENT) | F.col(c.SEGMENT).isin(*sorted(evidence.clocked)), F.col(_PROFILE_REASON)
    )
    reason = (
        F.when(F.col(_IDENTITY_REASON) == ERASURE, F.lit(ERASURE))
        .when(~F.col(c.SEGMENT).isin(unchanged), F.lit(DEFINITION))
        .otherwise(F.coalesce(F.col(_IDENTITY_REASON), by_profile, F.lit(DATA)))
    )
    return SEGMENT_CHANGES.conform(explained.withColumns({c.RELEASE: F.lit(release), c.REASON: reason}))


def _identity_reasons(id_changes: DataFrame) -> DataFrame:
    """One row per id that was made, unmade or exchanged records."""
    relevant = id_changes.where(F.col(c.CHANGE).isin(*_IDENTITY_CHANGES))
    reason = F.when(F.col(c.CHANGE) == _ERASED, F.lit(ERASURE)).otherwise(F.lit(IDENTITY))
    both = F.explode(F.array_compact(F.array(c.UNIFIED_ID, c.PREVIOUS_ID))).alias(c.UNIFIED_ID)
    named = relevant.withColumn(_IDENTITY_REASON, reason).select(_IDENTITY_REASON, both)
    return named.groupBy(c.UNIFIED_ID).agg(F.min(_IDENTITY_REASON).alias(_IDENTITY_REASON))


def _profile_reasons(changes: DataFrame, evidence: Evidence) -> DataFrame:
    """The profiles of which nothing but a consent changed, traits included, and those of which nothing did at all."""
    people = changes.select(c.UNIFIED_ID).distinct()
    now, before = (
        profiles.join(people, on=c.UNIFIED_ID, how="left_semi").select(
            c.UNIFIED_ID,
            content_hash_expr(field for field in PROFILES.schema if field.name != c.CONSENTS).alias(f"rest_{when}"),
            content_hash_expr([PROFILES.schema[c.CONSENTS]]).alias(f"consents_{when}"),
        )
        for when, profiles in (("now", evidence.profiles), ("before", evidence.previous_profiles))
    )
    same = now.join(before, on=c.UNIFIED_ID, how="inner").where(F.col("rest_now") == F.col("rest_before"))
    other_consents = same.where(F.col("consents_now") != F.col("consents_before")).select(c.UNIFIED_ID)
    if evidence.traits_changed is not None:
        other_consents = other_consents.join(evidence.traits_changed, on=c.UNIFIED_ID, how="left_anti")
    consented = other_consents.withColumn(_PROFILE_REASON, F.lit(CONSENT))
    if not evidence.clocked:
        return consented
    unmoved = same.where(F.col("consents_now") == F.col("consents_before")).select(c.UNIFIED_ID)
    if evidence.events is not None and evidence.previous_events is not None:
        sides = [
            it.join(people, on=c.UNIFIED_ID, how="left_semi") for it in (evidence.events, evidence.previous_events)
        ]
        moved = build_changed_keys(sides[0], sides[1], (c.UNIFIED_ID,), UNIFIED_EVENTS.schema.names)
        unmoved = unmoved.join(moved, on=c.UNIFIED_ID, how="left_anti")
    return consented.unionByName(unmoved.withColumn(_PROFILE_REASON, F.lit(WINDOW)))


def build_erased_members(members: DataFrame, *, release: int) -> DataFrame:
    """The exits of people who are erased: one row per segment that they are in.

    Args:
        members: their spans.
        release: that the erasure publishes.
    """
    current = members.where(F.col(c.EXITED_AT).isNull()).select(c.SEGMENT, c.UNIFIED_ID).distinct()
    values = {c.RELEASE: F.lit(release), c.CHANGE: F.lit(EXIT), c.REASON: F.lit(ERASURE)}
    return SEGMENT_CHANGES.conform(current.withColumns(values))
