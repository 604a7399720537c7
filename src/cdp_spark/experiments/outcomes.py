"""What people did after they were assigned, summed up over the units that were drawn.

Everybody who was assigned counts in the arm that they were put in, whatever they got (intention to treat). An event
counts from the moment of the assignment to the end of its window, or to the run's clock where that comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.experiments import HOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cdp_spark.config.experiments import ExperimentsConfig, OutcomeOfExperiment
    from cdp_spark.experiments.lift import Value

_SPLIT = (c.EXPERIMENT, c.ARM, c.SPLIT)
_UNIT = (*_SPLIT, c.UNIT_ID)
_SQUARES = ("people_squared", "outcome_squared", "product")
_SUMS = (c.UNITS, c.PEOPLE, c.PEOPLE_DONE, c.CONVERTED, c.OUTCOME, *_SQUARES)
SUMS = pa.schema([*((name, pa.string()) for name in _SPLIT), *((name, pa.float64()) for name in _SUMS)])
"""Sums over the units of an arm that were drawn by the same shares."""


@dataclass(frozen=True)
class Measure:
    """What an experiment measures.

    Args:
        events: event types.
        within: from the assignment.
        value: whether one is enough, or their values are added up.
    """

    events: tuple[str, ...]
    within: timedelta
    value: Value


def measures_of(config: ExperimentsConfig) -> dict[str, Measure]:
    """What each experiment, and the global hold-out, measures."""
    measures = {it.name: _measure(it.outcome) for it in config.experiments}
    if config.hold_out is not None and config.hold_out.outcome is not None:
        measures[HOLD_OUT] = _measure(config.hold_out.outcome)
    return measures


def _measure(outcome: OutcomeOfExperiment) -> Measure:
    return Measure(outcome.events, timedelta(days=outcome.within_days), outcome.value)


def sum_outcomes(rows: pa.Table, *, measures: Mapping[str, Measure], until: datetime) -> pa.Table:
    """Sum up what people did.

    Args:
        rows: of `experiment_assignments`, once for each event of the profile, or once with nulls where it has none; all
            rows of a unit.
        measures: by experiment.
        until: the run's clock.
    Returns: sums by experiment, arm and shares; see `SUMS`.
    """
    parts = [_of_people(rows.filter(pc.equal(rows[c.EXPERIMENT], name)), it, until) for name, it in measures.items()]
    if not parts:
        return SUMS.empty_table()
    people = pa.concat_tables(parts)
    units = people.group_by(list(_UNIT)).aggregate(
        [(c.UNIFIED_ID, "count"), (c.PEOPLE_DONE, "sum"), (c.CONVERTED, "sum"), (c.OUTCOME, "sum")]
    )
    n, y = units[f"{c.UNIFIED_ID}_count"].cast(pa.float64()), units[f"{c.OUTCOME}_sum"]
    done, converted = (units[f"{name}_sum"].cast(pa.float64()) for name in (c.PEOPLE_DONE, c.CONVERTED))
    one = pa.repeat(pa.scalar(1.0), units.num_rows)
    figures = (one, n, done, converted, y, pc.multiply(n, n), pc.multiply(y, y), pc.multiply(n, y))
    table = pa.table([*(units[name] for name in _SPLIT), *figures], names=SUMS.names)
    return add_sums(table)


def add_sums(sums: pa.Table) -> pa.Table:
    """One row for each experiment, arm and shares."""
    added = sums.group_by(list(_SPLIT)).aggregate([(name, "sum") for name in _SUMS])
    return added.select([*_SPLIT, *(f"{name}_sum" for name in _SUMS)]).rename_columns(SUMS.names).cast(SUMS)


def _of_people(rows: pa.Table, measure: Measure, until: datetime) -> pa.Table:
    """A row for each person: whether and what they did, and whether their window is over."""
    happened, begun = rows[c.OCCURRED_AT], rows[c.ASSIGNED_AT]
    now = pa.scalar(until, begun.type)
    ends = pc.add(begun, pa.scalar(measure.within, pa.duration("us")))
    in_window = pc.and_(pc.greater(happened, begun), pc.less_equal(happened, ends))
    in_time = pc.and_(in_window, pc.less_equal(happened, now))
    wanted = pc.is_in(rows[c.EVENT_TYPE], value_set=pa.array(measure.events, pa.string()))
    counts = pc.fill_null(pc.and_(in_time, wanted), fill_value=False)
    value = pc.fill_null(rows[c.VALUE].cast(pa.float64()), 0.0)
    done = pc.less_equal(ends, now).cast(pa.int64())
    table = rows.select([*_UNIT, c.UNIFIED_ID]).append_column(c.PEOPLE_DONE, done)
    table = table.append_column(c.CONVERTED, counts.cast(pa.int64()))
    table = table.append_column(c.OUTCOME, pc.if_else(counts, value, 0.0))
    people = table.group_by([*_UNIT, c.UNIFIED_ID]).aggregate(
        [(c.PEOPLE_DONE, "max"), (c.CONVERTED, "max"), (c.OUTCOME, "sum")]
    )
    people = people.select([*_UNIT, c.UNIFIED_ID, f"{c.PEOPLE_DONE}_max", f"{c.CONVERTED}_max", f"{c.OUTCOME}_sum"])
    people = people.rename_columns([*_UNIT, c.UNIFIED_ID, c.PEOPLE_DONE, c.CONVERTED, c.OUTCOME])
    if measure.value == "sum":
        return people
    return people.set_column(people.num_columns - 1, c.OUTCOME, people[c.CONVERTED].cast(pa.float64()))
