"""Contracts as a score: what a running contract will still bring within a horizon.

A contract begins with one event and ends with another; between them it is paid for by the period. `build_contracts`
finds the contracts in people's events, `fit_contract_model` learns from all of them how long they last, and
`score_contracts` values those that run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.insights.contracts import ContractModel, fit_contracts, remaining_periods, retention
from cdp_spark.insights.value import find_borders, rank
from cdp_spark.scores.lifetime import details_of, reasons_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.insights.scores import ContractsConfig

CONTRACT_ROWS = pa.schema(
    [(c.UNIFIED_ID, pa.string()), (c.PERIODS, pa.int64()), (c.ENDED, pa.bool_()), (c.VALUE, pa.float64())]
)
"""One row a contract: periods that were paid for and are over, the last of them included if it ended."""
_DAY_US = 86_400_000_000
_AT = "at_us"


def build_contracts(rows: pa.Table, settings: ContractsConfig, *, until_us: int) -> pa.Table:
    """Find the contracts of people.

    Args:
        rows: events of whole people until the clock.
        settings: which events begin and end a contract.
        until_us: the clock, in microseconds since 1970.
    Returns: CONTRACT_ROWS, by person and time; a start while one runs, and an end while none does, say nothing.
    """
    turns = _turns(rows, settings)
    who, at = turns[c.UNIFIED_ID].combine_chunks(), turns[_AT].to_numpy()
    starts = turns[c.ENDED].to_numpy(zero_copy_only=False) == 0
    same = pc.equal(who.slice(1), who.slice(0, max(len(who) - 1, 0))).to_numpy(zero_copy_only=False)
    ended = np.r_[same, np.zeros(min(len(who), 1), np.bool_)].astype(np.bool_)[starts]
    last = np.where(ended, np.r_[at[1:], until_us][: len(at)][starts], until_us)
    periods = (last - at[starts]) // (settings.period_days * _DAY_US) + ended
    chosen = pa.array(np.flatnonzero(starts))
    value = pc.fill_null(turns[c.VALUE].take(chosen).cast(pa.float64()), 0.0)
    columns = [who.take(chosen), pa.array(periods), pa.array(ended), value.combine_chunks()]
    return pa.Table.from_arrays(columns, schema=CONTRACT_ROWS)


def fit_contract_model(contracts: pa.Table, settings: ContractsConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """Learn how long contracts last.

    Args:
        contracts: CONTRACT_ROWS of all people, in any order.
        settings: of the project.
    Returns: parameters and evaluation, as plain values.
    Raises: DataError: too few contracts or periods, or none that ended.
    """
    counted = contracts.filter(pc.greater(contracts[c.PERIODS], 0)).group_by([c.PERIODS, c.ENDED])
    counts = counted.aggregate([(c.UNIFIED_ID, "count")]).rename_columns([c.PERIODS, c.ENDED, c.CUSTOMERS])
    model = fit_contracts(counts.sort_by([(c.PERIODS, "ascending"), (c.ENDED, "ascending")]))
    running = contracts.filter(pc.invert(contracts[c.ENDED]))
    worth = running[c.VALUE].to_numpy() * _remaining(model, running[c.PERIODS].to_numpy(), settings)
    figures = {"contracts": model.contracts, "running": running.num_rows, "log_likelihood": model.log_likelihood}
    return {"alpha": model.alpha, "beta": model.beta, "borders": find_borders(worth)}, figures


def score_contracts(
    rows: pa.Table, parameters: dict[str, Any], settings: ContractsConfig, *, until_us: int
) -> dict[str, pa.Array]:
    """Value the contracts that run.

    Args:
        rows: events of whole people until the clock.
        parameters: as `fit_contract_model` gave them.
        settings: of the project.
        until_us: the clock.
    Returns: columns of the table `scores`.
    """
    contracts = build_contracts(rows, settings, until_us=until_us)
    running = contracts.filter(pc.invert(contracts[c.ENDED]))
    model = ContractModel(parameters["alpha"], parameters["beta"])
    renewals, value = running[c.PERIODS].to_numpy(), running[c.VALUE].to_numpy()
    periods = _remaining(model, renewals, settings)
    base = value * _remaining(model, np.zeros(len(renewals), np.int64), settings)
    worth = value * periods
    details = {"remaining_periods": periods, "renewal_probability": retention(model, renewals + 1.0)}
    words = zip(base.tolist(), renewals.tolist(), (worth - base).tolist(), strict=True)
    return {
        c.UNIFIED_ID: running[c.UNIFIED_ID],
        c.SCORE: pa.array(worth),
        **rank(worth, parameters["borders"]),
        c.DETAILS: details_of(details, running.num_rows),
        c.REASONS: reasons_of(
            [[("a new contract of this value", new), (_renewed(times), more)] for new, times, more in words]
        ),
    }


def _remaining(model: ContractModel, renewals: NDArray[np.int64], settings: ContractsConfig) -> NDArray[np.float64]:
    horizon, discount = settings.horizon_periods, settings.discount
    return remaining_periods(model, renewals.astype(np.float64), horizon=horizon, discount=discount)


def _renewed(times: int) -> str:
    return "not renewed yet" if not times else "renewed once" if times == 1 else f"renewed {times} times"


def _turns(rows: pa.Table, settings: ContractsConfig) -> pa.Table:
    """Starts and ends by person and time, each other than the one before; the first one is a start."""
    is_end = pc.is_in(rows[c.EVENT_TYPE], value_set=pa.array(settings.end, pa.string()))
    is_start = pc.is_in(rows[c.EVENT_TYPE], value_set=pa.array(settings.start, pa.string()))
    at = rows[c.OCCURRED_AT].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    table = pa.table(
        {c.UNIFIED_ID: rows[c.UNIFIED_ID], _AT: at, c.ENDED: is_end.cast(pa.int8()), c.VALUE: rows[c.VALUE]}
    )
    table = table.filter(pc.or_(is_start, is_end)).sort_by(
        [(c.UNIFIED_ID, "ascending"), (_AT, "ascending"), (c.ENDED, "ascending"), (c.VALUE, "ascending")]
    )
    who, ends = table[c.UNIFIED_ID].combine_chunks(), table[c.ENDED].to_numpy()
    if not len(who):
        return table
    new = np.r_[True, pc.not_equal(who.slice(1), who.slice(0, len(who) - 1)).to_numpy(zero_copy_only=False)]
    before = np.r_[1, ends[:-1]]
    return table.filter(pa.array(np.where(new, ends == 0, ends != before)))
