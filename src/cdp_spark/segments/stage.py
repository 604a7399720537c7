"""The segments stage: reads this run's profiles and the last release; writes memberships, changes and `segments`.

A segment that cannot be evaluated, because it fails or asks for what no run has computed, keeps the members that the
last release shows, and is told of. No other segment suffers: those that refer to it see these members.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.checks.impossible import find_impossible
from cdp_spark.segments.asked import find_uncomputed, surroundings_of
from cdp_spark.segments.changes import Evidence, build_identity_reasons, build_moves, explain_moves
from cdp_spark.segments.clock import find_clocked
from cdp_spark.segments.compile import compile_segments
from cdp_spark.segments.evaluate import Evaluation, evaluate, fetch_figures
from cdp_spark.segments.extent import find_extent
from cdp_spark.segments.members import build_segment_members
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
from cdp_spark.tables.checkpoint import checkpoint, checkpoint_and_count, unite_distinct
from cdp_spark.tables.increments.basis import extend_table, keep_table
from cdp_spark.tables.increments.difference import read_changed_since
from cdp_spark.tables.rows import count_by
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.segments.compile import CompiledSegment
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec

    State = Mapping[str, Any]
    """A row of `segments`."""

FAILED = "segments_failed"
"""The figure of how many segments could not be evaluated."""


def run(context: RunContext) -> StageResult:
    """Evaluate the segments on this run's profiles, and write who came and went, where somebody did.

    Raises:
        ConfigError: a segment cannot be compiled.
    """
    segments = compile_segments(surroundings_of(context.project, now=context.now))
    uncomputed, states = _uncomputed(context), _released_states(context)
    has_failed = context.basis is not None and bool(context.basis.metrics.get(FAILED))
    evaluation = evaluate(context, segments, uncomputed, None if uncomputed or has_failed else find_extent(context))
    definitions = _definitions(segments, states, evaluation.failures)
    moves = _moves(context, evaluation)
    if moves is not None and not moves.count and not (evaluation.failures or has_failed):
        versions, metrics = _keep(context, segments)
        detail = "nobody entered or left"
    else:
        versions, detail = _write(context, evaluation, moves, definitions, states), "members changed"
        metrics = _metrics(context, segments)
    rows = _rows(context, definitions, states, evaluation.failures, metrics)
    versions[SEGMENTS.name] = context.store.overwrite(SEGMENTS, rows)
    if evaluation.failures:
        metrics[FAILED] = float(len(evaluation.failures))
    return StageResult(versions, metrics, detail, (*_told(evaluation.failures), *warn(context.project, metrics)))


def _moves(context: RunContext, evaluation: Evaluation) -> CountedFrame | None:
    """Who came and went (an action); None where there is no basis, and all may have."""
    if context.basis is None:
        return None
    return checkpoint_and_count(build_moves(evaluation.members, _asked_again(context, evaluation)))


def _asked_again(context: RunContext, evaluation: Evaluation) -> DataFrame:
    released = context.read_released(SEGMENT_MEMBERS)
    return released if evaluation.extent is None else evaluation.extent.asked_again(released)


def _keep(context: RunContext, segments: Sequence[CompiledSegment]) -> tuple[dict[str, int], dict[str, float]]:
    """Leave members and changes as they are."""
    assert context.basis is not None, "moves are told from a basis"
    versions = {spec.name: keep_table(context, spec, context.basis) for spec in (SEGMENT_MEMBERS, SEGMENT_CHANGES)}
    figures = context.basis.metrics
    kept = {f"segments.{it.name}": figures.get(f"segments.{it.name}", 0.0) for it in segments}
    return versions, _metrics(context, segments) if context.basis.erased else kept


def _uncomputed(context: RunContext) -> dict[str, str]:
    """Segments that ask for what is not there, each with the reason."""
    figures = fetch_figures(context)
    found = {it.name: find_uncomputed(it, context.project, figures) for it in context.project.segments}
    return {name: f"not computed: {missing}" for name, missing in found.items() if missing}


def _write(
    context: RunContext,
    evaluation: Evaluation,
    moves: CountedFrame | None,
    definitions: Mapping[str, str],
    states: Mapping[str, State],
) -> dict[str, int]:
    previous, members = _asked_again(context, evaluation), evaluation.members
    spans = build_segment_members(members, previous, definitions=definitions, as_of=context.as_of)
    if evaluation.extent is not None:
        spans = spans.unionByName(evaluation.extent.left_alone(context.read_released(SEGMENT_MEMBERS)))
    versions = {SEGMENT_MEMBERS.name: context.store.overwrite(SEGMENT_MEMBERS, spans)}
    unchanged = {name for name, it in definitions.items() if name in states and states[name][c.DEFINITION_HASH] == it}
    moved = build_moves(members, previous) if moves is None else moves.rows
    if moves is None and unchanged:
        moved = checkpoint(moved)
    changes = explain_moves(moved, _evidence(context, moved, unchanged), release=context.ordinal)
    versions[SEGMENT_CHANGES.name] = extend_table(context, SEGMENT_CHANGES, changes)
    return versions


def _evidence(context: RunContext, moved: DataFrame, unchanged: Collection[str]) -> Evidence:
    """What is known of those who moved for another reason than the definition."""
    store, asked, clocked = context.store, asked_traits(context.project), find_clocked(context.project)
    concerned = moved.where(F.col(c.SEGMENT).isin(*unchanged)) if unchanged else moved.limit(0)
    people = unite_distinct([concerned.select(c.UNIFIED_ID)])
    with_other_traits = changed_people(store.read(TRAITS), asked, as_of=context.as_of)
    return Evidence(
        unchanged,
        clocked,
        build_identity_reasons(store.read(ID_CHANGES).where(F.col(c.RELEASE) == context.ordinal), people.joinable),
        _changed(context, PROFILES, [it for it in PROFILES.schema.names if it != c.CONSENTS], people),
        _changed(context, PROFILES, [c.CONSENTS], people),
        _among(with_other_traits, people) if asked else people.rows.limit(0),
        _changed(context, UNIFIED_EVENTS, UNIFIED_EVENTS.schema.names, people) if clocked else people.rows.limit(0),
    )


def _changed(context: RunContext, spec: TableSpec, columns: Sequence[str], people: CountedFrame) -> DataFrame:
    """Who of some people has rows that the last release did not have, or had otherwise."""
    before = context.base_versions.get(spec.name, -1)
    counts = partial(_among, people=people)
    return read_changed_since(context.store, spec, before, key=(c.UNIFIED_ID,), columns=columns, counts=counts)


def _among(rows: DataFrame, people: CountedFrame) -> DataFrame:
    return rows.join(people.joinable, on=c.UNIFIED_ID, how="left_semi")


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
