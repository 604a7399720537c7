"""The log of runs: what each run has reached, read from and written to the table `runs`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.tables.catalog import RUN_METRICS, RUNS
from cdp_spark.tables.increments.basis import BASIS_PREFIX
from cdp_spark.tables.run import LastFinish

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cdp_spark.tables.store import Store

    State = dict[str, Any]
    """A row of `runs`."""

RUN_STAGE = "run"
"""The stage under which `runs` records the run itself."""
ERASURE = "erasure"
"""The stage that takes people out of the tables."""
ROLLBACK = "rollback"
"""The one stage of a run that goes back to an older release."""
RESET = "reset"
"""The one stage of a run that removes what was loaded from a source."""
ERASURE = "erasure"
"""The stage that takes people out of the tables."""
STARTED, FINISHED, FAILED, REFUSED, INTERRUPTED = "started", "finished", "failed", "refused", "interrupted"
_ROWS_READ = 10_000
_ROWS = {
    "ingest": r"\w+\.rows_delivered",
    "standardise": r"\w+\.records",
    "matching": r"\w+\.pairs\.compared",
    "clustering": r"clusters\.records",
    "identity": r"ids\.live",
    "events": r"events\.rows",
    "sessions": r"sessions\.rows",
    "profiles": r"profiles\.\w+",
    "relations": r"\w+\.people",
    "behaviour": r"\w+\.rows",
    "traits": r"traits\.\w+",
    "scores": r"scores\.\w+",
    "offers": r"offers\.rows",
    "segments": r"segments\.\w+",
    "experiments": r"experiments\.people\.\w+",
    "activation": r"\w+\.rows",
}
"""The figures of a stage that add up to the rows it is about."""


@dataclass(frozen=True)
class StageOutcome:
    """What a stage of a run came to.

    Args:
        stage: its name; `run` for the run itself.
        status: finished, failed or refused; started for a run.
        seconds: that it took.
        versions: the Delta version of each table it wrote.
        metrics: its figures by name.
        detail: one sentence.
        warnings: what the run's reader should look at.
        at: when the state was reached, UTC.
    """

    stage: str
    status: str
    seconds: float | None = None
    versions: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    detail: str = ""
    warnings: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def rows(self) -> int | None:
        """The rows that the stage is about: delivered, cleaned, compared, …; None where it gave no such figure."""
        wanted = _ROWS.get(self.stage, "rows")
        figures = [value for name, value in self.metrics.items() if re.fullmatch(wanted, name)]
        return int(sum(figures)) if figures else None


@dataclass(frozen=True)
class Run:
    """A run, folded from its states.

    Args:
        run_id: of the run; sorts by its clock.
        ordinal: 1 for the first run of the warehouse.
        as_of: the run's clock, UTC.
        config_hash: of the configuration it ran with.
        outcomes: its states in the order they were recorded.
    """

    run_id: str
    ordinal: int
    as_of: datetime
    config_hash: str
    outcomes: tuple[StageOutcome, ...] = ()

    @property
    def status(self) -> str:
        """finished, failed or refused; interrupted for a run that recorded no end (or is running now)."""
        ends = [it.status for it in self.outcomes if it.stage == RUN_STAGE and it.status != STARTED]
        return ends[-1] if ends else INTERRUPTED

    @property
    def finished(self) -> dict[str, StageOutcome]:
        """The stages that were finished, by name."""
        return {it.stage: it for it in self.outcomes if it.stage != RUN_STAGE and it.status == FINISHED}

    @property
    def scope(self) -> tuple[str, ...]:
        """The stages that the run set out to run."""
        starts = [it.detail for it in self.outcomes if it.stage == RUN_STAGE and it.status == STARTED]
        return tuple(starts[0].split(" ")) if starts else ()


def read_runs(store: Store, *, run_id: str | None = None) -> list[Run]:
    """The newest runs, newest first; only one of them when `run_id` names it."""
    only = None if run_id is None else {c.RUN_ID: pa.array([run_id])}
    rows = store.fetch(RUNS, only=only).sort_by([(c.ORDINAL, "descending"), (c.AT, "descending")])
    return fold_runs(rows.slice(0, _ROWS_READ))


def read_finished(store: Store, run_id: str) -> dict[str, StageOutcome]:
    """The stages that a run has finished, by name; none of a run that is not recorded."""
    runs = read_runs(store, run_id=run_id)
    return runs[0].finished if runs else {}


def fold_runs(rows: pa.Table) -> list[Run]:
    """Gather rows of `runs` to runs, newest first."""
    by_run: dict[str, list[State]] = {}
    for row in rows.sort_by([(c.ORDINAL, "descending"), (c.AT, "ascending")]).to_pylist():
        by_run.setdefault(row[c.RUN_ID], []).append(row)
    return [_fold(states) for states in by_run.values()]


def _fold(states: list[State]) -> Run:
    first = states[0]
    outcomes = tuple(_outcome(row) for row in states)
    return Run(first[c.RUN_ID], first[c.ORDINAL], first[c.AS_OF], first[c.CONFIG_HASH], outcomes)


def _outcome(row: State) -> StageOutcome:
    return StageOutcome(
        stage=row[c.STAGE],
        status=row[c.STATUS],
        seconds=row[c.SECONDS],
        versions=dict(row[c.VERSIONS] or ()),
        metrics=dict(row[c.METRICS] or ()),
        detail=row[c.DETAIL] or "",
        warnings=tuple(row[c.WARNINGS] or ()),
        at=row[c.AT],
    )


def last_finish(
    runs: Iterable[Run], stage: str, *, until: int | None = None, after: datetime | None = None
) -> LastFinish | None:
    """When a stage finished last, among runs up to an ordinal, and the table versions that stages had recorded by then.

    Args:
        runs: in any order.
        stage: its name.
        until: the highest ordinal that counts; None for all.
        after: of an earlier finish nothing can be built, since `VACUUM` may have taken what the tables were then.
    """
    ends = [(run.ordinal, it) for run in runs for it in run.outcomes if it.status == FINISHED]
    written: dict[str, int] = {}
    found: tuple[int, dict[str, int], StageOutcome] | None = None
    for ordinal, end in sorted(ends, key=lambda it: (it[0], it[1].at)):
        written.update(end.versions)
        if end.stage == stage and (until is None or ordinal <= until):
            found = ordinal, dict(written), end
    if found is None or (after is not None and found[2].at < after):
        return None
    return LastFinish(found[0], found[1], written, found[2].metrics)


def carry_over_erasures(runs: Iterable[Run], versions: Mapping[str, int], since: int) -> Mapping[str, int] | None:
    """Follow tables through the erasures after a run: each wrote tables anew, and deleted what they were before.

    Args:
        runs: in any order.
        versions: Delta version of each table as the run recorded it; -1 for one that was not there.
        since: the run's ordinal.
    Returns: the versions that hold the same rows now, but for those of the people; None where a table had moved on
        before an erasure.
    """
    carried = dict(versions)
    erasures = [run for run in runs if run.ordinal > since and ERASURE in run.finished]
    for run in sorted(erasures, key=lambda it: it.ordinal):
        begun = next(it.versions for it in run.outcomes if it.stage == RUN_STAGE and it.status == STARTED)
        left = run.finished[ERASURE].versions
        if any(begun.get(name, -1) != version for name, version in carried.items()):
            return None
        carried = {name: left.get(name, version) for name, version in carried.items()}
    return carried


def record(store: Store, run: Run, *outcomes: StageOutcome) -> None:
    """Append states of a run in one small write; a repeated row does no harm, so no transaction is named."""
    rows = [
        (
            run.run_id,
            it.stage,
            it.status,
            it.at,
            run.ordinal,
            run.as_of,
            run.config_hash,
            it.seconds,
            it.detail or None,
            list(it.warnings),
            dict(it.versions),
            {name: float(value) for name, value in it.metrics.items()},
        )
        for it in outcomes
    ]
    store.append(RUNS, RUNS.table(rows), application=None)


def record_metrics(store: Store, run: Run, outcomes: Iterable[StageOutcome]) -> None:
    """Append a run's figures, once; those that only the next run asks for are in `runs`."""
    found = ((it.stage, *figure) for it in outcomes for figure in it.metrics.items())
    figures = {name: (stage, float(value)) for stage, name, value in found if not name.startswith(BASIS_PREFIX)}
    rows = [(run.run_id, name, value, stage) for name, (stage, value) in figures.items()]
    store.append(RUN_METRICS, RUN_METRICS.table(rows), application=f"{run.run_id}:{RUN_METRICS.name}")
