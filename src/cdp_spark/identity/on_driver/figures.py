"""A night's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from cdp_spark import columns as c
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from cdp_spark.identity.on_driver.night import Night, Outcome
    from cdp_spark.identity.on_driver.rules.rows import Change


def count_figures(night: Night, outcome: Outcome, issues: pa.Table, *, release: int) -> dict[str, float]:
    """Count ids, records that went to another id, and issues.

    Args:
        night: what identity worked on.
        outcome: what it made of it.
        issues: rows of `identity_issues`.
        release: that this run publishes.
    Returns: figures by name; `ids.churn` is the share of yesterday's records that went to another id or whose id
        ended.
    """
    before = _count(night.unified_ids, pc.field(c.ENTITY_TYPE) != VISITOR)
    changed, ended = _count_changed(outcome.changes), _count_ended(outcome, release)
    is_held = pc.field(c.IDENTIFIER_TYPE) == c.RECORD_KEY
    return {
        **_count_entries(outcome.registry, release),
        "ids.resurrected": float(len({it.unified_id for it in outcome.changes if it.change == RESURRECTED})),
        "ids.records_changed": changed,
        "ids.held_clusters": _count(issues, is_held),
        "ids.identifiers_over_limit": _count(issues, ~is_held),
        "ids.records_ended": ended,
        "ids.moved_keys": float(sum(it.cause == MOVED_KEY and it.change == MOVED for it in outcome.changes)),
        "ids.churn": (changed + ended) / before if before else 0.0,
    }


def _count_entries(registry: pa.Table, release: int) -> dict[str, float]:
    created, closed = pc.field(c.CREATED_RELEASE) == release, pc.field(c.CLOSED_RELEASE) == release
    is_split, status = pc.field(c.SPLIT_FROM).is_valid(), pc.field(c.STATUS)
    figures = {
        "ids.live": status == LIVE,
        "ids.created": created & ~is_split,
        "ids.split": created & is_split,
        "ids.merged": closed & (status == MERGED_STATUS),
        "ids.closed": closed & (status == CLOSED_STATUS),
    }
    return {name: _count(registry, condition) for name, condition in figures.items()}


def _count_changed(changes: Sequence[Change]) -> float:
    moved = [it for it in changes if it.previous_id is not None and it.previous_id != it.unified_id]
    return float(sum(it.entity_type != VISITOR for it in moved))


def _count_ended(outcome: Outcome, release: int) -> float:
    """Count the records that left with an id that nobody bears any more, but for those that were erased."""
    of_run = (pc.field(c.CLOSED_RELEASE) == release) & (pc.field(c.STATUS) == CLOSED_STATUS)
    closed = set(outcome.registry.filter(of_run & (pc.field(c.CAUSE) != ERASURE))[c.UNIFIED_ID].to_pylist())
    left = [it for it in outcome.changes if it.change == REMOVED and it.entity_type != VISITOR]
    return float(sum(it.previous_id in closed for it in left))


def _count(rows: pa.Table, condition: pc.Expression) -> float:
    return float(rows.filter(condition).num_rows)
