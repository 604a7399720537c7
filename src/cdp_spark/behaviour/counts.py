"""Funnels and cohorts as counts: made of batches of whole profiles, added up, taken away, and turned into rows.

A night takes away what the profiles with changed events counted for before, and adds what they count for now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.behaviour.funnels import (
    ALL,
    FUNNEL_ROWS,
    MASK,
    NONE,
    REACHED,
    count_funnel,
    funnel_rows,
    microseconds,
    sort_events,
)
from cdp_spark.behaviour.retention import RETENTION_ROWS, RETURNS, count_returns, retention_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from cdp_spark.config.insights.behaviour import FunnelConfig, RetentionConfig

FUNNEL, COHORTS = "funnel", "cohorts"
_PART, _NUMBER = "part", "number"
_KEYS = [c.KIND, c.NAME, _PART, c.STEP]
COUNTS = pa.schema(
    [
        (c.KIND, pa.string()),
        (c.NAME, pa.string()),
        (_PART, pa.string()),
        (c.STEP, pa.int32()),
        (_NUMBER, pa.int64()),
        (c.VALUE, pa.decimal128(38, 4)),
    ]
)
"""One row a definition, part of it (a value of a funnel, the first day of a cohort) and step or period."""


@dataclass(frozen=True)
class Definitions:
    """What is counted.

    Args:
        funnels: event tables have `step_mask_N` and `by_value_N` for the one at place N.
        retention: of the events' types.
        time_zone: in which a day begins.
    """

    funnels: tuple[FunnelConfig, ...]
    retention: tuple[RetentionConfig, ...]
    time_zone: str


def mask_name(place: int) -> str:
    """Name of the column with a funnel's step masks."""
    return f"{MASK}_{place}"


def group_name(place: int) -> str:
    """Name of the column with the values that a funnel is split by."""
    return f"{c.BY_VALUE}_{place}"


def count_definitions(events: pa.Table, definitions: Definitions) -> pa.Table:
    """Count all definitions of whole profiles.

    Args:
        events: `unified_id`, `occurred_at_utc`, `event_key`, `event_type`, `value`, and the funnels' columns, in any
            order.
        definitions: what is counted.
    Returns: COUNTS.
    """
    ordered, parts = sort_events(events), [COUNTS.empty_table()]
    for place, funnel in enumerate(definitions.funnels):
        steps = ordered.filter(pc.greater(ordered[mask_name(place)], 0)).select(
            [c.UNIFIED_ID, c.OCCURRED_AT, mask_name(place), group_name(place)]
        )
        steps = steps.rename_columns([c.UNIFIED_ID, c.OCCURRED_AT, MASK, c.BY_VALUE])
        reached = count_funnel(steps, steps=len(funnel.steps), window=microseconds(funnel.within_days))
        parts.append(_as_counts(FUNNEL, funnel.name, reached))
    for cohorts in definitions.retention:
        those = ordered.filter(pc.is_in(ordered[c.EVENT_TYPE], pa.array(cohorts.events)))
        returns = count_returns(those, every=cohorts.every, periods=cohorts.periods, time_zone=definitions.time_zone)
        parts.append(_as_counts(COHORTS, cohorts.name, returns))
    return pa.concat_tables(parts)


def add_counts(parts: Sequence[pa.Table]) -> pa.Table:
    """Add counts up."""
    added = pa.concat_tables([COUNTS.empty_table(), *parts])
    return added.group_by(_KEYS).aggregate([(_NUMBER, "sum"), (c.VALUE, "sum")]).rename_columns(COUNTS.names)


def negated(counts: pa.Table) -> pa.Table:
    """Make of counts what takes them away."""
    taken = counts.set_column(4, _NUMBER, pc.negate(counts[_NUMBER]))
    return taken.set_column(5, c.VALUE, pc.negate(counts[c.VALUE])).cast(COUNTS)


def counts_of_tables(funnels: pa.Table, retention: pa.Table, definitions: Definitions) -> pa.Table:
    """Read counts back from the tables that were made of them.

    Args:
        funnels: rows of `funnels`.
        retention: rows of `retention`.
        definitions: by which the tables were made.
    """
    parts = []
    for funnel in definitions.funnels:
        rows = funnels.filter(pc.equal(funnels[c.NAME], funnel.name))
        whole = pc.equal(rows[c.BY_VALUE], ALL)
        rows = rows.filter(pc.invert(whole) if funnel.by else whole)
        if not funnel.by:
            rows = rows.set_column(rows.schema.get_field_index(c.BY_VALUE), c.BY_VALUE, pa.repeat(NONE, len(rows)))
        parts.append(_as_counts(FUNNEL, funnel.name, rows.select(REACHED.names)))
    for cohorts in definitions.retention:
        rows = retention.filter(pc.equal(retention[c.NAME], cohorts.name))
        parts.append(_as_counts(COHORTS, cohorts.name, rows.select(RETURNS.names)))
    return add_counts(parts)


def tables_of_counts(counts: pa.Table, definitions: Definitions, *, today: date) -> tuple[pa.Table, pa.Table]:
    """Make the rows of `funnels` and `retention`.

    Args:
        counts: of all profiles, each key once.
        definitions: that were counted.
        today: the day of the run.
    """
    reached = {it.name: _counts_of(counts, FUNNEL, it.name, REACHED) for it in definitions.funnels}
    returns = {it.name: _counts_of(counts, COHORTS, it.name, RETURNS) for it in definitions.retention}
    funnels = [funnel_rows(reached[it.name], it) for it in definitions.funnels]
    cohorts = [retention_rows(returns[it.name], it, today=today) for it in definitions.retention]
    return (
        pa.concat_tables([FUNNEL_ROWS.empty_table(), *funnels]),
        pa.concat_tables([RETENTION_ROWS.empty_table(), *cohorts]),
    )


def _as_counts(kind: str, name: str, counted: pa.Table) -> pa.Table:
    """REACHED or RETURNS as COUNTS."""
    number = counted.num_rows
    part, step, people, *value = counted.columns
    values = value[0] if value else pa.nulls(number, COUNTS.field(c.VALUE).type)
    columns = [pa.repeat(kind, number), pa.repeat(name, number), part.cast(pa.string()), step, people, values]
    return pa.table(columns, names=COUNTS.names).cast(COUNTS)


def _counts_of(counts: pa.Table, kind: str, name: str, schema: pa.Schema) -> pa.Table:
    mine = counts.filter(pc.and_(pc.equal(counts[c.KIND], kind), pc.equal(counts[c.NAME], name)))
    chosen = mine.select([_PART, c.STEP, _NUMBER, c.VALUE][: len(schema)])
    return chosen.rename_columns(schema.names).cast(schema)
