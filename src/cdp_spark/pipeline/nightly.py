"""Running the stages: in order, once each, continued where a killed run stopped."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cdp_spark.errors import CdpError
from cdp_spark.pipeline.releases.publish import ReleaseRefusedError
from cdp_spark.pipeline.releases.release import current_release, latest_release
from cdp_spark.pipeline.report import write_run_report
from cdp_spark.pipeline.runs.plan import RunOptions, begin_run
from cdp_spark.pipeline.runs.skew import newest_spark_stage, read_skew
from cdp_spark.pipeline.runs.state import (
    FAILED,
    FINISHED,
    REFUSED,
    RUN_STAGE,
    Run,
    StageOutcome,
    last_finish,
    read_runs,
    record,
    record_metrics,
)
from cdp_spark.pipeline.runs.summary import RunSummary, summarise
from cdp_spark.pipeline.stages import ACTIVATION, IDENTITY, STAGES, StageEvent, stages_between
from cdp_spark.tables.lock import hold_warehouse
from cdp_spark.tables.run import RunContext

if TYPE_CHECKING:
    from cdp_spark.config.project import Project
    from cdp_spark.pipeline.releases.release import Release
    from cdp_spark.tables.lock.holder import Lock
    from cdp_spark.tables.run import LastFinish
    from cdp_spark.tables.store import Store

log = logging.getLogger(__name__)

_DEFAULTS = RunOptions()
_VERSIONS_KEPT = timedelta(days=6)
"""A day less than the age from which `VACUUM` removes the files of older versions by default."""


def nightly(store: Store, project: Project, options: RunOptions = _DEFAULTS) -> RunSummary:
    """Run all stages, publish, send the segments out, and report; continue a nightly run that was killed.

    Raises:
        StateError: another run holds the warehouse, or `as_of` does not fit.
        ReleaseRefusedError: a gate is closed; the last release stays.
        CdpError: what a stage raises.
    """
    summary = _run(store, project, STAGES, options)
    return replace(summary, report=write_run_report(store, project, summary)) if options.report else summary


def run_stages(
    store: Store,
    project: Project,
    options: RunOptions = _DEFAULTS,
    *,
    first: str | None = None,
    last: str | None = None,
) -> RunSummary:
    """Run the stages from `first` to `last` on what the tables hold; publish only if that is one of them.

    Raises:
        ConfigError: a stage is unknown, or `first` comes after `last`.
        CdpError: as `nightly`.
    """
    return _run(store, project, stages_between(first, last), options)


@dataclass(frozen=True)
class _Execution:
    """A run in this process: what its stages share.

    Args:
        store: the warehouse.
        project: the checked configuration.
        options: how to run.
        lock: that holds the warehouse.
        base: the release before this run; None before the first.
        history: the runs before this one, newest first.
    """

    store: Store
    project: Project
    options: RunOptions
    lock: Lock
    base: Release | None
    history: tuple[Run, ...]


def _run(store: Store, project: Project, scope: tuple[str, ...], options: RunOptions) -> RunSummary:
    with hold_warehouse(store) as lock:
        runs = read_runs(store)
        run, resumed = begin_run(store, project, runs, scope=scope, as_of=options.as_of)
        lock.announce(run.run_id)
        base = latest_release(store, before=run.ordinal)
        history = tuple(it for it in runs if it.run_id != run.run_id)
        execution = _Execution(store, project, options, lock, base, history)
        for stage in scope:
            run = _skip(execution, run, stage) if stage in run.finished else _advance(execution, run, stage)
        record_metrics(store, run, run.finished.values())
        end = StageOutcome(RUN_STAGE, FINISHED, seconds=_total_seconds(run))
        record(store, run, end)
        return summarise(store, replace(run, outcomes=(*run.outcomes, end)), resumed=resumed)


def _skip(execution: _Execution, run: Run, stage: str) -> Run:
    done = run.finished[stage]
    execution.options.progress(StageEvent(stage, "skipped", done.rows, done.seconds or 0.0, done.detail))
    return run


def _advance(execution: _Execution, run: Run, stage: str) -> Run:
    """Run one stage and record what it came to."""
    execution.lock.check()
    execution.options.progress(StageEvent(stage, "started"))
    spark = execution.store.spark
    before, started = newest_spark_stage(spark), time.monotonic()
    try:
        result = execution.options.load_stage(stage)(_context(execution, run, stage))
    except Exception as error:
        _record_failure(execution, run, stage, seconds=time.monotonic() - started, error=error)
        raise
    seconds = time.monotonic() - started
    metrics = {**result.metrics, **read_skew(spark, stage, after=before)}
    outcome = StageOutcome(stage, FINISHED, seconds, result.versions, metrics, result.detail)
    execution.lock.check()
    record(execution.store, run, outcome)
    execution.options.progress(StageEvent(stage, "finished", outcome.rows, seconds, result.detail))
    return replace(run, outcomes=(*run.outcomes, outcome))


def _context(execution: _Execution, run: Run, stage: str) -> RunContext:
    """What a stage sees: yesterday's release as its base, but activation the release that readers see."""
    ordinal, versions = run.ordinal, execution.base.versions if execution.base else {}
    if stage == ACTIVATION:
        release = current_release(execution.store)
        ordinal, versions = release.number, release.versions
    return RunContext(
        store=execution.store,
        project=execution.project,
        run_id=run.run_id,
        ordinal=ordinal,
        as_of=run.as_of,
        base_versions=versions,
        force=execution.options.force,
        full=execution.options.full,
        last=_last_finish(execution, run, stage),
    )


def _last_finish(execution: _Execution, run: Run, stage: str) -> LastFinish | None:
    """What an incremental stage builds on; ids are always built on the last release."""
    after = datetime.now(UTC) - _VERSIONS_KEPT
    if stage != IDENTITY:
        return last_finish((*execution.history, run), stage, after=after)
    base = execution.base
    return last_finish(execution.history, stage, until=base.content, after=after) if base else None


def _record_failure(execution: _Execution, run: Run, stage: str, *, seconds: float, error: Exception) -> None:
    """Record the end of a run that a stage stopped; what stopped it is raised even where this cannot be written."""
    status = REFUSED if isinstance(error, ReleaseRefusedError) else FAILED
    detail = str(error) if isinstance(error, CdpError) else type(error).__name__
    execution.options.progress(StageEvent(stage, "refused" if status == REFUSED else "failed", None, seconds, detail))
    stopped = StageOutcome(stage, status, seconds, detail=detail)
    try:
        record(execution.store, run, stopped, StageOutcome(RUN_STAGE, status, _total_seconds(run), detail=detail))
    except Exception as failure:
        log.warning("the failure of run %s could not be recorded (%s)", run.run_id, type(failure).__name__)


def _total_seconds(run: Run) -> float:
    return sum((outcome.seconds or 0.0 for outcome in run.finished.values()), start=0.0)
