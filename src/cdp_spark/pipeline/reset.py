"""Removing what was loaded from a source, so that the next run loads it anew.

A run of its own: it is recorded, and a night that was killed is not continued after it, as its ingest was done before.
The record of deliveries goes last, so that a reset that was killed is asked for again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.base import choose_one
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.pipeline.erasure import finish_erasures
from cdp_spark.pipeline.runs.plan import begin_at_clock
from cdp_spark.pipeline.runs.state import FINISHED, RESET, RUN_STAGE, StageOutcome, record
from cdp_spark.tables.actions.removal import AnyOf, count_matching, delete_matching
from cdp_spark.tables.catalog import (
    CONSENTS,
    REJECTED_ROWS,
    SOURCE_DELIVERIES,
    SOURCE_EVENTS,
    SOURCE_RECORDS,
    SOURCE_SNAPSHOTS,
)
from cdp_spark.tables.lock import hold_warehouse

if TYPE_CHECKING:
    from cdp_spark.config.project import Project
    from cdp_spark.tables.store import Store

_COMMAND = "cdp source reset"
_TABLES = (SOURCE_RECORDS, SOURCE_EVENTS, SOURCE_SNAPSHOTS, REJECTED_ROWS, SOURCE_DELIVERIES)


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
        raise ConfigError(_COMMAND, got=got, allowed="sources of records or events", fix=fix)
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
