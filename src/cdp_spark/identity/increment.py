"""When a night's ids can build on those of the last release, instead of on all clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.tables.catalog import CLUSTERS, ID_CHANGES, ID_REGISTRY, IDENTITY_ISSUES, UNIFIED_IDS

if TYPE_CHECKING:
    from cdp_spark.tables.run import LastFinish, RunContext

MAX_RECORDS_FIGURE = "ids.max_cluster_records"


def find_base(context: RunContext) -> LastFinish | None:
    """When identity finished what the last release shows; None where the ids of all records are worked out.

    An incremental night needs the last release to show what identity wrote then, under the same largest cluster that
    is believed.
    """
    last, limit = context.last, context.project.settings.gates.max_cluster_records
    tables = (UNIFIED_IDS, ID_REGISTRY, ID_CHANGES, IDENTITY_ISSUES)
    if (
        last is None
        or context.full
        or CLUSTERS.name not in last.versions
        or any(last.versions.get(it.name, -1) != context.base_versions.get(it.name) for it in tables)
        or context.last_figure(MAX_RECORDS_FIGURE) != limit
    ):
        return None
    return last


def has_visitors(context: RunContext) -> bool:
    """True where events bear the identifiers of visitors, who are placed anew every night."""
    return any(source.events for source in context.project.sources)


def tell_extent(affected: int | None, *, moved_keys: int = 0) -> str:
    """Say for the run's record how many records were looked at, None for all, and how many have a new key."""
    extent = "full" if affected is None else f"incremental: {affected:,} records in affected clusters"
    return f"{extent}; {moved_keys:,} records have a new key and keep their ids" if moved_keys else extent
