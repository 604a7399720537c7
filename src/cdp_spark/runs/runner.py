"""The runs that one can start: the nightly run, some of its stages, an erasure.

Each holds the warehouse and first finishes an erasure that stopped before all was deleted. A nightly run that was
killed goes on where it stopped; an erasure is a run of its own, which the next start finishes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cdp_spark.errors import StateError
from cdp_spark.ingest.suppression.register import suppression_of
from cdp_spark.privacy.people.requests import find_people, is_recorded, record_request
from cdp_spark.privacy.rules import RULES
from cdp_spark.privacy.stage import plan_erasure
from cdp_spark.runs.execution import Execution, run_scope
from cdp_spark.runs.plan import RunOptions, begin_at_clock, begin_run, end_as_failed
from cdp_spark.runs.releases import current_release
from cdp_spark.runs.run_log import FINISHED, INTERRUPTED, read_finished, read_runs
from cdp_spark.runs.stages import ERASURE_STAGES, STAGES, VACUUM, stages_between
from cdp_spark.runs.summary import RunSummary, summarise, write_run_report
from cdp_spark.tables.catalog import TABLES
from cdp_spark.tables.lock import hold_warehouse
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.suppressions import check_key

if TYPE_CHECKING:
    from cdp_spark.config.project import Project
    from cdp_spark.privacy.people.requests import People, Request
    from cdp_spark.privacy.stage import Plan
    from cdp_spark.runs.releases import Release
    from cdp_spark.runs.run_log import Run
    from cdp_spark.tables.lock.holder import Lock
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


@dataclass(frozen=True)
class ErasureSummary:
    """An erasure that ended well.

    Args:
        run: with the outcomes of its stages.
        release: that it published.
    """

    run: Run
    release: Release


def preview_erasure(store: Store, project: Project, request: Request) -> Plan:
    """What an erasure would do; nothing is written.

    Raises:
        CdpError: as `erase`.
    """
    return plan_erasure(*_asked(store, project, request))


def erase(store: Store, project: Project, request: Request, options: RunOptions = _DEFAULTS) -> ErasureSummary:
    """Erase people: out of every table and its older versions, and onto the suppression list.

    The erasure publishes a release without them, with the clock of the last one's run, so that nothing else moves;
    earlier releases expire. The next night matches all records, as there is nothing older to build on; the stages after
    identity go on from what the erasure left.

    Args:
        store: the warehouse.
        project: the checked configuration.
        request: whom, who wants it, and why.
        options: `progress` and `find_work`.

    Raises:
        ConfigError: the project has no key of a suppression list.
        StateError: it is not the key that the list was written with.
        DataError: an id is none of a person's.
        StateError: nothing was published yet, another run holds the warehouse, or a destination cannot be written: the
            people are erased then, and `continue_erasures` tries again.
    """
    with hold_warehouse(store) as lock:
        finish_erasures(store, project, lock, options)
        context, people = _asked(store, project, request)
        check_key(store, suppression_of(project))
        begun = context.base_versions
        run = begin_at_clock(store, project, of_run=context.run_id, scope=ERASURE_STAGES, versions=begun)
        record_request(replace(context, run_id=run.run_id, ordinal=run.ordinal), people)
        return _finish(store, project, lock, run, options)


def continue_erasures(store: Store, project: Project, options: RunOptions = _DEFAULTS) -> list[ErasureSummary]:
    """Finish the erasures that were killed, or of which a destination failed; the oldest first.

    Raises:
        StateError: all have finished.
    """
    with hold_warehouse(store) as lock:
        runs = [run for run in _erasures(read_runs(store)) if run.status != FINISHED and is_recorded(store, run.run_id)]
        if not runs:
            got, fix = "no erasure that was begun and has not finished", "`cdp runs` lists them"
            raise StateError("cdp erase --continue", got=got, fix=fix)
        return [_finish(store, project, lock, run, options) for run in runs]


def finish_erasures(store: Store, project: Project, lock: Lock, options: RunOptions = _DEFAULTS) -> list[Run]:
    """Before any other run: finish an erasure that stopped before all was deleted.

    One that was killed before it was noted whom to erase is recorded as failed: nothing was erased.

    Returns:
        All runs as they are then, newest first.
    """
    runs = read_runs(store)
    stopped = [run for run in _erasures(runs) if VACUUM not in run.finished]
    for run in stopped:
        if is_recorded(store, run.run_id):
            _finish(store, project, lock, run, options)
        elif run.status == INTERRUPTED:
            end_as_failed(store, run, "interrupted before it was noted whom to erase; nothing was erased")
    return read_runs(store) if stopped else runs


def _finish(store: Store, project: Project, lock: Lock, run: Run, options: RunOptions) -> ErasureSummary:
    execution = Execution.of(store, project, options, lock, run, read_runs(store))
    try:
        done = run_scope(execution, run, ERASURE_STAGES)
    except StateError as error:
        if VACUUM not in read_finished(store, run.run_id):
            raise
        got = f"{error.got}; the people are erased, and not all destinations know"
        raise StateError(error.where, got=got, fix="correct that, then `cdp erase --continue`") from error
    return ErasureSummary(done, current_release(store))


def _erasures(runs: list[Run]) -> list[Run]:
    """Those among the runs, the oldest first."""
    return [run for run in reversed(runs) if run.scope == ERASURE_STAGES]


def _asked(store: Store, project: Project, request: Request) -> tuple[RunContext, People]:
    """Whom the request names; the context is that of the release that readers see, all other tables as they are."""
    current = current_release(store)
    others = [TABLES[name] for name in RULES if name not in current.versions]
    versions = {spec.name: store.version(spec) for spec in others if store.exists(spec)} | dict(current.versions)
    context = RunContext(store, project, current.run_id, current.number, request.at, versions)
    return context, find_people(context, request)
