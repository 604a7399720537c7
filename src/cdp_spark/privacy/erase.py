"""Taking people out of the tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cdp_spark.privacy.rules import RULES
from cdp_spark.tables.actions.removal import count_matching, delete_matching
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import TABLES
from cdp_spark.tables.spec import TableKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.privacy.traces import Traces
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec


def count_rows_to_erase(context: RunContext, traces: Traces) -> dict[str, int]:
    """Count the rows that go, by table, in the order of the rules; a gold table's in the last release (an action)."""
    counted = {name: partial(_count, context, TABLES[name], traces) for name in RULES if _is_there(context, name)}
    found = run_together(context.store.spark, counted)
    return {name: found[name] for name in RULES if name in found}


def erase_rows(context: RunContext, traces: Traces, counts: Mapping[str, int]) -> None:
    """Take the rows out of the tables that have some, one table after the other.

    Gold tables go back to the last release before that: what a run without a release left in them is not kept.

    Args:
        context: of the run.
        traces: what to take out.
        counts: from `count_rows_to_erase`.
    """
    for name, rule in RULES.items():
        if name not in counts:
            continue
        spec = TABLES[name]
        if spec.kind is TableKind.GOLD:
            context.store.rewind(spec, context.base_versions[name])
        if counts[name]:
            delete_matching(context.store, spec, rule(traces))


def _is_there(context: RunContext, name: str) -> bool:
    spec = TABLES[name]
    return name in context.base_versions if spec.kind is TableKind.GOLD else context.store.exists(spec)


def _count(context: RunContext, spec: TableSpec, traces: Traces) -> int:
    version = context.base_versions.get(spec.name)
    return count_matching(context.store, spec, RULES[spec.name](traces), version=version)
