from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.insights.leads.people import CLOCK_US, events

from cdp_spark.config.insights.scores import ContractsConfig
from cdp_spark.scores.contracts import CONTRACT_ROWS, build_contracts, fit_contract_model, score_contracts

SETTINGS = ContractsConfig(start=("subscribe",), end=("cancel",), period_days=30, horizon_periods=12)


def test_a_contract_goes_from_its_start_to_the_next_end_or_runs() -> None:
    rows = events(
        ("ann", "subscribe", 100, {"value": "9"}),
        ("ann", "subscribe", 70, {"value": "99"}),
        ("ann", "cancel", 35),
        ("ann", "cancel", 30),
        ("ann", "subscribe", 20, {"value": "5"}),
        ("bob", "cancel", 90),
        ("bob", "subscribe", 61),
        ("cat", "view", 1),
    )
    assert build_contracts(rows, SETTINGS, until_us=CLOCK_US).to_pylist() == [
        {"unified_id": "ann", "periods": 3, "ended": True, "value": 9.0},
        {"unified_id": "ann", "periods": 0, "ended": False, "value": 5.0},
        {"unified_id": "bob", "periods": 2, "ended": False, "value": 0.0},
    ]


def test_nobody_without_events_of_contracts_has_one() -> None:
    assert build_contracts(events(("cat", "view", 1)), SETTINGS, until_us=CLOCK_US).equals(CONTRACT_ROWS.empty_table())


def test_a_running_contract_is_worth_its_value_times_the_periods_to_come() -> None:
    ended = [(period, True, 40) for period in (1, 1, 2, 3, 5)]
    rows = [*ended, (6, False, 300), (2, False, 50)]
    periods, over, times = zip(*rows, strict=True)
    contracts = pa.table(
        {
            "unified_id": [f"p{number}" for number in range(sum(times))],
            "periods": np.repeat(periods, times),
            "ended": np.repeat(over, times),
            "value": np.full(sum(times), 10.0),
        }
    ).cast(CONTRACT_ROWS)
    parameters, evaluation = fit_contract_model(contracts, SETTINGS)
    assert (evaluation["contracts"], evaluation["running"]) == (550, 350)
    alpha, beta = parameters["alpha"], parameters["beta"]
    running = events(("ann", "subscribe", 95, {"value": "10"}), ("bob", "subscribe", 20), ("bob", "cancel", 10))
    scored = score_contracts(running, parameters, SETTINGS, until_us=CLOCK_US)
    renewals = [(beta + place) / (alpha + beta + place) for place in range(3, 15)]
    assert scored["unified_id"].to_pylist() == ["ann"]
    assert scored["score"].to_pylist() == [pytest.approx(10 * np.cumprod(renewals).sum())]
    assert dict(scored["details"].to_pylist()[0])["renewal_probability"] == pytest.approx(renewals[0])
    reasons = scored["reasons"].to_pylist()[0]
    assert [it["reason"] for it in reasons] == ["a new contract of this value", "renewed 3 times"]
    assert sum(it["contribution"] for it in reasons) == pytest.approx(scored["score"].to_pylist()[0])
