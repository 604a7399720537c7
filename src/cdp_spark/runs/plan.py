"""Which run a start is: a new one, or the continuation of one that was killed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from cdp_spark.errors import ConfigError, StateError
from cdp_spark.limits import CLOCK_AHEAD_DAYS
from cdp_spark.runs.releases import latest_release
from cdp_spark.runs.run_log import (
    FAILED,
    INTERRUPTED,
    RUN_STAGE,
    STARTED,
    Run,
    StageOutcome,
    read_runs,
    record,
)
from cdp_spark.runs.stages import IDENTITY, PUBLISH, STAGES, Progress, silent, work_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdp_spark.config.project import Project
    from cdp_spark.runs.stages import Work
    from cdp_spark.tables.store import Store

log = logging.getLogger(__name__)

_NONE: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class RunOptions:
    """How to run.

    Args:
        as_of: the run's clock, with a time zone; None for now, or for the clock of the run that is continued.
        force: accept what a guard would refuse: deliveries with far fewer rows than last time, a clock far ahead.
        full: work on all records in every stage, whatever changed.
        report: write the HTML report of a nightly run.
        progress: told each stage's states.
        find_work: gives a stage's function by its name.
        figures: of the start, recorded with the run's own.
    """

    as_of: datetime | None = None
    force: bool = False
    full: bool = False
    report: bool = True
    progress: Progress = silent
    find_work: Callable[[str], Work] = work_of
    figures: Mapping[str, float] = field(default_factory=dict)


def begin_run(
    store: Store,
    project: Project,
    runs: list[Run],
    *,
    scope: tuple[str, ...],
    as_of: datetime | None,
    force: bool = False,
) -> tuple[Run, bool]:
    """Continue the nightly run that was killed, or record the start of a new run; True where one is continued.

    A killed run is continued only with the configuration it began with: the rows that it appended under its id would
    otherwise be taken for those of the changed configuration. With another configuration, or for another scope, it is
    recorded as failed and a new run begins.

    Args:
        store: the warehouse.
        project: the checked configuration.
        runs: all runs until now, newest first.
        scope: the stages to run.
        as_of: the run's clock; None for now, or for that of the run that is continued.
        force: whether the clock may be far ahead.

    Raises:
        ConfigError: `as_of` is far from now.
        StateError: `as_of` is not the killed run's, or lies before the last release's.
    """
    last = runs[0] if runs else None
    if last is not None and last.status == INTERRUPTED:
        if last.scope == scope == STAGES and last.config_hash == project.config_hash:
            return _continue(last, as_of), True
        _abandon(store, last, project)
    refuse_odd_clock(as_of, now=datetime.now(UTC), force=force)
    _refuse_stale_heads(store, scope)
    new = _new_run(runs, project, (as_of or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0))
    _refuse_the_past(store, runs, new)
    return _start(store, new, scope), False


def begin_at_clock(
    store: Store, project: Project, *, of_run: str, scope: tuple[str, ...], versions: Mapping[str, int] = _NONE
) -> Run:
    """Record the start of a run that shows again what an earlier run published, with that run's clock.

    Args:
        store: the warehouse.
        project: the checked configuration.
        of_run: the earlier run.
        scope: the stages to run.
        versions: of tables that the run starts from, kept with the record.

    Raises:
        StateError: that run is not recorded.
    """
    runs = read_runs(store)
    earlier = next((run for run in runs if run.run_id == of_run), None)
    if earlier is None:
        raise StateError(f"run {of_run}", got="no such run", fix="`cdp runs` lists them")
    if runs[0].status == INTERRUPTED:
        _abandon(store, runs[0], project)
    return _start(store, _new_run(runs, project, earlier.as_of), scope, versions)


def _start(store: Store, run: Run, scope: tuple[str, ...], versions: Mapping[str, int] = _NONE) -> Run:
    start = StageOutcome(RUN_STAGE, STARTED, versions=versions, detail=" ".join(scope))
    record(store, run, start)
    return replace(run, outcomes=(start,))


def _refuse_stale_heads(store: Store, scope: tuple[str, ...]) -> None:
    """After a rollback the newest versions of the gold tables are those that it left behind."""
    release = latest_release(store)
    if release is None or release.restored is None or PUBLISH not in scope or IDENTITY in scope:
        return
    raise StateError(
        f"stages {scope[0]} to {scope[-1]}",
        got=f"release {release.number}, a rollback: they would publish tables that it went back from",
        allowed=f"{IDENTITY} or an earlier stage as the first",
        fix="cdp run nightly",
    )


def _continue(run: Run, as_of: datetime | None) -> Run:
    if as_of is not None and as_of != run.as_of:
        raise StateError(
            f"run {run.run_id}",
            got=f"as-of {as_of.isoformat()} while this run was interrupted",
            allowed=f"its own, {run.as_of.isoformat()}",
            fix="start without --as-of to finish that run, then start again with the new time",
        )
    log.info("run %s was interrupted and goes on after %s", run.run_id, ", ".join(run.finished) or "its start")
    return run


def _abandon(store: Store, run: Run, project: Project) -> None:
    why = "the configuration changed" if run.config_hash != project.config_hash else "other stages were asked for"
    end_as_failed(store, run, f"interrupted, and not continued because {why}")


def end_as_failed(store: Store, run: Run, why: str) -> None:
    """Record that a run does not go on."""
    record(store, run, StageOutcome(RUN_STAGE, FAILED, detail=why))
    log.warning("run %s: %s", run.run_id, why)


def _new_run(runs: list[Run], project: Project, as_of: datetime) -> Run:
    ordinal = runs[0].ordinal + 1 if runs else 1
    return Run(f"{as_of:%Y%m%dT%H%M%SZ}-{ordinal}", ordinal, as_of, project.config_hash)


def refuse_odd_clock(as_of: datetime | None, *, now: datetime, force: bool) -> None:
    """Refuse a clock that must be a slip: no later run could have an earlier one.

    Raises:
        ConfigError: the clock is far ahead and not forced, or before computers count.
    """
    if as_of is None:
        return
    latest = now + timedelta(days=CLOCK_AHEAD_DAYS)
    if as_of < datetime(1970, 1, 2, tzinfo=UTC):
        raise ConfigError("--as-of", got=as_of.isoformat(), allowed="1970-01-02 or later", fix="check the year")
    if as_of > latest and not force:
        raise ConfigError(
            "--as-of",
            got=f"{as_of.isoformat()}, which is far ahead: until then no run could have its own time",
            allowed=f"{latest.date()} or earlier",
            fix="check the year, or add --force if it is meant",
        )


def _refuse_the_past(store: Store, runs: list[Run], new: Run) -> None:
    """The history of profiles and segments only grows: a release cannot be earlier than the one before."""
    release = latest_release(store)
    published = next((run for run in runs if release is not None and run.run_id == release.run_id), None)
    if published is not None and new.as_of < published.as_of:
        raise StateError(
            "--as-of",
            got=new.as_of.isoformat(),
            allowed=f"{published.as_of.isoformat()} or later, the clock of the last release",
            fix="choose a later time",
        )
