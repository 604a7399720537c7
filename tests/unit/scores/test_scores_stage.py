from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from scipy.special import hyp2f1
from tests.unit.scores.world import CLOCK, Runs, event

from cdp_spark import limits
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.scores.models import score_definitions
from cdp_spark.tables.catalog import SCORE_MODELS, SCORES
from cdp_spark.tables.store import Store

INSIGHTS = InsightsConfig.model_validate_json(
    json.dumps(
        {
            "lifetime_value": {"horizon_weeks": 26, "yearly_discount": 0, "margin": 0.5},
            "scores": [{"name": "will_buy", "outcome": {"event_types": "purchase", "within_days": 30}}],
        }
    )
)
LIFETIME: dict[str, Any] = {
    "models": {
        "purchases": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
        "spend": {"p": 6.25, "q": 3.74, "gamma": 15.44},
    },
    "borders": {"tier": [100.0, 50.0, 20.0, 10.0, 5.0], "decile": [90.0 - 10 * it for it in range(9)]},
    "mean_value": 40.0,
    "mean_purchases": 1.0,
    "draws": [],
}
LEAD = {
    "features": [["count", "product_view", None, 7], ["recency", "product_view", None, 90]],
    "edges": [[1.0, 3.0], [7.0]],
    "points": [[-0.5, 0.25, 1.0], [-0.25, 0.5]],
    "base": -2.0,
    "borders": {"tier": [0.5, 0.4, 0.3, 0.2, 0.1], "decile": [0.9 - 0.1 * it for it in range(9)]},
}
EVENTS = [
    event("1", "ann", "purchase", 140, value=30),
    event("2", "ann", "purchase", 70, value=50),
    event("3", "ann", "product_view", 2),
    event("4", "bob", "product_view", 1),
    event("5", "bob", "product_view", 3),
    event("6", "bob", "product_view", 4),
    event("7", "bob", "purchase", -1, value=10),
    event("8", None, "product_view", 1),
    event("9", "old", "product_view", 200),
]


@pytest.fixture
def runs(spark: SparkSession, tmp_path: Path) -> Runs:
    made = Runs(Store(spark, str(tmp_path / "w")), INSIGHTS, "scores")
    made.write(EVENTS, visitors=["bob"])
    for definition, learned in zip(score_definitions(INSIGHTS), (LIFETIME, LEAD), strict=True):
        named = {"model": definition.name, "kind": definition.kind, "definition_hash": definition.hash}
        made.save_model(**named, parameters=json.dumps(learned))
    return made


def scores_in(store: Store) -> list[dict[str, Any]]:
    rows = sorted(store.fetch(SCORES).to_pylist(), key=lambda row: (row["unified_id"], row["model"]))
    return [{**row, "details": dict(row["details"])} for row in rows]


def expected_purchases(weeks: float, *, x: int, recency: float, age: float) -> float:
    """Eq. 10 of Fader, Hardie & Lee 2005, as it is printed."""
    r, alpha, a, b = LIFETIME["models"]["purchases"].values()
    left = ((alpha + age) / (alpha + age + weeks)) ** (r + x)
    curve = left * hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks))
    alive = 1 + a / (b + x - 1) * ((alpha + age) / (alpha + recency)) ** (r + x)
    return float((a + b + x - 1) / (a - 1) * (1 - curve) / alive)


def test_a_night_scores_everybody_by_each_model_with_reasons_that_add_up(runs: Runs) -> None:
    result = runs.night()
    purchases, value = expected_purchases(26, x=1, recency=10, age=20), 6.25 * (15.44 + 50) / (6.25 + 2.74)
    alive = 1 / (1 + 0.793 / 2.426 * ((4.414 + 20) / (4.414 + 10)) ** 1.243)
    often, base = 0.5 * 40 * purchases - 20, 20.0
    worth = 0.5 * purchases * value
    by_value, by_lead, of_bob = scores_in(runs.store)
    assert by_value == {
        "unified_id": "ann",
        "model": "lifetime_value",
        "version": 1,
        "score": pytest.approx(worth, rel=1e-6),
        "tier": 25,
        "decile": 9,
        "details": pytest.approx(
            {"probability_alive": alive, "expected_purchases": purchases, "expected_value": value}, rel=1e-6
        ),
        "reasons": [
            {"reason": "the average customer", "contribution": base},
            {
                "reason": f"2 days with purchases, the last 70 days ago: {alive:.0%} likely to come back",
                "contribution": pytest.approx(often, rel=1e-6),
            },
            {"reason": "50.00 a repeat purchase", "contribution": pytest.approx(worth - base - often, rel=1e-6)},
        ],
    }
    assert by_lead == lead("ann", -1.25, 25, "1 product view in 7 days, the last 2 days ago", 0.75)
    assert of_bob == lead("bob", -0.5, 10, "3 product views in 7 days, the last 1 day ago", 1.5)
    assert result.metrics["scores.will_buy"] == 2
    assert result.warnings == ()


def lead(who: str, log_odds: float, tier: int, reason: str, contribution: float) -> dict[str, Any]:
    probability = 1 / (1 + math.exp(-log_odds))
    reasons = [("the average of those learned from", -2.0), (reason, contribution), ("everything else", 0.0)]
    return {
        "unified_id": who,
        "model": "will_buy",
        "version": 1,
        "score": pytest.approx(probability),
        "tier": tier,
        "decile": 10 - int(10 * probability),
        "details": {"log_odds": log_odds},
        "reasons": [{"reason": text, "contribution": part} for text, part in reasons],
    }


def test_a_run_of_the_same_time_keeps_scores_or_makes_those_of_changed_people_and_equals_a_full_one(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.night()
    assert runs.night().detail == "unchanged since run 1"
    later = [*EVENTS[1:], event("10", "eve", "product_view", 1), {**EVENTS[5], "unified_id": "ann"}]
    later = [row for row in later if row is not EVENTS[5]]
    runs.write(later, visitors=["bob"])
    result = runs.night()
    assert result.detail == "incremental: events of 3 people changed"
    incremental = scores_in(runs.store)
    assert [(row["unified_id"], row["model"]) for row in incremental] == [
        ("ann", "lifetime_value"),
        ("ann", "will_buy"),
        ("bob", "will_buy"),
        ("eve", "will_buy"),
    ]
    monkeypatch.setattr(limits, "EVENTS_ON_DRIVER", 0)
    assert runs.night(full=True).detail == "full"
    assert scores_in(runs.store) == incremental


def test_another_day_lets_out_who_did_nothing_of_late_and_counts_the_days_anew(runs: Runs) -> None:
    runs.night()
    runs.night(as_of=CLOCK + timedelta(days=89))
    assert [(row["unified_id"], row["model"]) for row in scores_in(runs.store)] == [
        ("ann", "lifetime_value"),
        ("bob", "lifetime_value"),
        ("bob", "will_buy"),
    ]


def test_too_little_history_is_a_warning_that_says_what_is_missing(spark: SparkSession, tmp_path: Path) -> None:
    runs = Runs(Store(spark, str(tmp_path / "w")), INSIGHTS, "scores")
    runs.write(EVENTS)
    result = runs.night()
    assert result.warnings == (
        "lifetime model: There is too little history. The model needs at least 200 customers (there are 1), 50 who "
        "bought again (there are 1). Load older purchases, or wait for more customers.",
        "score will_buy: There are too few outcomes to learn from: it came in 1 of 1 case. The model needs at "
        "least 100 in which it came and 100 in which it did not. Load older events, or choose an outcome that is more "
        "frequent or has more days.",
    )
    assert scores_in(runs.store) == []
    assert not runs.store.exists(SCORE_MODELS)


def test_a_project_without_models_has_no_table_of_scores(spark: SparkSession, tmp_path: Path) -> None:
    runs = Runs(Store(spark, str(tmp_path / "w")), InsightsConfig(), "scores")
    assert runs.night().detail == "no models in insights.yaml"
    assert not runs.store.exists(SCORES)
