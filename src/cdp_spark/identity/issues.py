"""Clusters over a limit, and the people whose identifiers were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.terms import EXAMPLES_AN_ISSUE, TOO_LARGE, VISITOR

if TYPE_CHECKING:
    from cdp_spark.identity.members import Contest

OTHER_CLUSTER, OTHER_TYPE = "other_cluster", "other_entity_type"
KEPT_APART_COLUMNS = (c.RECORD_KEY, c.CLUSTER, OTHER_CLUSTER, OTHER_TYPE, c.IDENTIFIER_TYPE, c.REASON)
PAIR_COLUMNS = (c.RECORD_KEY_L, c.RECORD_KEY_R, c.IDENTIFIER_TYPE, c.REASON)
ISSUES = pa.schema(
    [(it, pa.string()) for it in (c.RUN_ID, c.CLUSTER, c.ENTITY_TYPE, c.IDENTIFIER_TYPE, c.REASON)]
    + [(c.DISTINCT_VALUES, pa.int64()), (c.RECORD_COUNT, pa.int64()), (c.EXAMPLES, pa.list_(pa.string()))]
)
"""Columns of `identity_issues`."""
_COUNTED = "counted"
_KEY = (c.CLUSTER, c.IDENTIFIER_TYPE, c.REASON)


def list_held(contest: Contest, *, run_id: str) -> pa.Table:
    """List the clusters that are held for their size, one row each."""
    rows = contest.members.here.filter(pa.array(contest.is_held))
    words = [pa.repeat(word, rows.num_rows) for word in (c.RECORD_KEY, TOO_LARGE)]
    return _sum_up([*words, rows[c.CLUSTER], rows[c.ENTITY_TYPE], rows[c.RECORD_KEY], rows[c.RECORD_KEY]], run_id)


def list_kept_apart(rows: pa.Table, *, run_id: str) -> pa.Table:
    """List the clusters of people that an identifier would have joined records to, but for a limit.

    Args:
        rows: a record with its cluster, beside the cluster and the entity type of the other record, in
            `KEPT_APART_COLUMNS`; all rows of an other cluster.
        run_id: of this run.
    Returns: rows of `identity_issues`, one per cluster, identifier type and reason: with the records that its limit
        concerned, the clusters that these are in, and the five smallest record keys.
    """
    rows = rows.filter(pc.field(OTHER_TYPE) != VISITOR)
    names = (c.IDENTIFIER_TYPE, c.REASON, OTHER_CLUSTER, OTHER_TYPE, c.RECORD_KEY, c.CLUSTER)
    return _sum_up([rows[name] for name in names], run_id)


def find_kept_apart(clusters: pa.Table, pairs: pa.Table) -> pa.Table:
    """Put each record of a pair, both ways, beside the cluster that it was kept from.

    Args:
        clusters: record_key, entity_type, cluster.
        pairs: of `PAIR_COLUMNS`; those with a record that is not in a cluster are left out.
    """
    left, right = (
        pc.index_in(pairs[side], value_set=clusters[c.RECORD_KEY].combine_chunks()) for side in PAIR_COLUMNS[:2]
    )
    parts = []
    for mine, other in ((left, right), (right, left)):
        columns = [clusters[it].take(mine) for it in (c.RECORD_KEY, c.CLUSTER)]
        columns += [clusters[it].take(other) for it in (c.CLUSTER, c.ENTITY_TYPE)]
        columns += [pairs[it] for it in PAIR_COLUMNS[2:]]
        found = pa.table(dict(zip(KEPT_APART_COLUMNS, columns, strict=True)))
        parts.append(found.filter(pc.field(c.CLUSTER).is_valid() & pc.field(OTHER_CLUSTER).is_valid()))
    return pa.concat_tables(parts)


def pair_up(values: pa.Table) -> pa.Table:
    """Pair the records that a value would have joined, were it not shared by too many or contradicted.

    Args:
        values: record_key, type, value_hash, reason; all rows of a value.
    Returns: rows of `PAIR_COLUMNS`, each record with the first one.
    """
    key = [c.TYPE, c.VALUE_HASH, c.REASON]
    first = values.group_by(key).aggregate([(c.RECORD_KEY, "min")])
    pairs = values.join(first, keys=key).filter(pc.field(c.RECORD_KEY) != pc.field(f"{c.RECORD_KEY}_min"))
    return pairs.select([f"{c.RECORD_KEY}_min", c.RECORD_KEY, c.TYPE, c.REASON]).rename_columns(list(PAIR_COLUMNS))


def _sum_up(columns: list[pa.ChunkedArray], run_id: str) -> pa.Table:
    names = (c.IDENTIFIER_TYPE, c.REASON, c.CLUSTER, c.ENTITY_TYPE, c.RECORD_KEY, _COUNTED)
    issues = (
        pa.table(dict(zip(names, columns, strict=True)))
        .group_by(list(_KEY))
        .aggregate(
            [(c.ENTITY_TYPE, "min"), (_COUNTED, "count_distinct"), (c.RECORD_KEY, "count"), (c.RECORD_KEY, "list")]
        )
    )
    examples = [sorted(keys)[:EXAMPLES_AN_ISSUE] for keys in issues[f"{c.RECORD_KEY}_list"].to_pylist()]
    values = [
        *(pa.repeat(pa.scalar(run_id), issues.num_rows), issues[c.CLUSTER], issues[f"{c.ENTITY_TYPE}_min"]),
        *(issues[c.IDENTIFIER_TYPE], issues[c.REASON], issues[f"{_COUNTED}_count_distinct"]),
        *(issues[f"{c.RECORD_KEY}_count"], pa.array(examples, pa.list_(pa.string()))),
    ]
    return pa.table(dict(zip(ISSUES.names, values, strict=True))).cast(ISSUES)
