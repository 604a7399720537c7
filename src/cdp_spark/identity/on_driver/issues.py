"""Clusters over a limit, and the people whose identifiers were; as `issues` finds them in Spark."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.terms import EXAMPLES_AN_ISSUE, TOO_LARGE, VISITOR
from cdp_spark.tables.catalog import IDENTITY_ISSUES
from cdp_spark.tables.rows import rows_with, rows_without, tuples_of, with_values

_KEY = (c.CLUSTER, c.IDENTIFIER_TYPE, c.REASON)
_COUNTED, _OTHER = "counted", "other_key"
_COLUMNS = (*_KEY, c.ENTITY_TYPE, c.RECORD_KEY, _COUNTED)


def build_identity_issues(clusters: pa.Table, held: pa.Array, unused: pa.Table, *, run_id: str) -> pa.Table:
    """List the held clusters, and the people whose identifiers were over a limit.

    Args:
        clusters: record_key, entity_type, cluster of tonight.
        held: record_key of the records in held clusters.
        unused: record_key_l, record_key_r, identifier_type, reason: what an identifier would have joined, but for a
            limit.
        run_id: of this run.
    Returns: rows of `identity_issues`, one per cluster, identifier type and reason.
    """
    parts = [_of_held(rows_with(clusters, c.RECORD_KEY, held)), _of_unused(clusters, unused)]
    found = pa.concat_tables(parts, promote_options="default")
    issues = found.group_by(_KEY).aggregate(
        [(c.ENTITY_TYPE, "min"), (_COUNTED, "count_distinct"), (c.RECORD_KEY, "count"), (c.RECORD_KEY, "list")]
    )
    return IDENTITY_ISSUES.table(
        [
            (run_id, cluster, kind, identifier_type, reason, distinct, count, sorted(keys)[:EXAMPLES_AN_ISSUE])
            for cluster, identifier_type, reason, kind, distinct, count, keys in tuples_of(issues)
        ]
    )


def keep_issues(last_issues: pa.Table, affected: pa.Array, *, run_id: str) -> pa.Table:
    """The clusters that were held for their size and still are, because nobody in them is affected.

    Args:
        last_issues: `identity_issues` of the last release; a held cluster is named by its smallest record.
        affected: record_key.
        run_id: of this run.
    """
    held = rows_without(last_issues.filter(pc.field(c.IDENTIFIER_TYPE) == c.RECORD_KEY), c.CLUSTER, affected)
    return with_values(held, {c.RUN_ID: run_id}).select(last_issues.column_names)


def _of_held(rows: pa.Table) -> pa.Table:
    """The records of held clusters."""
    words = {c.IDENTIFIER_TYPE: c.RECORD_KEY, c.REASON: TOO_LARGE}
    return with_values(rows.append_column(_COUNTED, rows[c.RECORD_KEY]), words).select(list(_COLUMNS))


def _of_unused(clusters: pa.Table, unused: pa.Table) -> pa.Table:
    """Each record that a limit kept apart, beside the cluster of people that it was kept from."""
    names = [c.RECORD_KEY, _OTHER, c.IDENTIFIER_TYPE, c.REASON]
    ways = [(c.RECORD_KEY_L, c.RECORD_KEY_R), (c.RECORD_KEY_R, c.RECORD_KEY_L)]
    kept_from = pa.concat_tables([unused.select([*way, *names[2:]]).rename_columns(names) for way in ways])
    ends = rows_with(clusters, c.RECORD_KEY, kept_from[c.RECORD_KEY].unique())
    own = ends.select([c.RECORD_KEY, c.CLUSTER]).rename_columns([c.RECORD_KEY, _COUNTED])
    people = ends.filter(pc.field(c.ENTITY_TYPE) != VISITOR).rename_columns({c.RECORD_KEY: _OTHER})
    with_own = kept_from.join(own, keys=c.RECORD_KEY, join_type="inner")
    return with_own.join(people, keys=_OTHER, join_type="inner").select(_COLUMNS)
