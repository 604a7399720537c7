"""Segments asked of the profiles of a release, without a run: who would be in them, and what each condition comes to.

`ask` compiles the project's segments and joins what they read to the profiles. The rest puts one question each, in one
job of Spark: how many, who, the truth of every part of a tree for some people, and who would enter or leave. Of those
who would, the same truths are counted together, so that no more rows come back than there are different answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.segments.asked import build_asked_profiles, surroundings_of
from cdp_spark.segments.changes import ENTER, EXIT
from cdp_spark.segments.compile import compile_segments, condition_column
from cdp_spark.segments.members import build_current_members, with_member_flags
from cdp_spark.segments.tree import build_tree, values_of
from cdp_spark.tables.catalog import SEGMENT_MEMBERS
from cdp_spark.tables.rows import as_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.segments.asked import Read
    from cdp_spark.segments.compile import CompiledSegment, Surroundings
    from cdp_spark.segments.tree import ConditionPart, Truth

    Row = Mapping[str, Any]

TRUTHS, EARLIER, IS_MEMBER, COUNT, EXAMPLES = "truths", "earlier_truths", "is_member", "count", "examples"
_WAS_IN, _PLACE = "was_in", "place"
_EXAMPLES = 5


@dataclass(frozen=True)
class AskedProfiles:
    """Profiles with all that a project's segments read.

    Args:
        profiles: one row per unified_id.
        segments: compiled, by name.
        surroundings: that they were compiled with.
        trees: their conditions spelt out, by name.
        spans: of `segment_members`, as released.
    """

    profiles: DataFrame
    segments: Mapping[str, CompiledSegment]
    surroundings: Surroundings
    trees: Mapping[str, ConditionPart]
    spans: DataFrame

    @property
    def flagged(self) -> DataFrame:
        """The profiles with a column for each segment that others refer to."""
        return with_member_flags(self.profiles, tuple(self.segments.values()))

    def truths(self, name: str) -> Column:
        """Every part of a segment's tree, from the top down: true, false or null."""
        owner = self.surroundings.segments[name]
        parts = self.trees[name].walk()
        return F.array(*(condition_column(part.condition, owner, self.surroundings) for part in parts))


@dataclass(frozen=True)
class SegmentAnswer:
    """What a segment's conditions come to for one profile.

    Args:
        is_member: whether it is in the segment.
        truths: one per part of the tree, in the order of `walk`.
        row: the columns that the conditions read.
    """

    is_member: bool
    truths: tuple[Truth, ...]
    row: Row


def ask(project: Project, read: Read, *, as_of: datetime) -> AskedProfiles:
    """Compile a project's segments, and join what they read to the profiles.

    Args:
        project: whose segments are asked.
        read: a table as a release shows it.
        as_of: the clock, UTC.

    Raises:
        ConfigError: a segment cannot be compiled.
    """
    now = as_of.astimezone(ZoneInfo(project.settings.time_zone))
    surroundings = surroundings_of(project, now=now)
    return AskedProfiles(
        profiles=build_asked_profiles(read, project, now=as_of),
        segments={it.name: it for it in compile_segments(surroundings)},
        surroundings=surroundings,
        trees={name: build_tree(it, surroundings.segments) for name, it in surroundings.segments.items()},
        spans=read(SEGMENT_MEMBERS),
    )


def build_members_now(asked: AskedProfiles) -> DataFrame:
    """One row per segment and member, as of now."""
    return build_current_members(asked.profiles, tuple(asked.segments.values())).select(c.SEGMENT, c.UNIFIED_ID)


def count_members(asked: AskedProfiles) -> dict[str, int]:
    """Count the members of every segment (an action)."""
    counted = build_members_now(asked).groupBy(c.SEGMENT).count().collect()
    return dict.fromkeys(asked.segments, 0) | {row[c.SEGMENT]: int(row[COUNT]) for row in counted}


def fetch_members(asked: AskedProfiles, name: str, limit: int) -> list[Row]:
    """Fetch the first members of a segment by unified_id, with what its conditions read (an action)."""
    members = asked.flagged.where(asked.segments[name].condition)
    return _fetched(members.select(c.UNIFIED_ID, *_read_columns(asked, name)).orderBy(c.UNIFIED_ID).limit(limit))


def fetch_answers(
    asked: AskedProfiles, name: str, unified_ids: Sequence[str] | None = None
) -> dict[str, SegmentAnswer]:
    """Fetch what a segment's conditions come to (an action).

    Args:
        asked: from `ask`.
        name: of the segment.
        unified_ids: of the profiles; None for all.
    Returns: by unified_id.
    """
    of_them = asked.flagged if unified_ids is None else asked.flagged.where(F.col(c.UNIFIED_ID).isin(*unified_ids))
    is_member, truths = asked.segments[name].condition.alias(IS_MEMBER), asked.truths(name).alias(TRUTHS)
    rows = _fetched(of_them.select(c.UNIFIED_ID, is_member, truths, *_read_columns(asked, name)))
    return {row[c.UNIFIED_ID]: SegmentAnswer(row[IS_MEMBER], tuple(row[TRUTHS]), row) for row in rows}


def fetch_differences(asked: AskedProfiles, names: Sequence[str], earlier: AskedProfiles | None = None) -> list[Row]:
    """Fetch who would enter or leave segments, those with the same truths counted together (an action).

    Args:
        asked: from `ask`.
        names: of the segments.
        earlier: the same profiles, asked by the definitions that the release was made with.
    Returns: one row per segment, change, truths and earlier truths: a count, and of each segment and change five
        unified_ids at most.
    """
    member_of = asked.spans.where(F.col(c.EXITED_AT).isNull()).groupBy(c.UNIFIED_ID)
    before = member_of.agg(F.collect_set(c.SEGMENT).alias(_WAS_IN))
    known = asked.flagged.join(before, on=c.UNIFIED_ID, how="left")
    if earlier is not None:
        known = known.join(_earlier_truths(earlier, names), on=c.UNIFIED_ID, how="left")
    moves = F.array(*(_move(asked, name, has_earlier=_is_in(name, earlier)) for name in names))
    moved = known.select(c.UNIFIED_ID, F.inline(F.array_compact(moves)))
    place = F.row_number().over(Window.partitionBy(c.SEGMENT, c.CHANGE).orderBy(c.UNIFIED_ID))
    some = F.collect_list(F.when(F.col(_PLACE) <= _EXAMPLES, F.col(c.UNIFIED_ID)))
    counted = moved.withColumn(_PLACE, place).groupBy(c.SEGMENT, c.CHANGE, TRUTHS, EARLIER)
    return _fetched(counted.agg(F.count(F.lit(1)).alias(COUNT), some.alias(EXAMPLES)))


def _earlier_truths(earlier: AskedProfiles, names: Sequence[str]) -> DataFrame:
    """One row per unified_id: for each segment what its conditions came to by its earlier definition."""
    truths = (earlier.truths(name).alias(f"{EARLIER}.{name}") for name in names if _is_in(name, earlier))
    return earlier.flagged.select(c.UNIFIED_ID, *truths)


def _is_in(name: str, earlier: AskedProfiles | None) -> bool:
    return earlier is not None and name in earlier.trees


def _move(asked: AskedProfiles, name: str, *, has_earlier: bool) -> Column:
    now = asked.segments[name].condition
    before = F.coalesce(F.array_contains(_WAS_IN, F.lit(name)), F.lit(False))
    change = F.when(now, F.lit(ENTER)).otherwise(F.lit(EXIT))
    earlier = F.col(f"`{EARLIER}.{name}`") if has_earlier else F.lit(None).cast("array<boolean>")
    values = {c.SEGMENT: F.lit(name), c.CHANGE: change, TRUTHS: asked.truths(name), EARLIER: earlier}
    return F.when(now != before, F.struct(*(value.alias(column) for column, value in values.items())))


def _read_columns(asked: AskedProfiles, name: str) -> list[Column]:
    """The columns that a segment's conditions read, the profile's id left out."""
    read = {it.column for it in values_of(asked.trees[name])} - {c.UNIFIED_ID}
    return [F.col(f"`{column}`") for column in sorted(read)]


def _fetched(rows: DataFrame) -> list[Row]:
    found: list[Row] = as_table(rows).to_pylist(maps_as_pydicts="strict")
    return found
