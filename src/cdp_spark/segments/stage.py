"""The segments stage: reads this run's profiles and the last release; writes memberships, changes and `segments`.

A segment that cannot be evaluated, because it fails or asks for what no run has computed, keeps the members that the
last release shows, and is told of. No other segment suffers: those that refer to it see these members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.checks.impossible import find_impossible
from cdp_spark.segments.asked import find_uncomputed, surroundings_of
from cdp_spark.segments.changes import Evidence, build_segment_changes
from cdp_spark.segments.clock import find_clocked
from cdp_spark.segments.compile import compile_segments
from cdp_spark.segments.evaluate import Evaluation, evaluate, fetch_figures
from cdp_spark.segments.members import build_moved_members, build_segment_members
from cdp_spark.segments.traits import asked_traits, changed_people
from cdp_spark.tables.catalog import (
    ID_CHANGES,
    PROFILES,
    SEGMENT_CHANGES,
    SEGMENT_MEMBERS,
    SEGMENTS,
    TRAITS,
    UNIFIED_EVENTS,
)
from cdp_spark.tables.increments.basis import extend_table, keep_table
from cdp_spark.tables.rows import count_by
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.segments.compile import CompiledSegment
    from cdp_spark.tables.run import RunContext

    State = Mapping[str, Any]
    """A row of `segments`."""

FAILED = "segments_failed"
"""The figure of how many segments could not be evaluated."""


def run(context: RunContext) -> StageResult:
    """Evaluate all segments on this run's profiles, and write who came and went, where somebody did.

    One pass over the profiles asks all segments, so profiles are not sorted out before: finding the changed ones takes
    as long, and most projects have a segment that depends on the day.

    Raises:
        ConfigError: a segment cannot be compiled.
    """
    segments = compile_segments(surroundings_of(context.project, now=context.now))
    evaluation = evaluate(context, segments, _uncomputed(context))
    released, states = context.read_released(SEGMENT_MEMBERS), _released_states(context)
    definitions = _definitions(segments, states, evaluation.failures)
    if context.basis is not None and build_moved_members(evaluation.members, released).isEmpty():
        versions = {spec.name: keep_table(context, spec, context.basis) for spec in (SEGMENT_MEMBERS, SEGMENT_CHANGES)}
        detail, figures = "nobody entered or left", context.basis.metrics
        kept = {f"segments.{it.name}": figures.get(f"segments.{it.name}", 0.0) for it in segments}
        metrics = _metrics(context, segments) if context.basis.erased else kept
    else:
        versions, detail = _write(context, evaluation, definitions, states), "members changed"
        metrics = _metrics(context, segments)
    rows = _rows(context, definitions, states, evaluation.failures, metrics)
    versions[SEGMENTS.name] = context.store.overwrite(SEGMENTS, rows)
    if evaluation.failures:
        metrics[FAILED] = float(len(evaluation.failures))
    return StageResult(versions, metrics, detail, (*_told(evaluation.failures), *warn(context.project, metrics)))


def _uncomputed(context: RunContext) -> dict[str, str]:
    """Segments that ask for what is not there, each with the reason."""
    figures = fetch_figures(context)
    found = {it.name: find_uncomputed(it, context.project, figures) for it in context.project.segments}
    return {name: f"not computed: {missing}" for name, missing in found.items() if missing}


def _write(
    context: RunContext, evaluation: Evaluation, definitions: Mapping[str, str], states: Mapping[str, State]
) -> dict[str, int]:
    store = context.store
    released = context.read_released(SEGMENT_MEMBERS)
    spans = build_segment_members(evaluation.members, released, definitions=definitions, as_of=context.as_of)
    versions = {SEGMENT_MEMBERS.name: store.overwrite(SEGMENT_MEMBERS, spans)}
    clocked = find_clocked(context.project)
    events = _events(context) if clocked else ()
    evidence = Evidence(
        definitions,
        {name: state[c.DEFINITION_HASH] for name, state in states.items()},
        released,
        store.read(ID_CHANGES).where(F.col(c.RELEASE) == context.ordinal),
        store.read(PROFILES),
        context.read_released(PROFILES),
        changed_people(store.read(TRAITS), asked_traits(context.project), as_of=context.as_of),
        clocked,
        *events,
    )
    changes = build_segment_changes(store.read(SEGMENT_MEMBERS), evidence, release=context.ordinal)
    versions[SEGMENT_CHANGES.name] = extend_table(context, SEGMENT_CHANGES, changes)
    return versions


def _events(context: RunContext) -> tuple[DataFrame, ...]:
    """This run's events and the last release's, where they are not the same."""
    store, before = context.store, context.base_versions.get(UNIFIED_EVENTS.name)
    if not store.exists(UNIFIED_EVENTS) or before == store.version(UNIFIED_EVENTS):
        return ()
    return store.read(UNIFIED_EVENTS), context.read_released(UNIFIED_EVENTS)


def _released_states(context: RunContext) -> dict[str, State]:
    """The rows of `segments` of the last release, by segment."""
    return {row[c.SEGMENT]: row for row in context.fetch_released(SEGMENTS).to_pylist()}


def _definitions(
    segments: Sequence[CompiledSegment], states: Mapping[str, State], failures: Mapping[str, str]
) -> dict[str, str]:
    """The definition that each segment's members are of."""
    kept = {name: states[name][c.DEFINITION_HASH] for name in failures if name in states}
    return {it.name: kept.get(it.name, it.definition_hash) for it in segments}


def _rows(
    context: RunContext,
    definitions: Mapping[str, str],
    states: Mapping[str, State],
    failures: Mapping[str, str],
    metrics: Mapping[str, float],
) -> pa.Table:
    """What `segments` says."""
    before = {name: state[c.COMPUTED_AT] for name, state in states.items()}
    rows = [
        (
            it.name,
            it.entity_type,
            it.description,
            definitions[it.name],
            before.get(it.name) if it.name in failures else context.as_of,
            "failed" if it.name in failures else "ok",
            failures.get(it.name),
            int(metrics[f"segments.{it.name}"]),
        )
        for it in sorted(context.project.segments, key=lambda it: it.name)
    ]
    return SEGMENTS.table(rows)


def _told(failures: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"segment {name} keeps its previous members, and destinations that use it get nothing: {reason}."
        for name, reason in sorted(failures.items())
    )


def warn(project: Project, figures: Mapping[str, float]) -> tuple[str, ...]:
    """Name segments that cannot be what was meant: with a condition that is never true, or without a member."""
    names = [segment.name for segment in project.segments]
    empty = [f"segment {name}: it has no members." for name in names if not figures[f"segments.{name}"]]
    return (*find_impossible(project), *empty)


def _metrics(context: RunContext, segments: Sequence[CompiledSegment]) -> dict[str, float]:
    members = context.store.read(SEGMENT_MEMBERS).where(F.col(c.EXITED_AT).isNull())
    changes = context.store.read(SEGMENT_CHANGES).where(F.col(c.RELEASE) == context.ordinal)
    sizes = {f"segments.{segment.name}": 0.0 for segment in segments}
    return {**sizes, **_counts(members, c.SEGMENT, "segments."), **_counts(changes, c.CHANGE, "segment_changes.")}


def _counts(rows: DataFrame, column: str, prefix: str) -> dict[str, float]:
    return {f"{prefix}{value}": float(count) for value, count in count_by(rows, column).items()}
