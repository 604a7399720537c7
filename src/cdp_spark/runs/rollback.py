"""Runs of one step that take something back: an older release shown again, or what was loaded from a source removed.

Both are recorded, so that a night that was killed before is not continued after them. A rollback appends a release that
names the versions of the older one. A reset removes a source's rows, the record of its deliveries last, so that a reset
that was killed is asked for again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.base import choose_one
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.runs.plan import begin_at_clock
from cdp_spark.runs.releases import Release, append_release, current_release, find_release, read_releases
from cdp_spark.runs.run_log import FINISHED, RESET, ROLLBACK, RUN_STAGE, StageOutcome, record
from cdp_spark.runs.runner import finish_erasures
from cdp_spark.tables.actions.removal import AnyOf, count_matching, delete_matching
from cdp_spark.tables.catalog import (
    CONSENTS,
    CURRENCY_RATES,
    PRODUCTS,
    REJECTED_ROWS,
    RELEASES,
    SOURCE_DELIVERIES,
    SOURCE_EVENTS,
    SOURCE_ORDER_LINES,
    SOURCE_RECORDS,
    SOURCE_SNAPSHOTS,
    TABLES,
)
from cdp_spark.tables.lock import hold_warehouse

if TYPE_CHECKING:
    from cdp_spark.config.project import Project
    from cdp_spark.tables.store import Store


def roll_back(store: Store, project: Project, *, to: int | None, reason: str, author: str) -> Release:
    """Publish the tables of an older release again; the next run starts from them.

    It is a run of its own, with the clock of the older release's run, so that nights after that one may run again.

    Args:
        store: the warehouse.
        project: the checked configuration.
        to: number of the release; None for the one before the current one.
        reason: why.
        author: who wants it.
    Returns: the new release.
    Raises: StateError: no such release, it is current already or expired, a version of it was vacuumed, or another run
        holds the warehouse.
    """
    with hold_warehouse(store) as lock:
        finish_erasures(store, project, lock)
        current = current_release(store)
        target = _before(store, current) if to is None else find_release(store, to)
        if target.content == current.content:
            got = f"release {current.number}, which shows what release {target.content} showed"
            raise StateError(
                f"release {target.number}", got=got, fix="name an older release: `cdp releases` lists them"
            )
        _refuse_lost_versions(store, target)
        run = begin_at_clock(store, project, of_run=target.run_id, scope=(ROLLBACK,))
        lock.announce(run.run_id)
        release = Release(
            run.ordinal,
            run.run_id,
            datetime.now(UTC),
            target.versions,
            restored=target.content,
            reason=f"{author}: {reason}",
        )
        version = append_release(store, release)
        detail = f"release {run.ordinal} shows release {target.content} again; {author}: {reason}"
        done = StageOutcome(ROLLBACK, FINISHED, 0.0, {RELEASES.name: version}, detail=detail)
        record(store, run, done, replace(done, stage=RUN_STAGE, versions={}))
        return release


def _before(store: Store, current: Release) -> Release:
    """What readers saw before the current release's tables were first published."""
    older = [it for it in read_releases(store) if it.is_published and it.number < current.content]
    found = older[0] if older else None
    if found is None:
        fix = "there is nothing to go back to; name a release with --to"
        raise StateError(f"release {current.number}", got="no release before it", fix=fix)
    return found


def _refuse_lost_versions(store: Store, release: Release) -> None:
    lost = [name for name, version in sorted(release.versions.items()) if not store.is_readable(TABLES[name], version)]
    if lost:
        raise StateError(
            f"release {release.number}",
            got=f"tables of which this version can no longer be read: {', '.join(lost)}",
            fix="choose a newer release, as VACUUM has deleted files; a longer retention keeps more of them",
        )


_COMMAND = "cdp source reset"
_TABLES = (
    *(SOURCE_RECORDS, SOURCE_EVENTS, SOURCE_ORDER_LINES, SOURCE_SNAPSHOTS, PRODUCTS, CURRENCY_RATES),
    *(REJECTED_ROWS, SOURCE_DELIVERIES),
)


def count_source_rows(store: Store, project: Project, source: str) -> dict[str, int]:
    """Count the rows that a reset of a source removes, by table (an action).

    Args:
        store: the warehouse.
        project: the checked configuration.
        source: of the project, or one that it no longer has.

    Raises:
        ConfigError: it is a source of consents, which are never removed, or neither the project nor the warehouse
            knows it.
    """
    kinds = {it.name: it.kind for it in project.sources}
    rows = AnyOf((c.SOURCE,), (source,))
    if kinds.get(source) == "consents" or (store.exists(CONSENTS) and count_matching(store, CONSENTS, rows)):
        got = f"'{source}', a source of consents"
        fix = "correct the source; a later delivery adds to its consents, and nothing takes a withdrawal away"
        raise ConfigError(_COMMAND, got=got, allowed="a source of any other kind", fix=fix)
    counts = {spec.name: count_matching(store, spec, rows) for spec in _TABLES if store.exists(spec)}
    if source not in kinds and not any(counts.values()):
        names = sorted(name for name, kind in kinds.items() if kind != "consents")
        got, fix = f"unknown source '{source}'", choose_one(source, names)
        raise ConfigError(_COMMAND, got=got, allowed=", ".join(names), fix=fix)
    return {name: count for name, count in counts.items() if count}


def reset_source(store: Store, project: Project, source: str, *, reason: str, author: str) -> dict[str, int]:
    """Remove what was loaded from a source; profiles keep it until the next run publishes.

    Args:
        store: the warehouse.
        project: the checked configuration.
        source: as of `count_source_rows`.
        reason: why.
        author: who wants it.
    Returns: removed rows by table.

    Raises:
        ConfigError: as of `count_source_rows`.
        StateError: nothing was loaded from it, or another run holds the warehouse.
    """
    with hold_warehouse(store) as lock:
        runs = finish_erasures(store, project, lock)
        counts = count_source_rows(store, project, source)
        if not runs or not counts:
            raise StateError(f"source {source}", got="nothing in the warehouse", fix="`cdp run nightly` loads it")
        run = begin_at_clock(store, project, of_run=runs[0].run_id, scope=(RESET,))
        lock.announce(run.run_id)
        present = [spec for spec in _TABLES if spec.name in counts]
        for spec in present:
            delete_matching(store, spec, AnyOf((c.SOURCE,), (source,)))
        versions = {spec.name: store.version(spec) for spec in present}
        figures = {f"removed.{name}": float(count) for name, count in counts.items()}
        detail = f"source {source}; {author}: {reason}"
        done = StageOutcome(RESET, FINISHED, 0.0, versions, figures, detail)
        record(store, run, done, replace(done, stage=RUN_STAGE, versions={}, metrics={}))
        return counts
