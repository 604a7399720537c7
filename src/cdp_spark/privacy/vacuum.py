"""The vacuum stage of an erasure: nothing of the people in older versions, nor in earlier exports."""

from __future__ import annotations

from cdp_spark.activation.notice import remove_exports
from cdp_spark.privacy.rules import RULES
from cdp_spark.tables.actions.removal import vacuum
from cdp_spark.tables.catalog import LABELS, MATCH_MODELS, TABLES
from cdp_spark.tables.checkpoint import remove_leftovers
from cdp_spark.tables.run import RunContext, StageResult

_WRITE_SECONDS = 30.0
"""Longer than a label or a model takes to be written: people do that while the warehouse is held."""
EXPORTS_LEFT = "exports.left"
_WRITTEN_MEANWHILE = (LABELS, MATCH_MODELS)


def run(context: RunContext) -> StageResult:
    """Delete the files of older versions and the exports of earlier releases; readers of either fail from now on."""
    store = context.store
    specs = [spec for spec in TABLES.values() if spec.name in RULES or spec is MATCH_MODELS]
    there = [spec for spec in specs if store.exists(spec)]
    for spec in there:
        vacuum(store, spec, older_than=_WRITE_SECONDS if spec in _WRITTEN_MEANWHILE else 0.0)
    remove_leftovers(store, of_readers=True)
    left = remove_exports(context)
    detail = f"older versions of {len(there)} tables deleted"
    told = f"{detail}; to be deleted by hand: {', '.join(left)}" if left else detail
    return StageResult(metrics={EXPORTS_LEFT: float(len(left))}, detail=told)
