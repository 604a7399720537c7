"""All segments asked at once; where that fails, the ones that fail are found, and keep the members that they had."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.segments.asked import build_asked_profiles, read_relations
from cdp_spark.segments.members import build_memberships, spread_memberships
from cdp_spark.session.files import JAVA_ERRORS
from cdp_spark.tables.catalog import PROFILES, RUNS, SCORES, SEGMENT_MEMBERS, TRAITS
from cdp_spark.tables.checkpoint import checkpoint_and_count
from cdp_spark.tables.failures import condition_of
from cdp_spark.tables.rows import texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.segments.compile import CompiledSegment
    from cdp_spark.segments.derived import Relations
    from cdp_spark.segments.extent import Extent
    from cdp_spark.tables.run import RunContext

_MAKERS = (TRAITS.name, SCORES.name)
"""Stages that make what segments ask for, called as their tables are."""


@dataclass(frozen=True)
class Evaluation:
    """Who is in which segment.

    Args:
        members: one row per segment and member, computed; of a segment that failed, those of the last release.
        failures: reason by segment that could not be evaluated.
        extent: who was asked; `members` are as far as they were. None for everyone.
    """

    members: DataFrame
    failures: Mapping[str, str]
    extent: Extent | None = None


def fetch_figures(context: RunContext) -> dict[str, dict[str, float]]:
    """The figures with which the stages that make traits and scores finished last, by stage."""
    only = {c.STAGE: texts(_MAKERS), c.STATUS: texts(["finished"])}
    if not context.store.exists(RUNS):
        return {}
    rows = context.store.fetch(RUNS, (c.STAGE, c.ORDINAL, c.AT, c.METRICS), only=only).to_pylist()
    ordered = sorted(rows, key=lambda row: (row[c.ORDINAL], row[c.AT]))
    return {row[c.STAGE]: dict(row[c.METRICS] or ()) for row in ordered}


def evaluate(
    context: RunContext, segments: Sequence[CompiledSegment], uncomputed: Mapping[str, str], extent: Extent | None
) -> Evaluation:
    """Ask all segments of this run's profiles, in one pass or two where none fails (an action).

    Args:
        context: of the run.
        segments: of the project.
        uncomputed: reason by segment that is not asked at all.
        extent: whom to ask; None for everyone.
    """
    failures = dict(uncomputed)
    try:
        if extent is not None:
            return Evaluation(_members_within(context, segments, extent), {}, extent)
        return Evaluation(_members(context, _asked(context), segments, failures), failures)
    except (PySparkException, *JAVA_ERRORS):
        found = _find_failing(context, _asked(context), segments, failures)
        if not found or (len(found) > 1 and len(found) == len(segments) - len(failures)):
            raise  # it is not the segments
    failures |= found
    return Evaluation(_members(context, _asked(context), segments, failures), failures)


def _asked(context: RunContext) -> DataFrame:
    return build_asked_profiles(context.store.read, context.project, now=context.as_of)


def _members_within(context: RunContext, segments: Sequence[CompiledSegment], extent: Extent) -> DataFrame:
    """Members as far as they are asked again."""
    of_all, of_some = extent.parts_of(context.project)
    by_name = {it.name: it for it in segments}
    own = [it for it in segments if it.name in extent.own]
    asked = build_asked_profiles(partial(extent.of_people, context), of_some, now=context.as_of)
    found = _kept(asked, own, None)
    if not of_all.segments:
        return found
    named = {it.name for it in of_all.segments}
    below = named.union(*(_below(by_name[name], by_name) for name in named))
    needed = [it for it in segments if it.name in below]
    read = of_all.model_copy(update={"segments": tuple(it for it in context.project.segments if it.name in below)})
    everyone = build_asked_profiles(context.store.read, read, now=context.as_of)
    others = _kept(everyone, needed, read_relations(context.store.read))
    return found.unionByName(others.where(F.col(c.SEGMENT).isin(*named)))


def _kept(asked: DataFrame, segments: Sequence[CompiledSegment], relations: Relations | None) -> DataFrame:
    """Members, computed once (an action); so an error of a condition is raised here."""
    kept = checkpoint_and_count(build_memberships(asked, segments, relations))
    return spread_memberships(kept.rows, segments)


def _members(
    context: RunContext, asked: DataFrame, segments: Sequence[CompiledSegment], failures: Mapping[str, str]
) -> DataFrame:
    relations = read_relations(context.store.read)
    if not failures:
        return _kept(asked, segments, relations)
    before = context.read_released(SEGMENT_MEMBERS).where(F.col(c.EXITED_AT).isNull())
    there = context.store.read(PROFILES).select(c.UNIFIED_ID)
    kept = before.where(F.col(c.SEGMENT).isin(*failures)).join(there, on=c.UNIFIED_ID, how="left_semi")
    flags = [F.max(F.when(F.col(c.SEGMENT) == name, F.lit(True))).alias(_kept_flag(name)) for name in sorted(failures)]
    flagged = asked.join(kept.groupBy(c.UNIFIED_ID).agg(*flags), on=c.UNIFIED_ID, how="left")
    replaced = [_as_it_was(it) if it.name in failures else it for it in segments]
    others = _kept(flagged, replaced, relations).where(~F.col(c.SEGMENT).isin(*failures))
    return others.unionByName(kept.select(*others.columns))


def _kept_flag(name: str) -> str:
    return f"was_in_segment.{name}"


def _as_it_was(segment: CompiledSegment) -> CompiledSegment:
    """A segment that is what the last release shows, for those that refer to it."""
    was_in = F.coalesce(F.col(f"`{_kept_flag(segment.name)}`"), F.lit(False))
    return replace(segment, condition=was_in, refers_to=(), depth=0, derived=(), distance=None)


def _find_failing(
    context: RunContext, asked: DataFrame, segments: Sequence[CompiledSegment], failures: Mapping[str, str]
) -> dict[str, str]:
    """Ask each segment by itself, after those that it refers to; those that fail, with the reason."""
    found: dict[str, str] = {}
    for segment in (it for it in segments if it.name not in failures):
        names = {segment.name, *_below(segment, {it.name: it for it in segments})}
        alone = [it for it in segments if it.name in names]
        try:
            _members(context, asked, alone, {**failures, **found})
        except (PySparkException, *JAVA_ERRORS) as error:
            found[segment.name] = f"its evaluation ended with {condition_of(error)}"
    return found


def _below(segment: CompiledSegment, by_name: Mapping[str, CompiledSegment]) -> set[str]:
    """All that a segment refers to, directly or not."""
    found: set[str] = set()
    rest = list(segment.refers_to)
    while rest:
        name = rest.pop()
        if name not in found:
            found.add(name)
            rest += by_name[name].refers_to
    return found
