"""The segments stage: reads tonight's profiles and the last release; writes memberships and their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.checks.impossible import find_impossible
from cdp_spark.segments.changes import Evidence, build_segment_changes
from cdp_spark.segments.compile import Surroundings, compile_segments
from cdp_spark.segments.members import build_current_members, build_segment_members
from cdp_spark.segments.relations import asked_relations, with_relations
from cdp_spark.tables.catalog import (
    ACCOUNT_MEMBERS,
    HOUSEHOLDS,
    ID_CHANGES,
    PROFILES,
    SEGMENT_CHANGES,
    SEGMENT_MEMBERS,
)
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from cdp_spark.segments.compile import CompiledSegment
    from cdp_spark.tables.run import RunContext


def run(context: RunContext) -> StageResult:
    """Evaluate all segments on tonight's profiles.

    Raises:
        ConfigError: a segment cannot be compiled.
    """
    store, segments = context.store, _compile(context)
    definitions = {segment.name: segment.definition_hash for segment in segments}
    members = build_segment_members(
        build_current_members(_related_profiles(context), segments),
        context.read_released(SEGMENT_MEMBERS),
        definitions=definitions,
        as_of=context.as_of,
    )
    versions = {SEGMENT_MEMBERS.name: store.overwrite(SEGMENT_MEMBERS, members)}
    evidence = Evidence(
        definitions=definitions,
        previous_members=context.read_released(SEGMENT_MEMBERS),
        id_changes=store.read(ID_CHANGES).where(F.col(c.RELEASE) == context.ordinal),
        profiles=store.read(PROFILES),
        previous_profiles=context.read_released(PROFILES),
    )
    tonight = build_segment_changes(store.read(SEGMENT_MEMBERS), evidence, release=context.ordinal)
    earlier = context.read_released(SEGMENT_CHANGES).where(F.col(c.RELEASE) < context.ordinal)
    versions[SEGMENT_CHANGES.name] = store.overwrite(SEGMENT_CHANGES, earlier.unionByName(tonight))
    metrics = _metrics(context, segments)
    return StageResult(versions, metrics, warnings=_warnings(context, metrics))


def _related_profiles(context: RunContext) -> DataFrame:
    store, asked = context.store, asked_relations(context.project.segments)
    return with_relations(store.read(PROFILES), store.read(ACCOUNT_MEMBERS), store.read(HOUSEHOLDS), asked=asked)


def _compile(context: RunContext) -> tuple[CompiledSegment, ...]:
    settings = context.project.settings
    by_name = {segment.name: segment for segment in context.project.segments}
    return compile_segments(Surroundings(by_name, context.now, settings.consent.default == "granted"))


def _warnings(context: RunContext, metrics: Mapping[str, float]) -> tuple[str, ...]:
    """Segments that cannot be what was meant: with a condition that is never true, or without a member."""
    names = [segment.name for segment in context.project.segments]
    empty = [f"segment {name}: it has no members." for name in names if not metrics[f"segments.{name}"]]
    return (*find_impossible(context.project), *empty)


def _metrics(context: RunContext, segments: tuple[CompiledSegment, ...]) -> dict[str, float]:
    members = context.store.read(SEGMENT_MEMBERS).where(F.col(c.EXITED_AT).isNull())
    changes = context.store.read(SEGMENT_CHANGES).where(F.col(c.RELEASE) == context.ordinal)
    sizes = {f"segments.{segment.name}": 0.0 for segment in segments}
    return {**sizes, **_counts(members, c.SEGMENT, "segments."), **_counts(changes, c.CHANGE, "segment_changes.")}


def _counts(rows: DataFrame, column: str, prefix: str) -> dict[str, float]:
    return {f"{prefix}{row[column]}": float(row["count"]) for row in rows.groupBy(column).count().collect()}
