"""Whose ids a night can change, found in Arrow memory; as `plan` finds it in Spark."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.increment import find_base, has_visitors
from cdp_spark.identity.key_moves import find_key_moves, tell_moves, with_new_keys
from cdp_spark.identity.on_driver.affected import build_former_holders, with_moved_visitors, with_returning
from cdp_spark.identity.on_driver.night import Night
from cdp_spark.identity.terms import LIVE
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import CLUSTERS, ID_CHANGES, ID_REGISTRY, UNIFIED_IDS
from cdp_spark.tables.increments.touched import CLUSTERING, fetch_touched

if TYPE_CHECKING:
    import pyarrow as pa

    from cdp_spark.tables.run import LastFinish, RunContext

MAX_CLUSTERED = 5_000_000
"""Records of which the driver holds clusters, ids and registry: 180 MB a million, before what is written."""
_COLUMNS = (c.RECORD_KEY, c.ENTITY_TYPE, c.CLUSTER)


def plan_night(context: RunContext, *, max_records: int) -> Night | None:
    """Fetch what a night's ids depend on; None where that is too much for the driver.

    Args:
        context: of the run.
        max_records: records of tonight and yesterday together whose ids have to be worked out.
    """
    clustered = context.store.count(CLUSTERS)
    if clustered > MAX_CLUSTERED:
        return None
    base = find_base(context)
    touched = fetch_touched(context, CLUSTERING, since=base.ordinal, entity_types=_types(context)) if base else None
    looked_at = clustered + _count_released(context) if touched is None else len(touched)
    if looked_at > max_records:
        return None
    night = _fetch_night(context)
    if base is not None and touched is not None:
        night = _narrow(context, base, night, touched)
    return night if night.record_count <= max_records else None


def _types(context: RunContext) -> tuple[str, ...]:
    return tuple(context.project.match.entities)


def _count_released(context: RunContext) -> int:
    version = context.base_versions.get(UNIFIED_IDS.name)
    return 0 if version is None else context.store.count(UNIFIED_IDS, version=version)


def _fetch_night(context: RunContext) -> Night:
    """Tonight's clusters and yesterday's ids, of all records, under the keys that they have now."""
    actions = {
        CLUSTERS.name: partial(context.store.fetch, CLUSTERS, _COLUMNS),
        UNIFIED_IDS.name: partial(context.fetch_released, UNIFIED_IDS),
        ID_REGISTRY.name: partial(context.fetch_released, ID_REGISTRY),
    }
    found = run_together(context.store.spark, actions)
    clusters, before, registry = (found[it.name] for it in (CLUSTERS, UNIFIED_IDS, ID_REGISTRY))
    moves = find_key_moves(context, before, clusters)
    told = tuple(tell_moves(moves, before, release=context.ordinal))
    former = _fetch_former_holders(context, registry)
    return Night(clusters, with_new_keys(before, moves), registry, former, told=told)


def _fetch_former_holders(context: RunContext, id_registry: pa.Table) -> pa.Table:
    gone = id_registry.filter(pc.field(c.STATUS) != LIVE)
    changes = ID_CHANGES.table([])
    if gone.num_rows:
        columns = (c.RELEASE, c.RECORD_KEY, c.ENTITY_TYPE, c.PREVIOUS_ID, c.CHANGE)
        changes = context.fetch_released(ID_CHANGES, columns, only={c.PREVIOUS_ID: gone[c.UNIFIED_ID].combine_chunks()})
    return build_former_holders(changes, gone)


def _narrow(context: RunContext, base: LastFinish, night: Night, reclustered: pa.Array) -> Night:
    """Leave out the records of which no id can change."""
    clusters = night.clusters
    if has_visitors(context):
        last_clusters = context.store.fetch(CLUSTERS, _COLUMNS, version=base.versions[CLUSTERS.name])
        reclustered = with_moved_visitors(reclustered, clusters, last_clusters)
    return replace(night, affected=with_returning(reclustered, night.former_holders, clusters))
