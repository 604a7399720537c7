"""What becomes of each table's rows when people are erased."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.staging.rows import record_key_expr
from cdp_spark.tables.actions.removal import AnyOf
from cdp_spark.tables.catalog import (
    ACCOUNT_MEMBERS,
    CLUSTERS,
    CONSENTS,
    CUTS,
    DELIVERIES,
    ERASURES,
    HOUSEHOLDS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTIFIERS,
    IDENTITY_ISSUES,
    LABELS,
    MATCH_INPUTS,
    MATCH_MODELS,
    OUTDATED_RECORDS,
    PAIR_SCORES,
    PROFILE_HISTORY,
    PROFILE_VALUES,
    PROFILES,
    RECORDS,
    REJECTED_ROWS,
    RELEASES,
    RUN_METRICS,
    RUNS,
    SEGMENT_CHANGES,
    SEGMENT_MEMBERS,
    SOURCE_DELIVERIES,
    SOURCE_EVENTS,
    SOURCE_RECORDS,
    SOURCE_SNAPSHOTS,
    SUPPRESSIONS,
    TOUCHED_RECORDS,
    UNIFIED_EVENTS,
    UNIFIED_IDS,
)
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column

    from cdp_spark.privacy.traces import Traces

    Rule = Callable[[Traces], AnyOf | Column]
    """Gives the rows to take out of a table."""


def _naming(*columns: str) -> Rule:
    """Rows of which a column is one of the people's ids or record keys."""
    return lambda traces: AnyOf(columns, traces.names)


def _of_events(traces: Traces) -> Column:
    return visitor_key_expr(identifier_set_expr(F.col(c.IDENTIFIERS))).isin(*traces.names)


def _of_snapshots(traces: Traces) -> Column:
    return record_key_expr(F.col(c.SOURCE), F.col(c.SOURCE_RECORD_ID)).isin(*traces.names)


def _of_issues(traces: Traces) -> Column:
    return F.col(c.CLUSTER).isin(*traces.names) | F.exists(c.EXAMPLES, lambda key: key.isin(*traces.names))


def _of_history(traces: Traces) -> AnyOf | Column:
    """All spans of the people's ids, and of other ids those from when they bore a record of theirs."""
    own = AnyOf((c.UNIFIED_ID,), traces.names)
    of_others = [
        (F.col(c.UNIFIED_ID) == held) & ~F.col(c.IS_CURRENT) & (F.col(c.VALID_FROM) < F.lit(until))
        for held, until in traces.spans
    ]
    return reduce(or_, of_others, own.as_condition()) if of_others else own


def _of_deliveries(traces: Traces) -> AnyOf | Column:
    """All versions of the people's records, and those of other records that hold an identifier of theirs."""
    own = AnyOf((c.RECORD_KEY,), traces.names)
    if not traces.versions:
        return own
    keys, hashes = zip(*traces.versions, strict=True)
    return own.as_condition() | (F.col(c.RECORD_KEY).isin(*keys) & F.col(c.CONTENT_HASH).isin(*hashes))


RULES: dict[str, Rule] = {
    REJECTED_ROWS.name: lambda traces: AnyOf((c.ROW_HASH,), traces.refused),
    CONSENTS.name: lambda traces: AnyOf((c.CONTACT_POINT_HASH,), traces.contact_hashes),
    SOURCE_EVENTS.name: _of_events,
    SOURCE_SNAPSHOTS.name: _of_snapshots,
    LABELS.name: _naming(c.RECORD_KEY_L, c.RECORD_KEY_R),
    MATCH_INPUTS.name: _naming(c.RECORD_KEY),
    PAIR_SCORES.name: _naming(c.RECORD_KEY_L, c.RECORD_KEY_R),
    OUTDATED_RECORDS.name: _naming(c.RECORD_KEY),
    TOUCHED_RECORDS.name: _naming(c.RECORD_KEY),
    CLUSTERS.name: _naming(c.RECORD_KEY),
    CUTS.name: _naming(c.RECORD_KEY_L, c.RECORD_KEY_R),
    UNIFIED_IDS.name: _naming(c.RECORD_KEY),
    IDENTITY_ISSUES.name: _of_issues,
    UNIFIED_EVENTS.name: _naming(c.UNIFIED_ID, c.RECORD_KEY),
    PROFILES.name: _naming(c.UNIFIED_ID),
    PROFILE_HISTORY.name: _of_history,
    PROFILE_VALUES.name: _naming(c.UNIFIED_ID, c.RECORD_KEY),
    ACCOUNT_MEMBERS.name: _naming(c.UNIFIED_ID),
    HOUSEHOLDS.name: _naming(c.UNIFIED_ID),
    SEGMENT_MEMBERS.name: _naming(c.UNIFIED_ID),
    SEGMENT_CHANGES.name: _naming(c.UNIFIED_ID),
    RECORDS.name: _naming(c.RECORD_KEY),
    IDENTIFIERS.name: _naming(c.RECORD_KEY),
    SOURCE_RECORDS.name: _of_deliveries,
}
"""In the order in which they are applied: what identifiers are found in comes last, so that a killed erasure finds them
again."""

KEPT: dict[str, str] = {
    ID_REGISTRY.name: "ids, closed with the cause erasure",
    ID_CHANGES.name: "ids and record keys; the change erased is added",
    ERASURES.name: "ids and record keys, author, reason, time",
    SUPPRESSIONS.name: "keyed hashes of what must not come back",
    MATCH_MODELS.name: "weights, and how often values occur; of values that only the people had nothing",
    SOURCE_DELIVERIES.name: "counts and names of columns",
    DELIVERIES.name: "counts and places",
    RUNS.name: "counts and times",
    RUN_METRICS.name: "counts",
    RELEASES.name: "versions",
}
"""Tables that hold nothing of a person but what the erasure itself has to leave."""
