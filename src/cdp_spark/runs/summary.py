"""What a finished run came to: its figures, and its HTML report in the project's folder for reports."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.report import Accuracy, build_report_data, write_report
from cdp_spark.report.data import ComparisonWeight
from cdp_spark.report.flows import add_flows, read_sources, read_unread_values
from cdp_spark.report.gather import read_exports
from cdp_spark.resolution.models import newest_model
from cdp_spark.runs.releases import latest_release
from cdp_spark.tables.catalog import DELIVERIES, PROFILES, SEGMENT_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.project import Project
    from cdp_spark.report.data import ExportFact, SourceFlow, UnreadValues
    from cdp_spark.runs.releases import Release
    from cdp_spark.runs.run_log import Run, StageOutcome
    from cdp_spark.tables.store import Store


@dataclass(frozen=True)
class RunSummary:
    """A run that ended well.

    Args:
        run: the run with its stages' outcomes, those of an earlier start included.
        resumed: True for a run that continued a killed one.
        release: the release that readers see now; None before the first.
        sources: the rows that each source delivered to this run, by what became of them.
        unread_values: values that could not be read, by source and column.
        warnings: of all stages.
        profiles: profiles in the release by entity type.
        segments: members in the release by segment.
        exports: deliveries of the release.
        report: the run's HTML report; None where none was written.
    """

    run: Run
    resumed: bool
    release: Release | None
    sources: tuple[SourceFlow, ...]
    unread_values: tuple[UnreadValues, ...]
    warnings: tuple[str, ...]
    profiles: Mapping[str, int]
    segments: Mapping[str, int]
    exports: tuple[ExportFact, ...]
    report: Path | None = None

    @property
    def outcomes(self) -> tuple[StageOutcome, ...]:
        """The stages' outcomes in order."""
        return tuple(self.run.finished.values())

    @property
    def all_sources(self) -> SourceFlow:
        """The rows of all sources, by what became of them."""
        return add_flows(self.sources)

    @property
    def metrics(self) -> dict[str, float]:
        """All figures of the run by name."""
        return {name: value for outcome in self.outcomes for name, value in outcome.metrics.items()}


def summarise(store: Store, run: Run, *, resumed: bool) -> RunSummary:
    """Gather a run's figures, and those of the release that readers see now."""
    release = latest_release(store)
    metrics = {name: value for outcome in run.finished.values() for name, value in outcome.metrics.items()}
    return RunSummary(
        run=run,
        resumed=resumed,
        release=release,
        sources=read_sources(_metrics_of(run, "ingest")),
        unread_values=read_unread_values(_metrics_of(run, "ingest"), _metrics_of(run, "standardise")),
        warnings=tuple(warning for outcome in run.finished.values() for warning in outcome.warnings),
        profiles=_profile_counts(store, release) if release else {},
        segments=_without_members(metrics) | _segment_sizes(store, release) if release else {},
        exports=read_exports(store.read(DELIVERIES).where(F.col(c.RELEASE) == release.number)) if release else (),
    )


def _metrics_of(run: Run, stage: str) -> Mapping[str, float]:
    return run.finished[stage].metrics if stage in run.finished else {}


def _profile_counts(store: Store, release: Release) -> dict[str, int]:
    counts = release.read(store, PROFILES).groupBy(c.ENTITY_TYPE).count().orderBy(c.ENTITY_TYPE)
    return {row[c.ENTITY_TYPE]: row["count"] for row in counts.collect()}


def _without_members(metrics: Mapping[str, float]) -> dict[str, int]:
    """The segments that the run asked and that nobody is in."""
    sizes = {name.removeprefix("segments."): size for name, size in metrics.items() if name.startswith("segments.")}
    return {name: 0 for name, size in sorted(sizes.items()) if not size}


def _segment_sizes(store: Store, release: Release) -> dict[str, int]:
    members = release.read(store, SEGMENT_MEMBERS).where(F.col(c.EXITED_AT).isNull())
    return {row[c.SEGMENT]: row["count"] for row in members.groupBy(c.SEGMENT).count().orderBy(c.SEGMENT).collect()}


log = logging.getLogger(__name__)

_FOLDER = "report"


def report_folder(project: Project) -> Path:
    """Where the project's reports are: as it says, else beside a warehouse that is a folder, else in the project."""
    warehouse, folder = project.settings.warehouse.path, Path(project.folder)
    if project.settings.report is not None:
        return (folder / project.settings.report).resolve()
    local = warehouse is not None and ":" not in warehouse
    return ((folder / str(warehouse)).resolve().parent if local else folder.resolve()) / _FOLDER


def write_run_report(
    store: Store, project: Project, summary: RunSummary, *, accuracy: tuple[Accuracy, ...] = ()
) -> Path | None:
    """Write a finished run's report.

    What the run published is there whether or not it can be told of, so a folder that cannot be written is a warning.

    Args:
        store: the warehouse.
        project: says where to.
        summary: of the run.
        accuracy: against a truth, where there is one.
    Returns: the file; None where it could not be written.
    """
    versions = summary.release.versions if summary.release else {}
    data = build_report_data(store, summary.run.run_id, versions, accuracy=accuracy)
    zone = ZoneInfo(project.settings.time_zone)
    data = replace(
        data,
        as_of=data.as_of.astimezone(zone),
        project=project.settings.name,
        comparisons=_comparison_weights(store, project),
    )
    folder = report_folder(project)
    try:
        return write_report(data, folder)
    except OSError as error:
        log.warning("the report could not be written to %s: %s", folder, error.strerror)
        return None


def _comparison_weights(store: Store, project: Project) -> tuple[ComparisonWeight, ...]:
    """What each comparison of the applied match models says most for a match, and most against one."""
    found = []
    for entity_type in project.match.entities:
        version, model = newest_model(store, entity_type)
        if model is not None:
            found += [ComparisonWeight(entity_type, version, *weights) for weights in model.comparison_weights()]
    return tuple(found)
