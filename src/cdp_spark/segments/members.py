"""Who is in which segment, as spans of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.segments.compile import member_flag
from cdp_spark.segments.derived import with_levels
from cdp_spark.tables.catalog.gold import SEGMENT_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.segments.compile import CompiledSegment
    from cdp_spark.segments.derived import Relations

_MEMBER = [c.SEGMENT, c.UNIFIED_ID]
_NOW_HASH = "definition_hash_now"
_HELD, _PLACE = "memberships", "place"


def build_current_members(
    profiles: DataFrame, segments: Sequence[CompiledSegment], relations: Relations | None = None
) -> DataFrame:
    """Ask every segment of every profile, in one pass.

    Args:
        profiles: one row per unified_id, with the columns that conditions read (`build_asked_profiles`).
        segments: of the project, with all that they refer to.
        relations: needed where a segment asks of an account, its people or a household.

    Returns:
        one row per segment and member, with the segment's definition_hash, and the distance of a lookalike's.
    """
    flagged = with_levels(profiles, segments, relations)
    return _named(flagged.select(c.UNIFIED_ID, F.inline(_held(segments))), segments)


def build_memberships(
    profiles: DataFrame, segments: Sequence[CompiledSegment], relations: Relations | None = None
) -> DataFrame:
    """What `build_current_members` makes, in the few bytes in which many members can be kept.

    Returns:
        one row per profile: unified_id, and a list of the segments' places and distances.
    """
    return with_levels(profiles, segments, relations).select(c.UNIFIED_ID, _held(segments).alias(_HELD))


def spread_memberships(memberships: DataFrame, segments: Sequence[CompiledSegment]) -> DataFrame:
    """Make a row of each segment and member.

    Args:
        memberships: of `build_memberships`, computed: Spark would spell out each segment that others refer to.
        segments: that it was given, in the same order.
    """
    return _named(memberships.select(c.UNIFIED_ID, F.inline(_HELD)), segments)


def _held(segments: Sequence[CompiledSegment]) -> Column:
    """The places of the segments that a profile is in, each with its distance."""
    referred = {name for segment in segments for name in segment.refers_to}
    asked = [(F.col(f"`{member_flag(it.name)}`") if it.name in referred else it.condition, it) for it in segments]
    held = F.array(*(F.when(is_member, _at(place, it)) for place, (is_member, it) in enumerate(asked)))
    return F.array_compact(held.cast(f"array<struct<{_PLACE}:int,{c.DISTANCE}:double>>"))


def _named(placed: DataFrame, segments: Sequence[CompiledSegment]) -> DataFrame:
    named = {
        c.SEGMENT: _of_place([it.name for it in segments]),
        c.DEFINITION_HASH: _of_place([it.definition_hash for it in segments]),
    }
    return placed.withColumns(named).select(*_MEMBER, c.DEFINITION_HASH, c.DISTANCE)


def _of_place(values: Sequence[str]) -> Column:
    return F.get(F.array(*map(F.lit, values)).cast("array<string>"), F.col(_PLACE))


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
    now = current_members.drop(c.DISTANCE).withColumnRenamed(c.DEFINITION_HASH, _NOW_HASH)
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


def _at(place: int, segment: CompiledSegment) -> Column:
    distance = F.lit(None).cast("double") if segment.distance is None else segment.distance
    return F.struct(F.lit(place).alias(_PLACE), distance.alias(c.DISTANCE))


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
