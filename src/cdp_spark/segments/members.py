"""Who is in which segment, as spans of time."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.segments.compile import member_flag
from cdp_spark.tables.catalog.gold import SEGMENT_MEMBERS
from cdp_spark.tables.increments.difference import build_changed_keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.segments.compile import CompiledSegment

_MEMBER = [c.SEGMENT, c.UNIFIED_ID]
_NOW_HASH = "definition_hash_now"


def build_current_members(profiles: DataFrame, segments: Sequence[CompiledSegment]) -> DataFrame:
    """Ask every segment of every profile, in one pass.

    Args:
        profiles: one row per unified_id.
        segments: of the project, with all that they refer to.

    Returns:
        one row per segment and member, with the segment's definition_hash.
    """
    referred = {name for segment in segments for name in segment.refers_to}
    asked = [(F.col(f"`{member_flag(it.name)}`") if it.name in referred else it.condition, it) for it in segments]
    held = F.array(*(F.when(is_member, _as_struct(segment)) for is_member, segment in asked)).cast(
        f"array<struct<{c.SEGMENT}:string,{c.DEFINITION_HASH}:string>>"
    )
    flagged = with_member_flags(profiles, segments)
    return flagged.select(c.UNIFIED_ID, F.inline(F.array_compact(held))).select(*_MEMBER, c.DEFINITION_HASH)


def build_moved_members(current_members: DataFrame, previous_members: DataFrame) -> DataFrame:
    """Find who entered or left a segment, and members whose segment means something else now.

    Args:
        current_members: one row per segment and member, now.
        previous_members: spans, at most one open per segment and unified_id.
    Returns: one row per segment and unified_id.
    """
    still_open = previous_members.where(F.col(c.EXITED_AT).isNull())
    return build_changed_keys(current_members, still_open, _MEMBER, (c.DEFINITION_HASH,))


def build_segment_members(
    current_members: DataFrame,
    previous_members: DataFrame,
    *,
    definitions: Mapping[str, str],
    as_of: datetime,
) -> DataFrame:
    """Carry the spans of membership on by one night.

    A member that stays keeps its span, one that is gone has it closed at `as_of`, a new or returning one opens another.
    What the spans say of `as_of` and later is written anew, so a night that runs again gives the same rows.
    `definition_hash` is the definition that last had a say: while the span was open, or when it ended it.

    Args:
        current_members: one row per segment and member, now.
        previous_members: spans, at most one open per segment and unified_id.
        definitions: definition_hash by segment, now.
        as_of: UTC; when tonight's spans begin and end.

    Returns:
        one row per segment, unified_id and entered_at.
    """
    before = _until(previous_members, as_of)
    is_open = F.col(c.EXITED_AT).isNull()
    now = current_members.withColumnRenamed(c.DEFINITION_HASH, _NOW_HASH)
    carried = before.where(is_open).join(now, on=_MEMBER, how="left")
    carried = carried.withColumns(
        {
            c.EXITED_AT: F.when(F.col(_NOW_HASH).isNull(), F.lit(as_of)),
            c.DEFINITION_HASH: F.coalesce(_NOW_HASH, _hash_of_segment(definitions), c.DEFINITION_HASH),
        }
    )
    entered = current_members.join(before.where(is_open), on=_MEMBER, how="left_anti").withColumns(
        {c.ENTERED_AT: F.lit(as_of), c.EXITED_AT: F.lit(None).cast("timestamp")}
    )
    spans = [SEGMENT_MEMBERS.conform(rows) for rows in (before.where(~is_open), carried, entered)]
    return spans[0].unionByName(spans[1]).unionByName(spans[2])


def with_member_flags(profiles: DataFrame, segments: Sequence[CompiledSegment]) -> DataFrame:
    """Add a column for each segment that others refer to, the innermost first.

    Args:
        profiles: one row per unified_id.
        segments: of the project, with all that they refer to.
    """
    named = {name for segment in segments for name in segment.refers_to}
    referred = [segment for segment in segments if segment.name in named]
    flagged = profiles
    for _, level in groupby(sorted(referred, key=lambda each: each.depth), key=lambda each: each.depth):
        flagged = flagged.withColumns({member_flag(each.name): each.condition for each in level})
    return flagged


def _as_struct(segment: CompiledSegment) -> Column:
    return F.struct(F.lit(segment.name).alias(c.SEGMENT), F.lit(segment.definition_hash).alias(c.DEFINITION_HASH))


def _hash_of_segment(definitions: Mapping[str, str]) -> Column:
    """The definition now; null for a segment that is no longer in the configuration."""
    if not definitions:
        return F.lit(None).cast("string")
    pairs = [F.lit(item) for pair in definitions.items() for item in pair]
    return F.try_element_at(F.create_map(*pairs), F.col(c.SEGMENT))


def _until(members: DataFrame, as_of: datetime) -> DataFrame:
    """The spans as they stood just before a time: later ones are gone, later ends are open."""
    ended = F.col(c.EXITED_AT) < F.lit(as_of)
    return members.where(F.col(c.ENTERED_AT) < F.lit(as_of)).withColumn(c.EXITED_AT, F.when(ended, F.col(c.EXITED_AT)))
