"""Going back: a release that names the versions of an older one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from cdp_spark.errors import StateError
from cdp_spark.pipeline.erasure import finish_erasures
from cdp_spark.pipeline.releases.compare import find_release
from cdp_spark.pipeline.releases.release import Release, append_release, current_release, read_releases
from cdp_spark.pipeline.runs.plan import begin_at_clock
from cdp_spark.pipeline.runs.state import FINISHED, ROLLBACK, RUN_STAGE, StageOutcome, record
from cdp_spark.tables.catalog import RELEASES, TABLES
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
    lost = [name for name, version in sorted(release.versions.items()) if not _is_readable(store, name, version)]
    if lost:
        raise StateError(
            f"release {release.number}",
            got=f"tables of which this version can no longer be read: {', '.join(lost)}",
            fix="choose a newer release, as VACUUM has deleted files; a longer retention keeps more of them",
        )


def _is_readable(store: Store, table: str, version: int) -> bool:
    """Look for every file of a version: Delta's log may name files that are gone."""
    try:
        local = store.open_local(TABLES[table], version)
        if local is not None:
            local.check_files()
            return True
        store.read(TABLES[table], version=version).agg(F.max("_metadata.file_path")).collect()
    except (PySparkException, Py4JError, StateError):
        return False
    return True
