"""Purchase histories: what the lifetime models need to know of a customer.

1. `purchase_histories` turns a customer's purchases into one row: how many purchases after the first, when the last one
   was, how long the customer is known, and what a repeat purchase is worth on average. Purchases of one day are one.
2. `count_histories` counts equal histories. The counts are all that the model of purchases is fitted on (they are its
   sufficient statistics), whatever the number of customers; those of several batches add up.
3. `check_histories` refuses what is too little to fit a model on, and says what is missing.

Time is counted in weeks. A refund is no purchase; it reduces its day's value.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import ContractError, DataError
from cdp_spark.groups import group_starts, require_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

HISTORIES = pa.schema(
    [
        (c.UNIFIED_ID, pa.string()),
        (c.FIRST_PURCHASE_DAY, pa.date32()),
        (c.REPEAT_PURCHASES, pa.int32()),
        (c.RECENCY_WEEKS, pa.float64()),
        (c.AGE_WEEKS, pa.float64()),
        (c.VALUED_PURCHASES, pa.int32()),
        (c.AVERAGE_VALUE, pa.float64()),
    ]
)
"""One row a customer. `recency_weeks` goes from the first purchase to the last, `age_weeks` from the first to the day
of the history. `average_value` is the mean of the `valued_purchases`, repeat purchases above zero; null for none."""
LEAST_WEEKS, LEAST_CUSTOMERS, LEAST_REPEAT_CUSTOMERS = 17.0, 200, 50
"""History and customers that a model is fitted on: below four months or fifty repeat buyers its four parameters are
hardly told apart."""
_DAYS = 7.0
_EPOCH = date(1970, 1, 1)


def purchase_histories(purchases: pa.Table, *, until: date) -> pa.Table:
    """Make one row a customer of their purchases up to a day.

    Args:
        purchases: `unified_id`, `day` (date32, in the project's time zone) and `value` (null counts as zero), sorted by
            `unified_id` and `day`; whole customers.
        until: last day that counts.
    Returns: HISTORIES, in the order of the customers; those without a purchase by then are left out.
    Raises: ContractError: the rows are not sorted.
    """
    require_order(purchases, [c.UNIFIED_ID, c.DAY], where="purchases")
    purchases = purchases.filter(pc.less_equal(purchases[c.DAY], pa.scalar(until))).combine_chunks()
    values = pc.fill_null(purchases[c.VALUE].cast(pa.float64()), 0.0)
    days = _sum_days(purchases.select([c.UNIFIED_ID, c.DAY]).append_column(c.VALUE, values))
    if not days.num_rows:
        return HISTORIES.empty_table()
    return _summarise(days, (until - _EPOCH).days)


def count_histories(histories: pa.Table) -> pa.Table:
    """Count the customers of each history (purchases, recency, age); tables of counts may be counted again.

    Args:
        histories: HISTORIES, or counts of several batches put together.
    """
    keys = [c.REPEAT_PURCHASES, c.RECENCY_WEEKS, c.AGE_WEEKS]
    if c.CUSTOMERS not in histories.column_names:
        ones = pa.array(np.ones(histories.num_rows, dtype=np.int64))
        histories = histories.select(keys).append_column(c.CUSTOMERS, ones)
    counts = histories.group_by(keys).aggregate([(c.CUSTOMERS, "sum")])
    return counts.rename_columns([*keys, c.CUSTOMERS]).sort_by([(key, "ascending") for key in keys])


def check_histories(
    counts: pa.Table,
    *,
    least_weeks: float = LEAST_WEEKS,
    least_customers: int = LEAST_CUSTOMERS,
    least_repeat_customers: int = LEAST_REPEAT_CUSTOMERS,
) -> None:
    """Refuse histories that are too few or too short for a model.

    Args:
        counts: as `count_histories` makes them.
        least_weeks: between the first purchase of all and the day of the histories.
        least_customers: with a purchase.
        least_repeat_customers: with a second one.
    Raises: DataError: something is missing; the message names all of it.
    """
    customers = counts[c.CUSTOMERS].to_numpy()
    repeat = int(customers[counts[c.REPEAT_PURCHASES].to_numpy() > 0].sum())
    weeks = pc.max(counts[c.AGE_WEEKS]).as_py() or 0.0
    needs = [
        (weeks, least_weeks, f"{least_weeks:g} weeks of purchases (there are {weeks:.1f})"),
        (customers.sum(), least_customers, f"{least_customers} customers (there are {customers.sum()})"),
        (repeat, least_repeat_customers, f"{least_repeat_customers} who bought again (there are {repeat})"),
    ]
    if missing := [text for found, least, text in needs if found < least]:
        needed = ", ".join(missing)
        fix = f"Load older purchases, or wait{_until_when(weeks, least_weeks)}."
        said = f"There is too little history. The model needs at least {needed}. {fix}"
        raise DataError("lifetime model", got="too little history", allowed=f"at least {needed}", fix=fix, said=said)


def _until_when(weeks: float, least_weeks: float) -> str:
    if weeks >= least_weeks:
        return " for more customers"
    return f" {timedelta(weeks=least_weeks - weeks).days + 1} days"


def _sum_days(purchases: pa.Table) -> pa.Table:
    """One row a customer and day that has a purchase, a row that is no refund; its value is net of refunds."""
    starts = group_starts(purchases, [c.UNIFIED_ID, c.DAY])
    if not len(starts):
        return purchases
    values = purchases[c.VALUE].to_numpy()
    bought = np.maximum.reduceat(values, starts) >= 0
    days = purchases.take(pa.array(starts)).set_column(2, c.VALUE, pa.array(np.add.reduceat(values, starts)))
    return days.filter(pa.array(bought))


def _summarise(days: pa.Table, until: int) -> pa.Table:
    starts = group_starts(days, [c.UNIFIED_ID])
    ends = np.append(starts[1:], days.num_rows) - 1
    day = days[c.DAY].cast(pa.int32()).to_numpy().astype(np.int64)
    values = days[c.VALUE].to_numpy().copy()
    if not np.isfinite(values).all():
        raise ContractError("purchases.value", got="a value that is no finite number", fix="leave such rows out")
    values[starts] = 0.0  # the first purchase says when a customer began, not what a repeat purchase is worth
    valued: NDArray[np.int64] = np.add.reduceat((values > 0).astype(np.int64), starts)
    spent = np.add.reduceat(np.maximum(values, 0.0), starts)
    first = days.take(pa.array(starts))
    average = pa.array(spent / np.maximum(valued, 1), mask=valued == 0)
    columns = [
        first[c.UNIFIED_ID],
        first[c.DAY],
        ends - starts,
        (day[ends] - day[starts]) / _DAYS,
        (until - day[starts]) / _DAYS,
        valued,
        average,
    ]
    return pa.table(dict(zip(HISTORIES.names, columns, strict=True))).cast(HISTORIES)
