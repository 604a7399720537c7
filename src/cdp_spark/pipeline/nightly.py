"""Running the stages: in order, once each, continued where a killed run stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cdp_spark.pipeline.erasure import finish_erasures
from cdp_spark.pipeline.report import write_run_report
from cdp_spark.pipeline.runs.execution import Execution, run_scope
from cdp_spark.pipeline.runs.plan import RunOptions, begin_run
from cdp_spark.pipeline.runs.summary import RunSummary, summarise
from cdp_spark.pipeline.stages import STAGES, stages_between
from cdp_spark.tables.lock import hold_warehouse

if TYPE_CHECKING:
    from cdp_spark.config.project import Project
    from cdp_spark.tables.store import Store

_DEFAULTS = RunOptions()


def nightly(store: Store, project: Project, options: RunOptions = _DEFAULTS) -> RunSummary:
    """Run all stages, publish, send the segments out, and report; continue a nightly run that was killed.

    An erasure that stopped before all was deleted is finished first.

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


def _run(store: Store, project: Project, scope: tuple[str, ...], options: RunOptions) -> RunSummary:
    with hold_warehouse(store) as lock:
        runs = finish_erasures(store, project, lock, options)
        run, resumed = begin_run(store, project, runs, scope=scope, as_of=options.as_of, force=options.force)
        done = run_scope(Execution.of(store, project, options, lock, run, runs), run, scope)
        return summarise(store, done, resumed=resumed)
