"""The identity stage in Spark, at any size."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.changes_log import write_changes
from cdp_spark.identity.in_spark.evidence import read_evidence, read_limits
from cdp_spark.identity.in_spark.issues import build_identity_issues, build_kept_issues, build_unaffected_ends
from cdp_spark.identity.in_spark.night import work_out_in_spark
from cdp_spark.identity.in_spark.plan import plan_night
from cdp_spark.identity.in_spark.rules.members import build_members
from cdp_spark.identity.increment import MAX_RECORDS_FIGURE, tell_extent
from cdp_spark.identity.issuer import Issuer
from cdp_spark.identity.terms import (
    CLOSED_STATUS,
    ERASURE,
    LIVE,
    MERGED_STATUS,
    MOVED,
    MOVED_KEY,
    REMOVED,
    RESURRECTED,
    VISITOR,
)
from cdp_spark.tables.actions.held import hold
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import (
    CLUSTERS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTITY_ISSUES,
    UNIFIED_IDS,
)
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from cdp_spark.identity.in_spark.night import Night, Outcome
    from cdp_spark.tables.actions.held import Held
    from cdp_spark.tables.run import RunContext

_RECORDS_BEFORE = "records_before"


def run_in_spark(context: RunContext) -> StageResult:
    """Assign stable ids to the run's clusters, however many they are."""
    max_records = context.project.settings.gates.max_cluster_records
    night = plan_night(context)
    members = hold(build_members(night.clusters, night.yesterday.unified_ids, max_records=max_records))
    issuer = Issuer(context.project.settings.namespace, context.ordinal)
    outcome = work_out_in_spark(night, members, read_evidence(context, night), issuer)
    versions = run_together(context.store.spark, _writes(context, night, members, outcome))
    metrics = {**_metrics(context, night.released_ids), MAX_RECORDS_FIGURE: float(max_records)}
    affected = night.affected.count if night.affected else None
    detail = tell_extent(affected, moved_keys=int(metrics["ids.moved_keys"]))
    return StageResult(versions=versions, metrics=metrics, detail=detail)


def _writes(context: RunContext, night: Night, members: Held, outcome: Outcome) -> dict[str, Callable[[], int]]:
    """The writes of the four tables; each returns the table's new version."""
    store = context.store
    return {
        UNIFIED_IDS.name: partial(_write_ids, context, night, outcome.unified_ids),
        ID_CHANGES.name: partial(write_changes, context, outcome.changes),
        ID_REGISTRY.name: partial(store.overwrite, ID_REGISTRY, outcome.registry),
        IDENTITY_ISSUES.name: partial(_write_issues, context, night, members.rows),
    }


def _write_ids(context: RunContext, night: Night, assigned: DataFrame) -> int:
    """Write `unified_ids`: those that were worked out tonight, and in an incremental night all others of yesterday."""
    if night.affected is None:
        return context.store.overwrite(UNIFIED_IDS, assigned)
    kept = night.released_ids.join(night.affected.joinable, on=c.RECORD_KEY, how="left_anti").select(*assigned.columns)
    return context.store.overwrite(UNIFIED_IDS, kept.unionByName(assigned))


def _write_issues(context: RunContext, night: Night, members: DataFrame) -> int:
    unused = read_limits(context).where(F.col(c.IDENTIFIER_TYPE).isNotNull())
    if night.affected is None:
        return context.store.overwrite(IDENTITY_ISSUES, build_identity_issues(members, unused, run_id=context.run_id))
    affected = night.affected.joinable
    others = build_unaffected_ends(context.store.read(CLUSTERS), affected, unused)
    issues = build_identity_issues(members.unionByName(others), unused, run_id=context.run_id)
    kept = build_kept_issues(context.read_released(IDENTITY_ISSUES), affected, run_id=context.run_id)
    return context.store.overwrite(IDENTITY_ISSUES, issues.unionByName(kept))


def _metrics(context: RunContext, released_ids: DataFrame) -> dict[str, float]:
    store, release = context.store, F.lit(context.ordinal)
    created, closed = F.col(c.CREATED_RELEASE) == release, F.col(c.CLOSED_RELEASE) == release
    figures = {
        "ids.live": F.col(c.STATUS) == LIVE,
        "ids.created": created & F.col(c.SPLIT_FROM).isNull(),
        "ids.split": created & F.col(c.SPLIT_FROM).isNotNull(),
        "ids.merged": closed & (F.col(c.STATUS) == MERGED_STATUS),
        "ids.closed": closed & (F.col(c.STATUS) == CLOSED_STATUS),
    }
    counts = store.read(ID_REGISTRY).agg(*[F.count_if(condition).alias(name) for name, condition in figures.items()])
    tonight = store.read(ID_CHANGES).where(F.col(c.RELEASE) == release)
    resurrected = F.count_distinct(F.when(F.col(c.CHANGE) == RESURRECTED, F.col(c.UNIFIED_ID)))
    is_source_record = F.col(c.ENTITY_TYPE) != VISITOR
    changed = F.count_if((F.col(c.PREVIOUS_ID) != F.col(c.UNIFIED_ID)) & is_source_record)
    moved = F.count_if((F.col(c.CAUSE) == MOVED_KEY) & (F.col(c.CHANGE) == MOVED))
    changes = tonight.agg(
        resurrected.alias("ids.resurrected"), changed.alias("ids.records_changed"), moved.alias("ids.moved_keys")
    )
    is_closed = (F.col(c.CLOSED_RELEASE) == release) & (F.col(c.STATUS) == CLOSED_STATUS) & (F.col(c.CAUSE) != ERASURE)
    ended_ids = store.read(ID_REGISTRY).where(is_closed).select(F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID))
    removed = tonight.where((F.col(c.CHANGE) == REMOVED) & is_source_record)
    ended = removed.join(ended_ids, on=c.PREVIOUS_ID, how="left_semi").agg(F.count(F.lit(1)).alias("ids.records_ended"))
    held = store.read(IDENTITY_ISSUES).agg(
        F.count_if(F.col(c.IDENTIFIER_TYPE) == c.RECORD_KEY).alias("ids.held_clusters"),
        F.count_if(F.col(c.IDENTIFIER_TYPE) != c.RECORD_KEY).alias("ids.identifiers_over_limit"),
    )
    before = released_ids.agg(F.count_if(is_source_record).alias(_RECORDS_BEFORE))
    frames = {"counts": counts, "changes": changes, "held": held, "ended": ended, "before": before}
    rows = run_together(store.spark, {name: frame.collect for name, frame in frames.items()})
    metrics = {name: float(value) for found in rows.values() for name, value in found[0].asDict().items()}
    records_before = metrics.pop(_RECORDS_BEFORE)
    lost = metrics["ids.records_changed"] + metrics["ids.records_ended"]
    return {**metrics, "ids.churn": lost / records_before if records_before else 0.0}
