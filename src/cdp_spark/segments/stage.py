"""The segments stage: reads tonight's profiles and the last release; writes memberships and their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.checks.impossible import find_impossible
from cdp_spark.segments.asked import build_asked_profiles, surroundings_of
from cdp_spark.segments.changes import Evidence, build_segment_changes
from cdp_spark.segments.compile import compile_segments
from cdp_spark.segments.members import build_current_members, build_moved_members, build_segment_members
from cdp_spark.segments.traits import asked_traits, changed_people
from cdp_spark.tables.catalog import (
    ID_CHANGES,
    PROFILES,
    SEGMENT_CHANGES,
    SEGMENT_MEMBERS,
    TRAITS,
)
from cdp_spark.tables.checkpoint import checkpoint
from cdp_spark.tables.increments.basis import extend_table, keep_table
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.segments.compile import CompiledSegment
    from cdp_spark.tables.run import RunContext


def run(context: RunContext) -> StageResult:
    """Evaluate all segments on this run's profiles, and write who came and went, where somebody did.

    One pass over the profiles asks all segments, so profiles are not sorted out before: finding the changed ones takes
    as long, and most projects have a segment that depends on the day.

    Raises:
        ConfigError: a segment cannot be compiled.
    """
    segments = compile_segments(surroundings_of(context.project, now=context.now))
    profiles = build_asked_profiles(context.store.read, context.project, now=context.as_of)
    members = checkpoint(build_current_members(profiles, segments))
    released = context.read_released(SEGMENT_MEMBERS)
    if context.basis is not None and build_moved_members(members, released).isEmpty():
        versions = {spec.name: keep_table(context, spec, context.basis) for spec in (SEGMENT_MEMBERS, SEGMENT_CHANGES)}
        detail, figures = "nobody entered or left", context.basis.metrics
        kept = {name: size for name, size in figures.items() if name.startswith("segments.")}
        metrics = _metrics(context, segments) if context.basis.erased else kept
    else:
        versions, detail = _write(context, segments, members), "members changed"
        metrics = _metrics(context, segments)
    return StageResult(versions, metrics, detail, warn(context.project, metrics))


def _write(context: RunContext, segments: tuple[CompiledSegment, ...], current: DataFrame) -> dict[str, int]:
    store = context.store
    definitions = {segment.name: segment.definition_hash for segment in segments}
    released = context.read_released(SEGMENT_MEMBERS)
    spans = build_segment_members(current, released, definitions=definitions, as_of=context.as_of)
    versions = {SEGMENT_MEMBERS.name: store.overwrite(SEGMENT_MEMBERS, spans)}
    evidence = Evidence(
        definitions=definitions,
        previous_members=released,
        id_changes=store.read(ID_CHANGES).where(F.col(c.RELEASE) == context.ordinal),
        profiles=store.read(PROFILES),
        previous_profiles=context.read_released(PROFILES),
        traits_changed=changed_people(store.read(TRAITS), asked_traits(context.project), as_of=context.as_of),
    )
    changes = build_segment_changes(store.read(SEGMENT_MEMBERS), evidence, release=context.ordinal)
    versions[SEGMENT_CHANGES.name] = extend_table(context, SEGMENT_CHANGES, changes)
    return versions


def warn(project: Project, figures: Mapping[str, float]) -> tuple[str, ...]:
    """Name segments that cannot be what was meant: with a condition that is never true, or without a member."""
    names = [segment.name for segment in project.segments]
    empty = [f"segment {name}: it has no members." for name in names if not figures[f"segments.{name}"]]
    return (*find_impossible(project), *empty)


def _metrics(context: RunContext, segments: tuple[CompiledSegment, ...]) -> dict[str, float]:
    members = context.store.read(SEGMENT_MEMBERS).where(F.col(c.EXITED_AT).isNull())
    changes = context.store.read(SEGMENT_CHANGES).where(F.col(c.RELEASE) == context.ordinal)
    sizes = {f"segments.{segment.name}": 0.0 for segment in segments}
    return {**sizes, **_counts(members, c.SEGMENT, "segments."), **_counts(changes, c.CHANGE, "segment_changes.")}


def _counts(rows: DataFrame, column: str, prefix: str) -> dict[str, float]:
    return {f"{prefix}{row[column]}": float(row["count"]) for row in rows.groupBy(column).count().collect()}
