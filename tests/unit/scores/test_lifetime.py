from __future__ import annotations

import json
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.insights.leads.people import CLOCK_US, SCHEMA, events

from cdp_spark.config.insights.scores import LifetimeValueConfig
from cdp_spark.errors import DataError
from cdp_spark.insights.leads.features import DAY_US
from cdp_spark.scores import lifetime
from cdp_spark.scores.lifetime import build_histories, day_of, fit_lifetime, score_customers

SETTINGS = LifetimeValueConfig(event_types=("buy", "return"), margin=0.5)
TODAY = day_of(CLOCK_US, "UTC")


def draw_customers(customers: int, seed: int) -> pa.Table:
    """Purchases of a year by customers who buy every few weeks and stop some time."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(customers):
        day, rate, usual = random.random() * 300, random.gamma(1.5, 0.03), random.gamma(6, 7)
        while day < 365:
            made.append((f"c{number:04}", 365 - day, usual * random.gamma(6, 1 / 6)))
            day += random.exponential(1 / rate) if random.random() > 0.2 else 1_000
    who, days, value = zip(*made, strict=True)
    at = CLOCK_US - (np.array(days) * DAY_US).astype(np.int64)
    size, cents = len(who), np.round(np.array(value), 2)
    columns = [
        who,
        ["person"] * size,
        ["buy"] * size,
        at,
        pa.nulls(size),
        pa.array(cents).cast(pa.decimal128(18, 4), safe=False),
    ]
    return pa.table(dict(zip(SCHEMA.names, columns, strict=True))).cast(SCHEMA)


def test_histories_are_made_of_purchases_by_the_projects_day_now_and_as_of_the_hold_out() -> None:
    half_past_midnight = (CLOCK_US % DAY_US) / DAY_US + 200 - 0.5 / 24
    rows = events(
        ("ann", "buy", half_past_midnight, {"value": "10"}),
        ("ann", "buy", half_past_midnight + 2 / 24, {"value": "20"}),
        ("ann", "return", 150, {"value": "-5"}),
        ("ann", "buy", 150, {"value": "30"}),
        ("ann", "buy", 10, {"value": "7"}),
        ("ann", "view", 5, {"value": "1000"}),
        ("bob", "buy", 80),
    )
    found = build_histories(rows, SETTINGS, until=TODAY, time_zone="America/New_York").to_pylist()
    facts = [
        (it["unified_id"], it["hold_out"], it["repeat_purchases"], it["average_value"], it["later_purchases"])
        for it in found
    ]
    assert facts == [("ann", False, 2, 16.0, None), ("bob", False, 0, None, None), ("ann", True, 1, 25.0, 1)]
    assert {it["first_purchase_day"] for it in found if it["unified_id"] == "ann"} == {date(2024, 3, 17)}


def test_values_follow_from_the_fit_and_reasons_sum_to_them() -> None:
    rows = draw_customers(600, seed=4)
    dated = build_histories(rows, SETTINGS, until=TODAY, time_zone="UTC")
    parameters, evaluation = fit_lifetime(dated, SETTINGS)
    parameters = json.loads(json.dumps(parameters))
    hold_out = evaluation["hold_out"]
    assert hold_out["purchases"] == sum(it or 0 for it in dated["later_purchases"].to_pylist())
    assert abs(hold_out["error"]) < 0.25
    scored = score_customers(rows, parameters, SETTINGS, until_us=CLOCK_US, time_zone="UTC")
    scores = scored["score"].to_numpy()
    sums = [sum(part["contribution"] for part in reasons) for reasons in scored["reasons"].to_pylist()]
    np.testing.assert_allclose(sums, scores, rtol=1e-12, atol=1e-9)
    tiers = scored["tier"].to_numpy()
    assert [int((tiers <= share).sum()) for share in (1, 5, 10, 25, 50)] == [6, 30, 60, 150, 300]
    assert scores[tiers == 1].min() > scores[tiers == 100].max()


def test_an_interval_holds_most_values_between_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "DRAWS", 5)
    settings = SETTINGS.model_copy(update={"intervals": True})
    rows = draw_customers(250, seed=5)
    parameters, _ = fit_lifetime(build_histories(rows, settings, until=TODAY, time_zone="UTC"), settings)
    scored = score_customers(rows, parameters, settings, until_us=CLOCK_US, time_zone="UTC")
    details = [dict(it) for it in scored["details"].to_pylist()]
    ends = [(it["value_low"], it["value_high"]) for it in details]
    assert all(low < high for low, high in ends)
    inside = [low <= it <= high for (low, high), it in zip(ends, scored["score"].to_pylist(), strict=True)]
    assert np.mean(inside) > 0.5


def test_too_little_history_is_refused_with_all_that_is_missing() -> None:
    dated = build_histories(events(("ann", "buy", 20)), SETTINGS, until=TODAY, time_zone="UTC")
    with pytest.raises(DataError, match=r"17 weeks of purchases .*200 customers .*50 who bought again"):
        fit_lifetime(dated, SETTINGS)
