"""Who comes back: cohorts by the week or month of the first event.

1. An event's period is the week (from Monday) or month of its day in the project's time zone.
2. A profile belongs to the cohort of its first event. `count_returns` counts, per cohort and number of periods since,
   the profiles that had an event, and sums what their events were worth. Counts of several batches add up.
3. `retention_rows` adds the cohorts' sizes, and the periods that have begun in which nobody came back.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.behaviour.journeys import VALUES
from cdp_spark.groups import group_numbers, group_starts, require_order
from cdp_spark.normalise.batches import local_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.insights.behaviour import Period, RetentionConfig

RETURNS = pa.schema(
    [(c.COHORT, pa.date32()), (c.PERIOD, pa.int32()), (c.RETURNED, pa.int64()), (c.VALUE, pa.decimal128(38, 4))]
)
"""One row a cohort (its first day) and number of periods since: who came, and what their events were worth."""
RETENTION_ROWS = pa.schema(
    [
        (c.NAME, pa.string()),
        (c.COHORT, pa.date32()),
        (c.PERIOD, pa.int32()),
        (c.PROFILES, pa.int64()),
        (c.RETURNED, pa.int64()),
        (c.VALUE, VALUES),
    ]
)
_UNITS = 10_000
_MONTHS, _DAYS_A_WEEK = 12, 7
_EPOCH = date(1970, 1, 1)
_FIRST_MONDAY = 4
"""Days from the epoch, a Thursday, to the first Monday."""


def count_returns(events: pa.Table, *, every: Period, periods: int, time_zone: str) -> pa.Table:
    """Count who comes back.

    Args:
        events: `unified_id`, `occurred_at_utc` and `value` (null counts as zero), sorted by the first two; whole
            profiles.
        every: week or month.
        periods: how many after the first are counted.
        time_zone: in which a day begins.
    Returns: RETURNS.
    Raises: ContractError: the events are not sorted.
    """
    require_order(events, [c.UNIFIED_ID, c.OCCURRED_AT], where="events")
    if not events.num_rows:
        return RETURNS.empty_table()
    found = _period_numbers(events, every, time_zone)
    starts = group_starts(events, [c.UNIFIED_ID])
    people = group_numbers(starts, events.num_rows)
    cohorts, since = found[starts][people], found - found[starts][people]
    units = _units(events)
    followed = since <= periods
    people, cohorts, since, units = people[followed], cohorts[followed], since[followed], units[followed]
    begins = np.append(True, (np.diff(people) != 0) | (np.diff(since) != 0))  # a person's events are in order
    cells, index = np.unique(np.stack([cohorts, since]), axis=1, return_inverse=True)
    returned = np.bincount(index.ravel(), weights=begins).astype(np.int64)
    sums = np.zeros(cells.shape[1], dtype=np.int64)
    np.add.at(sums, index.ravel(), units)
    firsts = [first_day(int(cohort), every) for cohort in cells[0]]
    values = [Decimal(int(it)) / _UNITS for it in sums]
    return pa.table([firsts, cells[1].astype(np.int32), returned, pa.array(values, RETURNS.field(3).type)], RETURNS)


def retention_rows(returns: pa.Table, config: RetentionConfig, *, today: date) -> pa.Table:
    """Make a definition's rows.

    Args:
        returns: RETURNS of all profiles, each cohort and period once.
        config: the definition.
        today: the day of the run; periods that begin later have rows only where somebody came all the same.
    Returns: RETENTION_ROWS, in the order of cohorts and periods.
    """
    cells = {(row[c.COHORT], row[c.PERIOD]): row for row in returns.to_pylist() if row[c.RETURNED]}
    sizes = {cohort: row[c.RETURNED] for (cohort, period), row in cells.items() if period == 0}
    now, rows = period_of(today, config.every), []
    for cohort in sorted(sizes):
        begun = now - period_of(cohort, config.every)
        for period in range(config.periods + 1):
            cell = cells.get((cohort, period))
            if cell is None and period > begun:
                continue
            returned, value = (cell[c.RETURNED], cell[c.VALUE]) if cell else (0, Decimal(0))
            rows.append((config.name, cohort, period, sizes[cohort], returned, value))
    columns = list(zip(*rows, strict=True)) or [()] * len(RETENTION_ROWS)
    arrays = [pa.array(it, field.type) for it, field in zip(columns, RETENTION_ROWS, strict=True)]
    return pa.table(arrays, schema=RETENTION_ROWS)


def period_of(day: date, every: Period) -> int:
    """Number of the week or month of a day."""
    if every == "month":
        return (day.year - _EPOCH.year) * _MONTHS + day.month - 1
    return ((day - _EPOCH).days - _FIRST_MONDAY) // _DAYS_A_WEEK


def first_day(number: int, every: Period) -> date:
    """First day of a week or month."""
    if every == "month":
        return date(_EPOCH.year + number // _MONTHS, number % _MONTHS + 1, 1)
    return _EPOCH + timedelta(days=number * _DAYS_A_WEEK + _FIRST_MONDAY)


def _period_numbers(events: pa.Table, every: Period, time_zone: str) -> NDArray[np.int64]:
    days = local_days(events[c.OCCURRED_AT], time_zone)
    if every == "month":
        numbers = (pc.year(days).to_numpy() - _EPOCH.year) * _MONTHS + pc.month(days).to_numpy() - 1
    else:
        numbers = (days.cast(pa.int32()).to_numpy() - _FIRST_MONDAY) // _DAYS_A_WEEK
    return np.asarray(numbers, dtype=np.int64)


def _units(events: pa.Table) -> NDArray[np.int64]:
    """Values in ten-thousandths: whole numbers add up the same in any order."""
    values = pc.fill_null(events[c.VALUE].cast(pa.float64()), 0.0).to_numpy()
    return np.asarray(np.rint(values * _UNITS), dtype=np.int64)
