"""Checking a warehouse against its manifest, and making a manifest again from what the tables say.

What was recorded tells what must be there: `runs` and `releases` name versions of the tables that were written,
`erasures` says that somebody is on the suppression list, and a manifest that can still be read names all tables.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.errors import StateError, raise_together
from cdp_spark.runs.releases import read_releases
from cdp_spark.runs.run_log import read_runs
from cdp_spark.tables.catalog import ERASURES, RELEASES, RUNS, SUPPRESSIONS, TABLES
from cdp_spark.tables.lock.file import hold_file
from cdp_spark.tables.manifest.manifest import Manifest, damaged_table, lost_table, shortened_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cdp_spark.tables.store import Store


def check_tables(store: Store) -> Manifest:
    """Look for every table, commit and file that was written.

    Raises:
        StateError: names what is lost or damaged.
    """
    store.guard.check_all()
    read_releases(store)
    manifest = store.guard.read()
    for name in manifest.tables:
        table = store.open_local(TABLES[name]) if name in TABLES else None
        if table is not None:
            table.check_files()
    return manifest


def rebuild_manifest(store: Store, *, without: Collection[str] = ()) -> Manifest:
    """Make a warehouse's manifest of what is there, unless something that was written is lost.

    Args:
        store: the warehouse.
        without: tables of which the loss is accepted: gone, or without their last commits.

    Raises:
        StateError: names the other tables that are lost; or a run holds the warehouse.
    """
    folder = store.guard.folder
    with hold_file(folder) if folder is not None and folder.is_dir() else nullcontext():
        free = store.unguarded()
        there = {name: free.version(TABLES[name]) for name in free.guard.find_tables(TABLES)}
        if not there:
            raise StateError(f"warehouse {store.location}", got="no tables", fix="`cdp run nightly` makes them")
        demanded = _demanded(store)
        logs = {name: log for name, version in there.items() if (log := store.guard.measure_log(name, version))}
        manifest = Manifest(there, _last_release(free, there), _suppression_key(free, there), logs)
        mistakes = [
            *_lost_tables(there, _newest(_recorded(free, there), demanded.tables), without),
            *_lost_entries(manifest, demanded, without),
        ]
        raise_together(mistakes, StateError, "manifest", got="lost tables")
        store.guard.keeper.put(manifest)
        return manifest


def _lost_tables(there: dict[str, int], written: dict[str, int], without: Collection[str]) -> list[StateError]:
    lost = [name for name, version in written.items() if there.get(name, -1) < version and name not in without]
    return [
        shortened_table(name, version=there[name], written=written[name])
        if name in there
        else lost_table(name, "its place")
        for name in sorted(lost)
    ]


def _lost_entries(found: Manifest, demanded: Manifest, without: Collection[str]) -> list[StateError]:
    """What tables that are there have lost of their rows: the last release, or who is on the suppression list."""
    mistakes = []
    release, key = demanded.release, demanded.suppression_key
    if _is_kept(RELEASES.name, found, without) and release is not None and (found.release or 0) < release:
        mistakes.append(damaged_table(RELEASES.name, f"no release {release}, although it was published"))
    if _is_kept(SUPPRESSIONS.name, found, without) and key not in (None, found.suppression_key):
        mistakes.append(damaged_table(SUPPRESSIONS.name, f"no entry of key {key}, although some were written"))
    return mistakes


def _is_kept(name: str, found: Manifest, without: Collection[str]) -> bool:
    return name in found.tables and name not in without


def _demanded(store: Store) -> Manifest:
    """What a manifest demands that can still be read."""
    try:
        return store.guard.keeper.read() or Manifest()
    except StateError:
        return Manifest()


def _newest(*maps: Mapping[str, int]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for versions in maps:
        for name, version in versions.items():
            newest[name] = max(version, newest.get(name, 0))
    return newest


def _recorded(free: Store, there: Collection[str]) -> dict[str, int]:
    """The newest versions that runs and releases recorded."""
    runs = read_runs(free) if RUNS.name in there else []
    releases = read_releases(free) if RELEASES.name in there else []
    maps = [outcome.versions for run in runs for outcome in run.outcomes] + [it.versions for it in releases]
    written = _newest({RUNS.name: 0}, *maps)
    if ERASURES.name in there and free.count(ERASURES):
        written[SUPPRESSIONS.name] = 0
    return written


def _last_release(free: Store, there: Collection[str]) -> int | None:
    releases = read_releases(free) if RELEASES.name in there else []
    return releases[0].number if releases else None


def _suppression_key(free: Store, there: Collection[str]) -> str | None:
    used = free.fetch(SUPPRESSIONS, (c.KEY_ID,))[c.KEY_ID].unique().to_pylist() if SUPPRESSIONS.name in there else []
    if len(used) > 1:
        raise damaged_table(SUPPRESSIONS.name, f"entries of several keys, {', '.join(sorted(used))}")
    return used[0] if used else None
