"""The identity stage: this run's clusters and the ids of the previous release → ids, registry, changes and issues.

The rules are plain Python (`decide`). They run on the driver where it can hold all records and few of them are
contested, and in Spark, group of contest by group of contest, where that is too much; `limits` says how much that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.changes import with_churn
from cdp_spark.identity.decide import Issuer, decide_ids
from cdp_spark.identity.frames import (
    IdentityFrames,
    build_issues,
    build_members,
    decide_in_spark,
    find_strangers,
    with_moved_keys,
)
from cdp_spark.identity.frames_tables import (
    fetch_last_release,
    fetch_limits,
    make_readers,
    read_evidence,
    read_limits,
    write_entries,
)
from cdp_spark.identity.issues import find_kept_apart, list_kept_apart
from cdp_spark.identity.members import find_contest, find_former_holders, join_members
from cdp_spark.identity.moved_keys import COLUMNS, find_moves
from cdp_spark.identity.terms import LIVE, VISITOR
from cdp_spark.limits import CONTESTED_ON_DRIVER_RECORDS, IDENTITY_ON_DRIVER_RECORDS, MOVED_KEYS_ON_DRIVER_RECORDS
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import CLUSTERS, ID_CHANGES, ID_REGISTRY, IDENTITY_ISSUES, RECORDS, UNIFIED_IDS
from cdp_spark.tables.increments.basis import extend_table
from cdp_spark.tables.rows import rows_without
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.identity.members import Contest
    from cdp_spark.identity.moved_keys import Move
    from cdp_spark.tables.run import RunContext

_CLUSTER_COLUMNS = (c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER)


@dataclass(frozen=True)
class _OnDriver:
    """What the driver decides on."""

    clusters: pa.Table
    id_registry: pa.Table
    contest: Contest


def run(context: RunContext) -> StageResult:
    """Assign stable ids to the run's clusters; writes `unified_ids`, `id_registry`, `id_changes`, `identity_issues`."""
    inputs = _fetch_inputs(context) if _fits_on_driver(context) else None
    if inputs is None or inputs.contest.record_count > CONTESTED_ON_DRIVER_RECORDS:
        return run_in_spark(context)
    return run_on_driver(context, inputs)


def _fits_on_driver(context: RunContext) -> bool:
    version = context.base_versions.get(UNIFIED_IDS.name)
    before = 0 if version is None else context.store.count(UNIFIED_IDS, version=version)
    return max(before, context.store.count(CLUSTERS)) <= IDENTITY_ON_DRIVER_RECORDS


def _fetch_inputs(context: RunContext) -> _OnDriver:
    actions = {
        CLUSTERS.name: partial(context.store.fetch, CLUSTERS, _CLUSTER_COLUMNS),
        UNIFIED_IDS.name: partial(context.fetch_released, UNIFIED_IDS),
        ID_REGISTRY.name: partial(context.fetch_released, ID_REGISTRY),
    }
    found = run_together(context.store.spark, actions)
    clusters, before, registry = (found[it.name] for it in (CLUSTERS, UNIFIED_IDS, ID_REGISTRY))
    members = join_members(clusters, before, _find_moved_keys(context, before, clusters))
    max_records = context.project.settings.gates.max_cluster_records
    contest = find_contest(members, _fetch_former_holders(context, registry), max_records=max_records)
    return _OnDriver(clusters, registry, contest)


def _fetch_former_holders(context: RunContext, id_registry: pa.Table) -> pa.Table:
    gone = id_registry.filter(pc.field(c.STATUS) != LIVE)
    changes = ID_CHANGES.table([])
    if gone.num_rows:
        columns = (c.RELEASE, c.RECORD_KEY, c.ENTITY_TYPE, c.PREVIOUS_ID, c.CHANGE)
        changes = context.fetch_released(ID_CHANGES, columns, only={c.PREVIOUS_ID: gone[c.UNIFIED_ID].combine_chunks()})
    return find_former_holders(changes, gone)


def _find_moved_keys(context: RunContext, before: pa.Table, now: pa.Table) -> list[Move]:
    """Find the records that only have a new key since the previous release.

    Args:
        context: of the run.
        before: record_key, entity_type of the previous release's records; at least of those that left.
        now: likewise of this run's, at least of those that came.
    """
    before, now = (rows.filter(pc.field(c.ENTITY_TYPE) != VISITOR) for rows in (before, now))
    left, came = (
        rows_without(rows, c.RECORD_KEY, other[c.RECORD_KEY].combine_chunks())[c.RECORD_KEY].unique()
        for rows, other in ((before, now), (now, before))
    )
    version = context.last.versions.get(RECORDS.name) if context.last else None
    is_most = max(len(left), len(came)) > MOVED_KEYS_ON_DRIVER_RECORDS
    if version is None or not len(left) or not len(came) or is_most:
        return []
    old = context.store.fetch(RECORDS, COLUMNS, only={c.RECORD_KEY: left}, version=version)
    new = context.store.fetch(RECORDS, COLUMNS, only={c.RECORD_KEY: came})
    return find_moves(old.to_pylist(), new.to_pylist())


def run_on_driver(context: RunContext, inputs: _OnDriver) -> StageResult:
    """Decide and write on the driver, without a Spark query where it can reach the tables itself.

    Args:
        context: of the run.
        inputs: from `_fetch_inputs`.
    """
    store, limits = context.store, fetch_limits(context)
    contest, registry = inputs.contest, inputs.id_registry
    readers = make_readers(context, limits)
    outcome = decide_ids(contest, registry, readers, _issuer(context), run_id=context.run_id)
    pairs = limits.filter(pc.field(c.IDENTIFIER_TYPE).is_valid())
    kept_apart = list_kept_apart(find_kept_apart(inputs.clusters, pairs), run_id=context.run_id)
    others = rows_without(registry, c.UNIFIED_ID, outcome.entries[c.UNIFIED_ID].combine_chunks())
    entries = pa.concat_tables([others.cast(outcome.entries.schema), outcome.entries])
    writes = {
        UNIFIED_IDS.name: partial(store.overwrite, UNIFIED_IDS, outcome.unified_ids),
        ID_CHANGES.name: partial(extend_table, context, ID_CHANGES, outcome.id_changes),
        ID_REGISTRY.name: partial(store.overwrite, ID_REGISTRY, entries),
        IDENTITY_ISSUES.name: partial(store.overwrite, IDENTITY_ISSUES, pa.concat_tables([outcome.issues, kept_apart])),
    }
    issues = {"ids.held_clusters": outcome.issues.num_rows, "ids.identifiers_over_limit": kept_apart.num_rows}
    versions = run_together(store.spark, writes)
    return _result(versions, outcome.figures | {name: float(count) for name, count in issues.items()})


def run_in_spark(context: RunContext) -> StageResult:
    """Decide and write in Spark, however many records there are."""
    store, limits = context.store, read_limits(context)
    frames = IdentityFrames(
        clusters=store.read(CLUSTERS),
        unified_ids=context.read_released(UNIFIED_IDS),
        id_registry=context.read_released(ID_REGISTRY),
        id_changes=context.read_released(ID_CHANGES),
        evidence=read_evidence(context, limits),
        last=fetch_last_release(context),
    )
    members = build_members(frames.clusters, frames.unified_ids)
    strangers = find_strangers(members.rows, most=MOVED_KEYS_ON_DRIVER_RECORDS)
    members = with_moved_keys(members, _find_moved_keys(context, *strangers))
    max_records = context.project.settings.gates.max_cluster_records
    decided = decide_in_spark(frames, members, _issuer(context), max_records=max_records, run_id=context.run_id)
    pairs = limits.where(F.col(c.IDENTIFIER_TYPE).isNotNull())
    issues = decided.issues.unionByName(build_issues(frames.clusters, pairs, run_id=context.run_id))
    writes = {
        UNIFIED_IDS.name: partial(store.overwrite, UNIFIED_IDS, decided.unified_ids),
        ID_CHANGES.name: partial(extend_table, context, ID_CHANGES, decided.id_changes),
        ID_REGISTRY.name: partial(write_entries, context, decided.entries),
        IDENTITY_ISSUES.name: partial(store.overwrite, IDENTITY_ISSUES, issues),
    }
    versions = run_together(store.spark, writes)
    is_held = F.col(c.IDENTIFIER_TYPE) == c.RECORD_KEY
    counted = store.read(IDENTITY_ISSUES).agg(
        F.count_if(is_held).cast("double").alias("ids.held_clusters"),
        F.count_if(~is_held).cast("double").alias("ids.identifiers_over_limit"),
    )
    return _result(versions, dict(decided.figures.collect()) | counted.collect()[0].asDict())


def _issuer(context: RunContext) -> Issuer:
    return Issuer(context.project.settings.namespace, context.ordinal)


def _result(versions: Mapping[str, int], figures: Mapping[str, float]) -> StageResult:
    metrics = with_churn(figures)
    contested, moved = int(metrics["ids.records_contested"]), int(metrics["ids.moved_keys"])
    detail = f"{contested:,} records in contested clusters" if contested else "no id contested"
    if moved:
        detail += f"; {moved:,} records have a new key and keep their ids"
    return StageResult(versions=versions, metrics=metrics, detail=detail)
