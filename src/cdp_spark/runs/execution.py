"""A run in this process: its stages one after the other, each recorded when it is done."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from cdp_spark.errors import CdpError
from cdp_spark.runs.dependencies import DEPENDENCIES
from cdp_spark.runs.publish import ReleaseRefusedError
from cdp_spark.runs.releases import current_release, latest_release
from cdp_spark.runs.run_log import (
    ERASURE,
    FAILED,
    FINISHED,
    REFUSED,
    RUN_STAGE,
    STARTED,
    Run,
    StageOutcome,
    carry_over_erasures,
    last_finish,
    record,
    record_metrics,
)
from cdp_spark.runs.stages import ACTIVATION, AFTER_IDENTITY, BY_NAME, IDENTITY, StageEvent
from cdp_spark.session.skew import newest_spark_stage, read_skew
from cdp_spark.tables.checkpoint import stage_checkpoints
from cdp_spark.tables.increments.basis import work_or_keep
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.trouble import explain, is_session_lost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdp_spark.config.project import Project
    from cdp_spark.runs.plan import RunOptions
    from cdp_spark.runs.releases import Release
    from cdp_spark.tables.lock.holder import Lock
    from cdp_spark.tables.run import LastFinish, StageResult
    from cdp_spark.tables.store import Store

log = logging.getLogger(__name__)

_VERSIONS_KEPT = timedelta(days=6)
"""A day less than the age from which `VACUUM` removes the files of older versions by default."""


@dataclass(frozen=True)
class Execution:
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

    @classmethod
    def of(
        cls, store: Store, project: Project, options: RunOptions, lock: Lock, run: Run, runs: Iterable[Run]
    ) -> Execution:
        """What the stages of a run share, which holds the warehouse now.

        Args:
            store: the warehouse.
            project: the checked configuration.
            options: how to run.
            lock: that holds the warehouse.
            run: to be executed.
            runs: all that are recorded.
        """
        lock.announce(run.run_id)
        history = tuple(it for it in runs if it.run_id != run.run_id)
        return cls(store, project, options, lock, latest_release(store, before=run.ordinal), history)


def run_scope(execution: Execution, run: Run, scope: Iterable[str]) -> Run:
    """Run the stages that the run has not finished yet, and record its end."""
    for stage in scope:
        run = _skip(execution, run, stage) if stage in run.finished else _advance(execution, run, stage)
    end = StageOutcome(RUN_STAGE, FINISHED, seconds=_total_seconds(run), metrics=execution.options.figures)
    record_metrics(execution.store, run, (*run.finished.values(), end))
    record(execution.store, run, end)
    return replace(run, outcomes=(*run.outcomes, end))


def _skip(execution: Execution, run: Run, stage: str) -> Run:
    done = run.finished[stage]
    execution.options.progress(StageEvent(stage, "skipped", done.rows, done.seconds or 0.0, done.detail))
    return run


def _advance(execution: Execution, run: Run, stage: str) -> Run:
    """Run one stage and record what it came to."""
    execution.lock.check()
    execution.options.progress(StageEvent(stage, "started"))
    spark = execution.store.spark
    before, started = newest_spark_stage(spark), time.monotonic()
    try:
        with stage_checkpoints(execution.store):
            result = _work(execution, _context(execution, run, stage), stage)
    except Exception as error:
        told = explain(error, f"stage {stage}") or error
        seconds = time.monotonic() - started
        if is_session_lost(error):  # as if killed: the next run continues
            execution.options.progress(StageEvent(stage, "failed", None, seconds, str(told)))
        else:
            _record_failure(execution, run, stage, seconds=seconds, error=told)
        if told is error:
            raise
        raise told from error
    seconds = time.monotonic() - started
    metrics = {**result.metrics, **read_skew(spark, stage, after=before)}
    outcome = StageOutcome(stage, FINISHED, seconds, result.versions, metrics, result.detail, result.warnings)
    execution.lock.check()
    record(execution.store, run, outcome)
    execution.options.progress(StageEvent(stage, "finished", outcome.rows, seconds, result.detail))
    return replace(run, outcomes=(*run.outcomes, outcome))


def _work(execution: Execution, context: RunContext, stage: str) -> StageResult:
    """Run a stage, or keep its earlier result where nothing that it depends on has changed."""
    work, depends = execution.options.find_work(stage), DEPENDENCIES.get(stage)
    if depends is None:
        return work(context)
    return work_or_keep(context, depends, work, partial(carry_over_erasures, execution.history))


def _context(execution: Execution, run: Run, stage: str) -> RunContext:
    """What a stage sees: the previous release as its base, but activation the release that readers see."""
    ordinal, versions = run.ordinal, execution.base.versions if execution.base else {}
    if stage == ACTIVATION:
        release = current_release(execution.store)
        ordinal, versions = release.number, release.versions
    return RunContext(
        store=execution.store.limited_to(BY_NAME[stage].access),
        project=execution.project,
        run_id=run.run_id,
        ordinal=ordinal,
        as_of=run.as_of,
        base_versions=versions,
        force=execution.options.force,
        full=execution.options.full,
        last=_last_finish(execution, run, stage),
    )


def _last_finish(execution: Execution, run: Run, stage: str) -> LastFinish | None:
    """What an incremental stage builds on: gold tables on the last release, all others on the last run.

    An erasure deletes what the tables were. The stages after identity go on from what it left of them.
    """
    base, kept = execution.base, datetime.now(UTC) - _VERSIONS_KEPT
    after = max((kept, *_vacuumed(execution.history)))
    if stage not in (IDENTITY, *AFTER_IDENTITY):
        return last_finish((*execution.history, run), stage, after=after)
    until_erasure = kept if stage in AFTER_IDENTITY else after
    return last_finish(execution.history, stage, until=base.content, after=until_erasure) if base else None


def _vacuumed(history: Iterable[Run]) -> list[datetime]:
    """When erasures began, which deleted all older versions."""
    states = [it for run in history if ERASURE in run.scope for it in run.outcomes]
    return [it.at for it in states if it.stage == RUN_STAGE and it.status == STARTED]


def _record_failure(execution: Execution, run: Run, stage: str, *, seconds: float, error: Exception) -> None:
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
