"""What becomes of each table's rows when people are erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.actions.removal import AnyOf, Joined
from cdp_spark.tables.catalog import (
    ABANDONED,
    ACCOUNT_HIERARCHY,
    ACCOUNT_MEMBERS,
    ATTRIBUTIONS,
    CLUSTERS,
    CONSENTS,
    CURRENCY_RATES,
    CUTS,
    DATA_QUALITY,
    DELIVERIES,
    DELIVERY_ATTEMPTS,
    ERASURES,
    EXPERIMENT_ASSIGNMENTS,
    EXPERIMENT_RESULTS,
    FUNNELS,
    HOUSEHOLDS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTIFIERS,
    IDENTITY_ISSUES,
    LABELS,
    MATCH_INPUTS,
    MATCH_MODELS,
    OFFERS,
    OUTDATED_RECORDS,
    PAIR_SCORES,
    PRODUCTS,
    PROFILE_HISTORY,
    PROFILE_VALUES,
    PROFILES,
    RECORDS,
    REJECTED_ROWS,
    RELEASES,
    RETENTION,
    RUN_METRICS,
    RUNS,
    SCORE_MODELS,
    SCORES,
    SEGMENT_CHANGES,
    SEGMENT_MEMBERS,
    SESSIONS,
    SOURCE_DELIVERIES,
    SOURCE_EVENTS,
    SOURCE_ORDER_LINES,
    SOURCE_RECORDS,
    SOURCE_SNAPSHOTS,
    SUPPRESSIONS,
    TO_SEND,
    TOUCHED_RECORDS,
    TRAITS,
    UNIFIED_EVENTS,
    UNIFIED_IDS,
    WITHDRAWAL_ISSUES,
)
from cdp_spark.tables.hashing import identifier_set_expr, record_key_expr, visitor_key_expr

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column

    from cdp_spark.privacy.people.traces import Traces
    from cdp_spark.tables.actions.removal import Matching

    Rule = Callable[[Traces], tuple[Matching, ...]]
    """Gives the rows to take out of a table."""


_NAME, _HASH, _SINCE, _UNTIL = "gone_name", "gone_hash", "gone_since", "gone_until"


def _naming(*columns: str) -> Rule:
    """Rows of which a column is one of the people's ids or record keys."""
    return lambda traces: (AnyOf(columns, traces.names),)


def _of_events(traces: Traces) -> tuple[Matching, ...]:
    return (_made(traces, lambda column: visitor_key_expr(identifier_set_expr(column(c.IDENTIFIERS)))),)


def _of_snapshots(traces: Traces) -> tuple[Matching, ...]:
    return (_made(traces, lambda column: record_key_expr(column(c.SOURCE), column(c.SOURCE_RECORD_ID))),)


def _made(traces: Traces, key: Callable[[Callable[[str], Column]], Column]) -> Joined:
    """Rows of which a record key is made that is one of the people's."""
    return Joined(pa.table({_NAME: list(traces.names)}), lambda column: key(column) == F.col(_NAME))


def _of_history(traces: Traces) -> tuple[Matching, ...]:
    """All spans of the people's ids, and those of other ids in which they bore a record of theirs."""
    own = AnyOf((c.UNIFIED_ID,), traces.names)
    if not traces.spans:
        return (own,)
    ids, since, until = zip(*traces.spans, strict=True)
    times = {_SINCE: pa.array(since, pa.timestamp("us", "UTC")), _UNTIL: pa.array(until, pa.timestamp("us", "UTC"))}

    def overlaps(column: Callable[[str], Column]) -> Column:
        begun, ended = F.col(_SINCE), column(c.VALID_TO)
        same = (column(c.UNIFIED_ID) == F.col(_NAME)) & ~column(c.IS_CURRENT)
        return same & (column(c.VALID_FROM) < F.col(_UNTIL)) & (begun.isNull() | (ended > begun))

    return own, Joined(pa.table({_NAME: list(ids), **times}), overlaps)


def _of_deliveries(traces: Traces) -> tuple[Matching, ...]:
    """All versions of the people's records, and older ones of others' that hold an identifier of theirs."""
    own = AnyOf((c.RECORD_KEY,), traces.names)
    if not traces.versions:
        return (own,)
    keys, hashes = zip(*traces.versions, strict=True)
    rows = pa.table({_NAME: list(keys), _HASH: list(hashes)})
    return own, Joined(
        rows, lambda column: (column(c.RECORD_KEY) == F.col(_NAME)) & (column(c.CONTENT_HASH) == F.col(_HASH))
    )


def _of_one_profile(_traces: Traces) -> tuple[Matching, ...]:
    """Counts of a single profile, who may be one of the people; the next run counts everybody anew."""
    return (Joined(pa.table({_NAME: ["-"]}), lambda column: column(c.PROFILES) <= 1),)


def _of_one_person(_traces: Traces) -> tuple[Matching, ...]:
    """Figures of an arm with a single person, who may be one of the people; the next run counts everybody anew."""
    return (Joined(pa.table({_NAME: ["-"]}), lambda column: column(c.PEOPLE) <= 1),)


RULES: dict[str, Rule] = {
    REJECTED_ROWS.name: lambda traces: (AnyOf((c.ROW_HASH,), traces.refused),),
    WITHDRAWAL_ISSUES.name: lambda traces: (
        AnyOf((c.ROW_HASH,), traces.refused),
        AnyOf((c.CONTACT_POINT_HASH,), traces.contact_hashes),
    ),
    CONSENTS.name: lambda traces: (AnyOf((c.CONTACT_POINT_HASH,), traces.contact_hashes),),
    SOURCE_EVENTS.name: _of_events,
    SOURCE_ORDER_LINES.name: lambda traces: (AnyOf((c.ORDER_KEY,), traces.orders),),
    SOURCE_SNAPSHOTS.name: _of_snapshots,
    LABELS.name: _naming(c.RECORD_KEY_L, c.RECORD_KEY_R),
    MATCH_INPUTS.name: _naming(c.RECORD_KEY),
    PAIR_SCORES.name: _naming(c.RECORD_KEY_L, c.RECORD_KEY_R),
    OUTDATED_RECORDS.name: _naming(c.RECORD_KEY),
    TOUCHED_RECORDS.name: _naming(c.RECORD_KEY),
    CLUSTERS.name: _naming(c.RECORD_KEY),
    CUTS.name: _naming(c.RECORD_KEY_L, c.RECORD_KEY_R),
    UNIFIED_IDS.name: _naming(c.RECORD_KEY),
    IDENTITY_ISSUES.name: _naming(c.CLUSTER),
    UNIFIED_EVENTS.name: _naming(c.UNIFIED_ID, c.RECORD_KEY),
    SESSIONS.name: _naming(c.UNIFIED_ID),
    ATTRIBUTIONS.name: _naming(c.UNIFIED_ID),
    PROFILES.name: _naming(c.UNIFIED_ID),
    PROFILE_HISTORY.name: _of_history,
    PROFILE_VALUES.name: _naming(c.UNIFIED_ID, c.RECORD_KEY),
    ACCOUNT_MEMBERS.name: _naming(c.UNIFIED_ID),
    ACCOUNT_HIERARCHY.name: _naming(c.UNIFIED_ID, c.RECORD_KEY),
    HOUSEHOLDS.name: _naming(c.UNIFIED_ID),
    ABANDONED.name: _naming(c.UNIFIED_ID),
    SCORES.name: _naming(c.UNIFIED_ID),
    OFFERS.name: _naming(c.UNIFIED_ID),
    TRAITS.name: lambda traces: (AnyOf((c.UNIFIED_ID,), (*traces.names, *traces.accounts)),),
    FUNNELS.name: _of_one_profile,
    RETENTION.name: _of_one_profile,
    SEGMENT_MEMBERS.name: _naming(c.UNIFIED_ID),
    SEGMENT_CHANGES.name: _naming(c.UNIFIED_ID),
    EXPERIMENT_ASSIGNMENTS.name: _naming(c.UNIFIED_ID),
    EXPERIMENT_RESULTS.name: _of_one_person,
    TO_SEND.name: _naming(c.UNIFIED_ID),
    DELIVERY_ATTEMPTS.name: _naming(c.UNIFIED_ID),
    RECORDS.name: _naming(c.RECORD_KEY),
    IDENTIFIERS.name: _naming(c.RECORD_KEY),
    SOURCE_RECORDS.name: _of_deliveries,
}
"""Which rows of a table go; `identity_issues` loses them among its examples, too."""

KEPT: dict[str, str] = {
    ID_REGISTRY.name: "ids, closed with the cause erasure",
    ID_CHANGES.name: "ids and record keys; the change erased is added",
    ERASURES.name: "ids and record keys, author, reason, time",
    SUPPRESSIONS.name: "keyed hashes of what must not come back",
    MATCH_MODELS.name: "weights, and how often values occur; of values that only the people had nothing",
    SCORE_MODELS.name: "weights and figures of many people; nobody's own",
    SOURCE_DELIVERIES.name: "counts and names of columns",
    PRODUCTS.name: "what is sold",
    CURRENCY_RATES.name: "what currencies are worth",
    DELIVERIES.name: "counts and places",
    RUNS.name: "counts and times",
    RUN_METRICS.name: "counts",
    DATA_QUALITY.name: "counts and shares",
    RELEASES.name: "versions",
}
"""Tables that hold nothing of a person but what the erasure itself has to leave."""
