"""All segments asked at once; where that fails, the ones that fail are found, and keep the members that they had."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.segments.asked import build_asked_profiles, read_relations
from cdp_spark.segments.members import build_current_members
from cdp_spark.session.files import JAVA_ERRORS
from cdp_spark.tables.catalog import PROFILES, RUNS, SCORES, SEGMENT_MEMBERS, TRAITS
from cdp_spark.tables.checkpoint import checkpoint
from cdp_spark.tables.failures import condition_of
from cdp_spark.tables.rows import texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.segments.compile import CompiledSegment
    from cdp_spark.tables.run import RunContext

_MAKERS = (TRAITS.name, SCORES.name)
"""Stages that make what segments ask for, called as their tables are."""


@dataclass(frozen=True)
class Evaluation:
    """Who is in which segment.

    Args:
        members: one row per segment and member, computed; of a segment that failed, those of the last release.
        failures: reason by segment that could not be evaluated.
    """

    members: DataFrame
    failures: Mapping[str, str]


def fetch_figures(context: RunContext) -> dict[str, dict[str, float]]:
    """The figures with which the stages that make traits and scores finished last, by stage."""
    only = {c.STAGE: texts(_MAKERS), c.STATUS: texts(["finished"])}
    if not context.store.exists(RUNS):
        return {}
    rows = context.store.fetch(RUNS, (c.STAGE, c.ORDINAL, c.AT, c.METRICS), only=only).to_pylist()
    ordered = sorted(rows, key=lambda row: (row[c.ORDINAL], row[c.AT]))
    return {row[c.STAGE]: dict(row[c.METRICS] or ()) for row in ordered}


def evaluate(context: RunContext, segments: Sequence[CompiledSegment], uncomputed: Mapping[str, str]) -> Evaluation:
    """Ask all segments of this run's profiles, in one pass where none fails (an action).

    Args:
        context: of the run.
        segments: of the project.
        uncomputed: reason by segment that is not asked at all.
    """
    asked = build_asked_profiles(context.store.read, context.project, now=context.as_of)
    failures = dict(uncomputed)
    try:
        return Evaluation(checkpoint(_members(context, asked, segments, failures)), failures)
    except (PySparkException, *JAVA_ERRORS):
        found = _find_failing(context, asked, segments, failures)
        if not found or (len(found) > 1 and len(found) == len(segments) - len(failures)):
            raise  # it is not the segments
    failures |= found
    return Evaluation(checkpoint(_members(context, asked, segments, failures)), failures)


def _members(
    context: RunContext, asked: DataFrame, segments: Sequence[CompiledSegment], failures: Mapping[str, str]
) -> DataFrame:
    relations = read_relations(context.store.read)
    if not failures:
        return build_current_members(asked, segments, relations)
    before = context.read_released(SEGMENT_MEMBERS).where(F.col(c.EXITED_AT).isNull())
    there = context.store.read(PROFILES).select(c.UNIFIED_ID)
    kept = before.where(F.col(c.SEGMENT).isin(*failures)).join(there, on=c.UNIFIED_ID, how="left_semi")
    flags = [F.max(F.when(F.col(c.SEGMENT) == name, F.lit(True))).alias(_kept_flag(name)) for name in sorted(failures)]
    flagged = asked.join(kept.groupBy(c.UNIFIED_ID).agg(*flags), on=c.UNIFIED_ID, how="left")
    replaced = [_as_it_was(it) if it.name in failures else it for it in segments]
    others = build_current_members(flagged, replaced, relations).where(~F.col(c.SEGMENT).isin(*failures))
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
            _members(context, asked, alone, {**failures, **found}).where(F.col(c.SEGMENT) == segment.name).count()
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
