"""Taking people out of the tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.privacy.rules import RULES
from cdp_spark.tables.actions.removal import count_matching, delete_matching, purge_deleted
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import IDENTITY_ISSUES, TABLES
from cdp_spark.tables.spec import TableKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.privacy.people.traces import Traces
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec


def count_rows_to_erase(context: RunContext, traces: Traces) -> dict[str, int]:
    """Count the rows that go, by table, in the order of the rules (an action).

    Args:
        context: with the version of each table.
        traces: what to take out.
    """
    counted = {name: partial(_count, context, TABLES[name], traces) for name in RULES if name in context.base_versions}
    found = run_together(context.store.spark, counted)
    return {name: found[name] for name in counted}


def erase_rows(context: RunContext, traces: Traces, counts: Mapping[str, int]) -> None:
    """Take the rows out of the tables that have some, one table after the other.

    Gold tables go back to the last release before that: what a run without a release left in them is not kept.

    Args:
        context: with the version of each table.
        traces: what to take out.
        counts: from `count_rows_to_erase`.
    """
    for name, count in counts.items():
        spec = TABLES[name]
        if spec.kind is TableKind.GOLD:
            context.store.rewind(spec, context.base_versions[name])
        if count:
            for matching in RULES[name](traces):
                delete_matching(context.store, spec, matching)
        if spec is IDENTITY_ISSUES:
            _drop_examples(context, traces)
        if context.store.open_local(spec) is None:
            purge_deleted(context.store, spec)


def _count(context: RunContext, spec: TableSpec, traces: Traces) -> int:
    version = context.base_versions[spec.name]
    return sum(count_matching(context.store, spec, it, version=version) for it in RULES[spec.name](traces))


def _drop_examples(context: RunContext, traces: Traces) -> None:
    """The people's records are no examples of an issue any more; the issue itself is others', too."""
    issues, names = context.store.fetch(IDENTITY_ISSUES), {*traces.names}
    given = issues[c.EXAMPLES].to_pylist()
    kept = [[key for key in keys if key not in names] for keys in given]
    if kept != given:
        at = issues.column_names.index(c.EXAMPLES)
        examples = pa.array(kept, issues.schema.field(c.EXAMPLES).type)
        context.store.overwrite(IDENTITY_ISSUES, issues.set_column(at, c.EXAMPLES, examples))
