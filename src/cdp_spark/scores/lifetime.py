"""Lifetime value as a score: fitted on all customers' histories, applied to any of them.

1. `build_histories` makes a customer's history of their purchases, as of the fit and as of a hold-out's beginning.
2. `fit_lifetime` fits purchases and spend, says where the top 1 to 50 % begin, and tries the same on the history before
   the last weeks, of which it knows what came.
3. `score_customers` gives each customer the value, and what it is made of against the average customer: how often they
   are expected to buy, and what for. Base and both sum to the value exactly.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.insights.histories import HISTORIES, count_histories, purchase_histories
from cdp_spark.insights.lifetime import PurchaseModel, expect_purchases, fit_purchases
from cdp_spark.insights.spend import SpendModel, fit_spend
from cdp_spark.insights.value import (
    ModelPair,
    ValueTerms,
    bootstrap,
    find_borders,
    interval,
    lifetime_values,
    rank,
)
from cdp_spark.normalise.batches import local_days

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from cdp_spark.config.insights.scores import LifetimeValueConfig

    Floats = NDArray[np.float64]

LATER = "later_purchases"
HOLD_OUT = "hold_out"
DATED_HISTORIES = HISTORIES.append(pa.field(HOLD_OUT, pa.bool_())).append(pa.field(LATER, pa.int32()))
"""HISTORIES as of the fit, and, marked, as of the hold-out's beginning with the purchases that came later."""
HOLD_OUT_WEEKS = 13
DRAWS = 40


def build_histories(rows: pa.Table, settings: LifetimeValueConfig, *, until: date, time_zone: str) -> pa.Table:
    """Make the histories of customers, as of a day and as of the hold-out's beginning.

    Args:
        rows: events of whole people.
        settings: which are purchases.
        until: last day that counts.
        time_zone: of days.
    Returns: DATED_HISTORIES.
    """
    purchases, cut = _purchases(rows, settings, time_zone), until - timedelta(weeks=HOLD_OUT_WEEKS)
    now = purchase_histories(purchases, until=until)
    before = purchase_histories(purchases, until=cut)
    place = pc.index_in(before[c.UNIFIED_ID].combine_chunks(), value_set=now[c.UNIFIED_ID].combine_chunks())
    later = pc.subtract(now[c.REPEAT_PURCHASES].take(place), before[c.REPEAT_PURCHASES])
    parts = [(now, False, pa.nulls(now.num_rows, pa.int32())), (before, True, later)]
    return pa.concat_tables(
        [
            table.append_column(HOLD_OUT, pa.repeat(marked, table.num_rows)).append_column(LATER, added)
            for table, marked, added in parts
        ]
    ).cast(DATED_HISTORIES)


def fit_lifetime(dated: pa.Table, settings: LifetimeValueConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fit both models.

    Args:
        dated: DATED_HISTORIES of all customers, in any order.
        settings: of the project.
    Returns: parameters and evaluation, as plain values.
    Raises: DataError: too little history; the message names all that is missing.
    """
    dated = dated.sort_by([(c.UNIFIED_ID, "ascending")])
    histories = dated.filter(pc.invert(dated[HOLD_OUT]))
    models = _fit(histories)
    values = lifetime_values(histories, models, _terms(settings))
    value = values[c.EXPECTED_VALUE].to_numpy()
    worth = values[c.LIFETIME_VALUE].to_numpy()
    drawn = bootstrap(histories, models, draws=DRAWS) if settings.intervals else []
    parameters = {
        "models": _plain(models),
        "borders": find_borders(worth),
        "mean_value": float(value.mean()),
        "mean_purchases": float((worth / (settings.margin * value)).mean()),
        "draws": [_plain(it) for it in drawn],
    }
    return parameters, {**_figures(models), **_hold_out(dated)}


def score_customers(
    rows: pa.Table, parameters: dict[str, Any], settings: LifetimeValueConfig, *, until_us: int, time_zone: str
) -> dict[str, pa.Array]:
    """Value customers.

    Args:
        rows: events of whole people.
        parameters: as `fit_lifetime` gave them.
        settings: of the project.
        until_us: the clock, in microseconds since 1970.
        time_zone: of days.
    Returns: columns of the table `scores`.
    """
    until = day_of(until_us, time_zone)
    histories = purchase_histories(_purchases(rows, settings, time_zone), until=until)
    models, terms = _pair(parameters["models"]), _terms(settings)
    values = lifetime_values(histories, models, terms)
    details = {name: values[name].to_numpy() for name in values.column_names[1:4]}
    if parameters["draws"] and histories.num_rows:
        drawn = [_pair(it) for it in parameters["draws"]]
        ends = interval(drawn, lambda them: lifetime_values(histories, them, terms)[c.LIFETIME_VALUE].to_numpy())
        details |= {"value_low": ends[0], "value_high": ends[1]}
    return {
        c.UNIFIED_ID: values[c.UNIFIED_ID],
        c.SCORE: values[c.LIFETIME_VALUE],
        **rank(values[c.LIFETIME_VALUE].to_numpy(), parameters["borders"]),
        c.DETAILS: details_of(details, values.num_rows),
        c.REASONS: _reasons(histories, values, parameters, settings),
    }


def details_of(figures: dict[str, Floats], size: int) -> pa.Array:
    """Put figures of people into one map a person.

    Args:
        figures: by name, one value a person.
        size: people.
    """
    names = pa.array(list(figures) * size, pa.string())
    flat = np.stack(list(figures.values()), axis=1).ravel() if figures else np.zeros(0)
    offsets = pa.array(np.arange(size + 1, dtype=np.int32) * len(figures))
    return pa.MapArray.from_arrays(offsets, names, pa.array(flat, pa.float64()))


def reasons_of(rows: list[list[tuple[str, float]]]) -> pa.Array:
    """Put each person's reasons into one list a person."""
    kind = pa.list_(pa.struct([(c.REASON, pa.string()), (c.CONTRIBUTION, pa.float64())]))
    return pa.array([[dict(zip((c.REASON, c.CONTRIBUTION), it, strict=True)) for it in row] for row in rows], kind)


def _reasons(
    histories: pa.Table, values: pa.Table, parameters: dict[str, Any], settings: LifetimeValueConfig
) -> pa.Array:
    """What the value owes to how often, and to what for; the average customer has neither."""
    value, worth = values[c.EXPECTED_VALUE].to_numpy(), values[c.LIFETIME_VALUE].to_numpy()
    usual_value, usual_purchases = parameters["mean_value"], parameters["mean_purchases"]
    base = settings.margin * usual_value * usual_purchases
    often = worth / value * usual_value - base
    spent = worth - base - often
    words = zip(
        *(histories[name].to_pylist() for name in _WORDED), values[c.PROBABILITY_ALIVE].to_pylist(), strict=True
    )
    rows = []
    for (again, recency, age, average, alive), by_often, by_spent in zip(
        words, often.tolist(), spent.tolist(), strict=True
    ):
        spends = "no repeat purchase with a value yet" if average is None else f"{average:,.2f} a repeat purchase"
        named = [(_often(again, round((age - recency) * 7), alive), by_often), (spends, by_spent)]
        rows.append([("the average customer", base), *sorted(named, key=lambda it: -abs(it[1]))])
    return reasons_of(rows)


_WORDED = (c.REPEAT_PURCHASES, c.RECENCY_WEEKS, c.AGE_WEEKS, c.AVERAGE_VALUE)


def _often(again: int, silent_days: int, alive: float) -> str:
    ago = "today" if silent_days == 0 else "1 day ago" if silent_days == 1 else f"{silent_days} days ago"
    if again == 0:
        return f"one day with purchases, {ago}"
    return f"{again + 1} days with purchases, the last {ago}: {alive:.0%} likely to come back"


def _fit(histories: pa.Table) -> ModelPair:
    return ModelPair(fit_purchases(count_histories(histories)), fit_spend(histories))


def hold_out_rows(dated: pa.Table) -> pa.Table:
    """Say what a model of the history before the last weeks expects of them, and what came.

    Args:
        dated: DATED_HISTORIES of all customers.
    Returns: unified_id, expected_purchases, purchases.
    Raises: DataError: too little history before.
    """
    before = dated.filter(dated[HOLD_OUT]).sort_by([(c.UNIFIED_ID, "ascending")])
    model = fit_purchases(count_histories(before))
    expected = pa.array(expect_purchases(model, before, weeks=HOLD_OUT_WEEKS))
    return pa.table({c.UNIFIED_ID: before[c.UNIFIED_ID], c.EXPECTED_PURCHASES: expected, c.PURCHASES: before[LATER]})


def _hold_out(dated: pa.Table) -> dict[str, Any]:
    try:
        rows = hold_out_rows(dated)
    except DataError as error:
        return {"hold_out": None, "why": f"{error.got}: {error.allowed}"}
    expected, came = pc.sum(rows[c.EXPECTED_PURCHASES]).as_py(), pc.sum(rows[c.PURCHASES]).as_py()
    found = {
        "weeks": HOLD_OUT_WEEKS,
        "customers": rows.num_rows,
        "expected_purchases": expected,
        "purchases": came,
        "error": expected / came - 1 if came else None,
    }
    return {"hold_out": found}


def _figures(models: ModelPair) -> dict[str, Any]:
    return {
        "customers": models.purchases.customers,
        "repeat_customers": models.spend.customers,
        "frequency_correlation": models.spend.frequency_correlation,
        "starts_agreeing": models.purchases.starts_agreeing,
    }


def _purchases(rows: pa.Table, settings: LifetimeValueConfig, time_zone: str) -> pa.Table:
    """The purchases of people by day; an event without a value is a purchase whose value is not known."""
    listed = pc.is_in(rows[c.EVENT_TYPE], value_set=pa.array(settings.event_types, pa.string()))
    rows = rows.filter(listed)
    day = local_days(rows[c.OCCURRED_AT], time_zone)
    value = rows[c.VALUE].cast(pa.float64())
    table = pa.table({c.UNIFIED_ID: rows[c.UNIFIED_ID], c.DAY: day, c.VALUE: value})
    return table.sort_by([(name, "ascending") for name in table.column_names])


def day_of(until_us: int, time_zone: str) -> date:
    """Return the day of a time in a zone.

    Args:
        until_us: the time, in microseconds since 1970.
        time_zone: its name.
    """
    day: date = local_days(pa.array([until_us], pa.timestamp("us", "UTC")), time_zone)[0].as_py()
    return day


def _terms(settings: LifetimeValueConfig) -> ValueTerms:
    return ValueTerms(settings.horizon_weeks, settings.yearly_discount, settings.margin)


def _plain(models: ModelPair) -> dict[str, Any]:
    return {"purchases": _numbers(asdict(models.purchases)), "spend": _numbers(asdict(models.spend))}


def _numbers(facts: dict[str, Any]) -> dict[str, Any]:
    """JSON has no nan."""
    return {
        name: None if isinstance(it, float) and np.isnan(it) else it
        for name, it in facts.items()
        if name != "standard_errors"
    }


def _pair(facts: dict[str, Any]) -> ModelPair:
    kept = {kind: {name: it for name, it in them.items() if it is not None} for kind, them in facts.items()}
    return ModelPair(PurchaseModel(**kept["purchases"]), SpendModel(**kept["spend"]))
