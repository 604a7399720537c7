"""The identity stage on the driver, without a Spark query where it can reach the tables itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.changes_log import write_changes
from cdp_spark.identity.increment import MAX_RECORDS_FIGURE, tell_extent
from cdp_spark.identity.issuer import Issuer
from cdp_spark.identity.on_driver.evidence import evidence_reader, fetch_limits, identifiers_reader
from cdp_spark.identity.on_driver.figures import count_figures
from cdp_spark.identity.on_driver.issues import build_identity_issues, keep_issues
from cdp_spark.identity.on_driver.night import Readers, work_out_on_driver
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, IDENTITY_ISSUES, UNIFIED_IDS
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from cdp_spark.identity.on_driver.night import Night, Outcome
    from cdp_spark.tables.run import RunContext


def run_on_driver(context: RunContext, night: Night) -> StageResult:
    """Assign stable ids to the run's clusters.

    Args:
        context: of the run.
        night: from `plan_night`.
    """
    store, max_records = context.store, context.project.settings.gates.max_cluster_records
    limits = fetch_limits(context)
    readers = Readers(identifiers_reader(store), evidence_reader(context, limits))
    issuer = Issuer(context.project.settings.namespace, context.ordinal)
    outcome = work_out_on_driver(night, readers, issuer, max_records=max_records)
    issues = _build_issues(context, night, outcome, limits)
    writes = {
        UNIFIED_IDS.name: partial(store.overwrite, UNIFIED_IDS, outcome.unified_ids),
        ID_CHANGES.name: partial(write_changes, context, ID_CHANGES.table(outcome.changes)),
        ID_REGISTRY.name: partial(store.overwrite, ID_REGISTRY, outcome.registry),
        IDENTITY_ISSUES.name: partial(store.overwrite, IDENTITY_ISSUES, issues),
    }
    figures = count_figures(night, outcome, issues, release=context.ordinal)
    return StageResult(
        versions=run_together(store.spark, writes),
        metrics={**figures, MAX_RECORDS_FIGURE: float(max_records)},
        detail=tell_extent(
            None if night.affected is None else len(night.affected), moved_keys=int(figures["ids.moved_keys"])
        ),
    )


def _build_issues(context: RunContext, night: Night, outcome: Outcome, limits: pa.Table) -> pa.Table:
    held = pa.array([member.record_key for member in outcome.members if member.is_held], pa.string())
    unused = limits.filter(pc.field(c.IDENTIFIER_TYPE).is_valid())
    issues = build_identity_issues(night.clusters, held, unused, run_id=context.run_id)
    if night.affected is None:
        return issues
    kept = keep_issues(context.fetch_released(IDENTITY_ISSUES), night.affected, run_id=context.run_id)
    return pa.concat_tables([issues, kept.cast(issues.schema)])
