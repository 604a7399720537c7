"""What another configuration would do to ids and segments, found out beside the warehouse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.resolution.models import FittedBy, evidence_of, fit_next_model, newest_model
from cdp_spark.runs.comparison.compare import IdDiff, compare_ids
from cdp_spark.runs.releases import append_release, current_release
from cdp_spark.runs.run_log import read_runs
from cdp_spark.runs.runner import run_stages
from cdp_spark.tables.catalog import (
    CLUSTERS,
    CONSENTS,
    CUTS,
    GOLD,
    IDENTIFIERS,
    LABELS,
    MATCH_MODELS,
    OUTDATED_RECORDS,
    PAIR_SCORES,
    PROFILES,
    RECORDS,
    RUNS,
    SEGMENT_MEMBERS,
    SOURCE_EVENTS,
    UNIFIED_IDS,
)
from cdp_spark.tables.creation import clone_tables
from cdp_spark.tables.lock import hold_warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Row

    from cdp_spark.config.project import Project
    from cdp_spark.runs.plan import RunOptions
    from cdp_spark.runs.releases import Release
    from cdp_spark.tables.store import Store

FIRST, LAST = "matching", "segments"
_READ = (
    *(RECORDS, IDENTIFIERS, LABELS, MATCH_MODELS, PAIR_SCORES, OUTDATED_RECORDS),
    *(CLUSTERS, CUTS, CONSENTS, SOURCE_EVENTS, RUNS),
)
_EXAMPLES = 5


@dataclass(frozen=True)
class SegmentDiff:
    """What would happen to a segment.

    Args:
        before: members in the release; None where it is new.
        now: members under the other configuration; None where that does not have it.
        enters: ids that would enter; those of merged and split profiles count, too.
        exits: ids that would leave.
        examples: up to five ids that would enter, and five that would leave.
    """

    before: int | None
    now: int | None
    enters: int
    exits: int
    examples: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class WhatIf:
    """What another configuration would do.

    Args:
        release: that it is compared with.
        ids: what would become of ids.
        profiles: profiles by entity type, before and after.
        segments: by name.
        fitted: entity types for which a model was fitted, as rules or comparisons differ from the pinned model's.
        notes: what the comparison does not show.
    """

    release: int
    ids: IdDiff
    profiles: Mapping[str, tuple[int, int]]
    segments: Mapping[str, SegmentDiff]
    fitted: tuple[str, ...]
    notes: tuple[str, ...]


def what_if(
    store: Store, project: Project, other: Project, scratch: Store, options: RunOptions, *, first: str = FIRST
) -> WhatIf:
    """Run the stages up to the segments under another configuration, on the records of the last run, in another place.

    The place starts as a clone that shares the warehouse's files, with the current release as the last one, and has
    that release's clock: so whatever differs comes from the configuration. Nothing of the warehouse changes. All stages
    run in full: the versions that the runs recorded are not the clones'.

    Args:
        store: the warehouse.
        project: whose it is; its namespace of ids counts.
        other: the configuration that is tried.
        scratch: an empty place.
        options: progress and stages; the clock is the release's.
        first: the stage to begin with.

    Raises:
        StateError: nothing was published yet, a run is going on, or the place is not empty.
        CdpError: what a stage raises.
    """
    release = current_release(store)
    with hold_warehouse(store):
        _clone(store, scratch, release)
    tried = other.model_copy(
        update={"settings": other.settings.model_copy(update={"namespace": project.settings.namespace})}
    )
    clock = next((run.as_of for run in read_runs(scratch) if run.run_id == release.run_id), None)
    if clock is None:
        raise StateError(f"run {release.run_id}", got="not recorded", allowed="the run of the current release")
    fitted = _fit_where_needed(scratch, tried, FittedBy("what-if", clock)) if first == FIRST else ()
    run_stages(scratch, tried, replace(options, as_of=clock, report=False, full=True), first=first, last=LAST)
    return WhatIf(
        release=release.number,
        ids=compare_ids(release.read(store, UNIFIED_IDS), scratch.read(UNIFIED_IDS)),
        profiles=_profiles(release.read(store, PROFILES), scratch.read(PROFILES)),
        segments=_segments(release.read(store, SEGMENT_MEMBERS), scratch.read(SEGMENT_MEMBERS), project, other),
        fitted=fitted,
        notes=_notes(project, other),
    )


def _clone(store: Store, scratch: Store, release: Release) -> None:
    """The tables that the stages read, the golden ones as released, and a release of the clones' own versions."""
    head = clone_tables(store, _READ, scratch, versions={})
    gold = [spec for spec in GOLD if spec.name in release.versions]
    versions = clone_tables(store, gold, scratch, versions=release.versions)
    if RECORDS.name not in head:
        raise StateError("cdp what-if", got="no records", fix="run `cdp run nightly` first")
    append_release(scratch, replace(release, versions=versions))


def _fit_where_needed(scratch: Store, project: Project, by: FittedBy) -> tuple[str, ...]:
    """A model for every entity type whose rules or comparisons are not the pinned model's."""
    fitted = []
    for entity_type, match in project.match.entities.items():
        _, model = newest_model(scratch, entity_type)
        if model is not None and evidence_of(model.match) != evidence_of(match):
            fit_next_model(scratch, entity_type, match, by=by)
            fitted.append(entity_type)
    return tuple(fitted)


def _profiles(before: DataFrame, now: DataFrame) -> dict[str, tuple[int, int]]:
    counts = [
        {row[c.ENTITY_TYPE]: int(row["count"]) for row in profiles.groupBy(c.ENTITY_TYPE).count().collect()}
        for profiles in (before, now)
    ]
    return {kind: (counts[0].get(kind, 0), counts[1].get(kind, 0)) for kind in sorted({*counts[0], *counts[1]})}


def _segments(before: DataFrame, now: DataFrame, project: Project, other: Project) -> dict[str, SegmentDiff]:
    member, side = [c.SEGMENT, c.UNIFIED_ID], "side"
    old, new = (spans.where(F.col(c.EXITED_AT).isNull()).select(*member) for spans in (before, now))
    kinds = [
        old.join(new, on=member, how="left_anti").withColumn(side, F.lit("exits")),
        new.join(old, on=member, how="left_anti").withColumn(side, F.lit("enters")),
        new.join(old, on=member, how="left_semi").withColumn(side, F.lit("stays")),
    ]
    place = F.row_number().over(Window.partitionBy(c.SEGMENT, side).orderBy(c.UNIFIED_ID))
    ranked = reduce(DataFrame.unionByName, kinds).withColumn("place", place)
    some = F.array_sort(F.collect_list(F.when(F.col("place") <= _EXAMPLES, F.col(c.UNIFIED_ID)))).alias("examples")
    rows = ranked.groupBy(c.SEGMENT, side).agg(F.count(F.lit(1)).alias("count"), some)
    found = {(row[c.SEGMENT], row[side]): row for row in rows.collect()}
    defined = [{segment.name for segment in each.segments} for each in (project, other)]
    names = sorted({*defined[0], *defined[1], *(segment for segment, _ in found)})
    return {name: _segment(name, found, *(name in each for each in defined)) for name in names}


def _segment(name: str, found: Mapping[tuple[str, str], Row], was: bool, is_now: bool) -> SegmentDiff:
    count = {side: int(found[name, side]["count"]) if (name, side) in found else 0 for side in _SIDES}
    examples = {side: tuple(found[name, side]["examples"]) for side in _SIDES[:2] if (name, side) in found}
    before, now = count["stays"] + count["exits"], count["stays"] + count["enters"]
    return SegmentDiff(
        before if was or before else None, now if is_now else None, count["enters"], count["exits"], examples
    )


_SIDES = ("enters", "exits", "stays")


def _notes(project: Project, other: Project) -> tuple[str, ...]:
    notes = []
    if project.sources != other.sources:
        notes.append("sources differ: records are those of the last run, ingested and standardised as configured then")
    if project.settings.namespace != other.settings.namespace:
        notes.append("the namespace differs: the warehouse's was used; with the other one every new id would differ")
    return tuple(notes)
