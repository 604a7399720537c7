"""Who entered or left a segment since the last release, and why.

1. `build_moves` compares the members with those of the last release.
2. `explain_moves` gives each move the first reason that holds. What it asks of a person is looked up only for those who
   moved in a segment that means what it meant: the definition is the reason of all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog.gold import SEGMENT_CHANGES
from cdp_spark.tables.checkpoint import checkpoint_and_count

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyspark.sql import Column

ENTER, EXIT = "enter", "exit"
DATA, DEFINITION, IDENTITY, CONSENT, ERASURE = "data", "definition", "identity", "consent", "erasure"
WINDOW = "window"

_MEMBER = (c.SEGMENT, c.UNIFIED_ID)
_ERASED = "erased"
_IDENTITY_CHANGES = ("created", "merged", "split", "resurrected", "moved", _ERASED)
"""Changes of `id_changes` that make another person of an id; a record that an id absorbed is data."""

_PROFILE, _CONSENTS, _TRAITS, _EVENTS = "profile", "consents", "traits", "events"
_FACT, _FACTS = "fact", "facts"


@dataclass(frozen=True)
class Evidence:
    """What may explain a move; each frame has unified ids of people who moved, and may have others.

    Args:
        unchanged: segments that mean what they meant.
        clocked: segments that somebody can enter or leave by the clock alone (`find_clocked`).
        identities: of `build_identity_reasons`.
        profiles: whose profile changed, is new or gone, apart from consents.
        consents: whose consents changed.
        traits: whose traits changed, of those that segments read.
        events: whose events changed.
    """

    unchanged: Collection[str]
    clocked: Collection[str]
    identities: DataFrame
    profiles: DataFrame
    consents: DataFrame
    traits: DataFrame
    events: DataFrame


def build_moves(members: DataFrame, previous_members: DataFrame) -> DataFrame:
    """Find who entered or left a segment.

    Args:
        members: one row per segment and member, now.
        previous_members: spans of the last release.
    Returns: one row per segment and unified_id, with the change.
    """
    now = members.select(*_MEMBER)
    before = previous_members.where(F.col(c.EXITED_AT).isNull()).select(*_MEMBER)
    entered = now.join(before, on=list(_MEMBER), how="left_anti").withColumn(c.CHANGE, F.lit(ENTER))
    left = before.join(now, on=list(_MEMBER), how="left_anti").withColumn(c.CHANGE, F.lit(EXIT))
    return entered.unionByName(left)


def explain_moves(moves: DataFrame, evidence: Evidence, *, release: int) -> DataFrame:
    """Say why people entered or left.

    Of several reasons the first holds: erasure, definition (the segment is new, changed or gone), identity (the id is
    new, was merged, split or moved), consent (nothing else of the profile or its traits changed), window (nothing of
    the profile and its events changed, and the segment depends on the time), data.

    Args:
        moves: of `build_moves`.
        evidence: what may explain them.
        release: that this run publishes.
    Returns: rows of `segment_changes`.
    """
    known = _facts(evidence)
    explained = moves.join(known, on=c.UNIFIED_ID, how="left")
    same_profile = ~_has(_PROFILE)
    reason = (
        F.when(_has(ERASURE), F.lit(ERASURE))
        .when(~F.col(c.SEGMENT).isin(*sorted(evidence.unchanged)), F.lit(DEFINITION))
        .when(_has(IDENTITY), F.lit(IDENTITY))
        .when(same_profile & _has(_CONSENTS) & ~_has(_TRAITS), F.lit(CONSENT))
        .when(
            F.col(c.SEGMENT).isin(*sorted(evidence.clocked)) & same_profile & ~_has(_CONSENTS) & ~_has(_EVENTS),
            F.lit(WINDOW),
        )
        .otherwise(F.lit(DATA))
    )
    return SEGMENT_CHANGES.conform(explained.withColumns({c.RELEASE: F.lit(release), c.REASON: reason}))


def build_identity_reasons(id_changes: DataFrame, people: DataFrame) -> DataFrame:
    """Find the ids that were made, unmade or exchanged records.

    Args:
        id_changes: of this release.
        people: unified ids of those who may have moved for this reason; of erased people all are found.
    Returns: rows of unified_id and the reason.
    """
    relevant = id_changes.where(F.col(c.CHANGE).isin(*_IDENTITY_CHANGES))
    reason = F.when(F.col(c.CHANGE) == _ERASED, F.lit(ERASURE)).otherwise(F.lit(IDENTITY))
    both = F.explode(F.array_compact(F.array(c.UNIFIED_ID, c.PREVIOUS_ID))).alias(c.UNIFIED_ID)
    named = relevant.withColumn(_FACT, reason).select(both, _FACT)
    is_erased = F.col(_FACT) == ERASURE
    return named.where(is_erased).unionByName(named.where(~is_erased).join(people, on=c.UNIFIED_ID, how="left_semi"))


def _facts(evidence: Evidence) -> DataFrame:
    """One row per person of whom something is known: all of it."""
    facts = {
        _PROFILE: evidence.profiles,
        _CONSENTS: evidence.consents,
        _TRAITS: evidence.traits,
        _EVENTS: evidence.events,
    }
    named = [ids.select(c.UNIFIED_ID, F.lit(fact).alias(_FACT)) for fact, ids in facts.items()]
    every = reduce(DataFrame.unionByName, named, evidence.identities.select(c.UNIFIED_ID, _FACT))
    return checkpoint_and_count(every.groupBy(c.UNIFIED_ID).agg(F.collect_set(_FACT).alias(_FACTS))).joinable


def _has(fact: str) -> Column:
    return F.coalesce(F.array_contains(_FACTS, fact), F.lit(False))


def build_erased_members(members: DataFrame, *, release: int) -> DataFrame:
    """The exits of people who are erased: one row per segment that they are in.

    Args:
        members: their spans.
        release: that the erasure publishes.
    """
    current = members.where(F.col(c.EXITED_AT).isNull()).select(c.SEGMENT, c.UNIFIED_ID).distinct()
    values = {c.RELEASE: F.lit(release), c.CHANGE: F.lit(EXIT), c.REASON: F.lit(ERASURE)}
    return SEGMENT_CHANGES.conform(current.withColumns(values))
