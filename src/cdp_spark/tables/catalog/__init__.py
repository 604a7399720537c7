"""Every table of the warehouse, declared once."""

from __future__ import annotations

from cdp_spark.tables.catalog.bronze import (
    CONSENTS,
    REJECTED_ROWS,
    SOURCE_DELIVERIES,
    SOURCE_EVENTS,
    SOURCE_RECORDS,
    SOURCE_SNAPSHOTS,
    WITHDRAWAL_ISSUES,
)
from cdp_spark.tables.catalog.delivery import DELIVERY_ATTEMPTS, TO_SEND
from cdp_spark.tables.catalog.gold import (
    ACCOUNT_MEMBERS,
    HOUSEHOLDS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTITY_ISSUES,
    PROFILE_HISTORY,
    PROFILE_VALUES,
    PROFILES,
    SEGMENT_CHANGES,
    SEGMENT_MEMBERS,
    UNIFIED_EVENTS,
    UNIFIED_IDS,
)
from cdp_spark.tables.catalog.matching import (
    CLUSTERS,
    CUTS,
    LABELS,
    MATCH_INPUTS,
    MATCH_MODELS,
    OUTDATED_RECORDS,
    PAIR_SCORES,
    TOUCHED_RECORDS,
)
from cdp_spark.tables.catalog.operations import DELIVERIES, RELEASES, RUN_METRICS, RUNS
from cdp_spark.tables.catalog.privacy import ERASURES, SUPPRESSIONS
from cdp_spark.tables.catalog.silver import IDENTIFIERS, RECORDS
from cdp_spark.tables.spec import TableKind, TableSpec

__all__ = [
    "ACCOUNT_MEMBERS",
    "CLUSTERS",
    "CONSENTS",
    "CUTS",
    "DELIVERIES",
    "DELIVERY_ATTEMPTS",
    "ERASURES",
    "GOLD",
    "HOUSEHOLDS",
    "IDENTIFIERS",
    "IDENTITY_ISSUES",
    "ID_CHANGES",
    "ID_REGISTRY",
    "LABELS",
    "MATCH_INPUTS",
    "MATCH_MODELS",
    "OUTDATED_RECORDS",
    "PAIR_SCORES",
    "PROFILES",
    "PROFILE_HISTORY",
    "PROFILE_VALUES",
    "RECORDS",
    "REJECTED_ROWS",
    "RELEASES",
    "RUNS",
    "RUN_METRICS",
    "SEGMENT_CHANGES",
    "SEGMENT_MEMBERS",
    "SOURCE_DELIVERIES",
    "SOURCE_EVENTS",
    "SOURCE_RECORDS",
    "SOURCE_SNAPSHOTS",
    "SUPPRESSIONS",
    "TABLES",
    "TOUCHED_RECORDS",
    "TO_SEND",
    "UNIFIED_EVENTS",
    "UNIFIED_IDS",
    "WITHDRAWAL_ISSUES",
]

TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (
        SOURCE_RECORDS,
        SOURCE_EVENTS,
        CONSENTS,
        REJECTED_ROWS,
        WITHDRAWAL_ISSUES,
        SOURCE_DELIVERIES,
        SOURCE_SNAPSHOTS,
        RECORDS,
        IDENTIFIERS,
        MATCH_MODELS,
        MATCH_INPUTS,
        PAIR_SCORES,
        OUTDATED_RECORDS,
        TOUCHED_RECORDS,
        LABELS,
        CLUSTERS,
        CUTS,
        UNIFIED_IDS,
        ID_REGISTRY,
        ID_CHANGES,
        IDENTITY_ISSUES,
        UNIFIED_EVENTS,
        PROFILES,
        PROFILE_HISTORY,
        PROFILE_VALUES,
        ACCOUNT_MEMBERS,
        HOUSEHOLDS,
        SEGMENT_MEMBERS,
        SEGMENT_CHANGES,
        SUPPRESSIONS,
        ERASURES,
        TO_SEND,
        DELIVERY_ATTEMPTS,
        DELIVERIES,
        RUNS,
        RUN_METRICS,
        RELEASES,
    )
}

GOLD: tuple[TableSpec, ...] = tuple(spec for spec in TABLES.values() if spec.kind is TableKind.GOLD)
