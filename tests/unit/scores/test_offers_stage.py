from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.unit.scores.world import CLOCK, Runs, days_ago, event, rows_of

from cdp_spark import limits
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.tables.catalog import OFFERS, PRODUCTS, SCORE_MODELS
from cdp_spark.tables.store import Store

SETTINGS = {
    "weights": {"again": 1, "together": 40, "category_damping": None, "new": 1, "popular_half_life_days": None},
    "offers_per_person": 2,
    "repeatable": "none",
    "rules": [
        {
            "name": "lamps",
            "offer": {"products": "lamp"},
            "when": {"signals": [{"event_type": "email_open", "categories": "light"}]},
            "reason": "Read our letter on lamps.",
        }
    ],
}
INSIGHTS = InsightsConfig.model_validate_json(json.dumps({"offers": SETTINGS}))
ORDER = [
    {"product_id": "tent", "category": "camp", "quantity": 1.0, "value": Decimal(90)},
    {"product_id": "stove", "category": "camp", "quantity": 2.0, "value": Decimal(60)},
]
EVENTS = [
    event("1", "ann", "purchase", 30, lines=ORDER),
    event("2", "bob", "purchase", 20, lines=ORDER),
    event("3", "cat", "purchase", 10, product_id="tent", category="camp", value=90),
    event("4", "dan", "purchase", 9, product_id="lamp", category="light", value=20),
    event("5", "dan", "purchase", 8, product_id="lamp", category="light", value=-20),
    event("6", "eve", "email_open", 3, category="light"),
    event("7", "cat", "page_view", 1, product_id="stove"),
    event("8", "cat", "purchase", -1, product_id="stove"),
    event("9", None, "purchase", 3, product_id="tent"),
    event("10", "fay", "purchase", 5, product_id="mug", category="camp"),
]


@pytest.fixture
def runs(spark: SparkSession, tmp_path: Path) -> Runs:
    made = Runs(Store(spark, str(tmp_path / "w")), INSIGHTS, "offers")
    made.write(EVENTS)
    products = [
        {"product_id": name, "name": name.title(), "category": category, "in_stock": name != "mug"}
        for name, category in {"tent": "camp", "stove": "camp", "lamp": "light", "mug": "camp"}.items()
    ]
    empty = {"valid_from_utc": days_ago(300), "source": "shop"}
    made.store.overwrite(PRODUCTS, rows_of(PRODUCTS, [{**empty, **row} for row in products]))
    return made


def offers_in(store: Store) -> list[dict[str, Any]]:
    return sorted(store.fetch(OFFERS).to_pylist(), key=lambda row: (row["unified_id"], row["rank"]))


def test_a_night_offers_what_goes_with_purchases_what_is_popular_and_what_rules_say(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = runs.night()
    rows = offers_in(runs.store)
    best, second = popular("tent", "Tent", 0.75, 1), popular("stove", "Stove", 0.5, 2)
    with_tent = {
        "basis": "together",
        "because_product_id": "tent",
        "score": pytest.approx(0.5 * (22 / 21.5) ** 40),
        "reason": "Goes with Tent, bought 10 days ago: 1.3 times as often together as by chance.",
    }
    lamp = {"product_id": "lamp", "product_name": "Lamp", "category": "light", "score": pytest.approx(0, abs=1e-9)}
    of_rule = {"basis": "rule", "rule": "lamps", "because_product_id": None, "reason": "Read our letter on lamps."}
    assert rows == [
        {"unified_id": "cat", "rank": 1, **second, **with_tent},
        {"unified_id": "dan", "rank": 1, **best},
        {"unified_id": "dan", "rank": 2, **second},
        {"unified_id": "eve", "rank": 1, **lamp, **of_rule},
        {"unified_id": "eve", "rank": 2, **best},
        {"unified_id": "fay", "rank": 1, **best},
        {"unified_id": "fay", "rank": 2, **second},
    ]
    assert (result.detail, result.warnings) == ("full", ())
    assert runs.night().detail == "unchanged since run 1"
    monkeypatch.setattr(limits, "EVENTS_ON_DRIVER", 0)
    runs.night(full=True)
    assert offers_in(runs.store) == rows


def popular(product: str, name: str, score: float, place: int) -> dict[str, Any]:
    reason = "The most popular product now." if place == 1 else f"Popular now: number {place} of all products."
    offer = {"product_id": product, "product_name": name, "category": "camp", "score": score, "basis": "popular"}
    return {**offer, "rule": None, "because_product_id": None, "reason": reason}


def test_the_first_night_that_can_judge_weights_chooses_them_and_the_next_ones_apply_them(
    spark: SparkSession, tmp_path: Path
) -> None:
    insights = InsightsConfig.model_validate_json(json.dumps({"offers": {"horizon_days": 10}}))
    runs = Runs(Store(spark, str(tmp_path / "w")), insights, "offers")
    runs.write([event("1", "ann", "purchase", 30, product_id="tent")])
    assert runs.night().detail == "full"
    assert not runs.store.exists(SCORE_MODELS)
    people = [(f"p{number}", days) for number in range(40) for days in (25, 15, 5)]
    runs.write([event(f"{who}{days}", who, "purchase", days, product_id=f"x{days}") for who, days in people])
    assert runs.night().detail == "full; chose weights 1"
    later = CLOCK + timedelta(days=1)
    assert runs.night(as_of=later).detail == "full"
    (model,) = runs.store.fetch(SCORE_MODELS).to_pylist()
    assert (model["model"], model["version"], json.loads(model["evaluation"])) == ("offers", 1, {"judged_people": 40})


def test_events_that_name_no_product_are_a_warning(spark: SparkSession, tmp_path: Path) -> None:
    runs = Runs(Store(spark, str(tmp_path / "w")), INSIGHTS, "offers")
    runs.write([event("1", "ann", "purchase", 30)])
    told = "offers: nobody has one. No event of type purchase names a product: see `events` of the sources."
    assert runs.night().warnings == (told,)


def test_a_project_without_offers_has_no_table_of_them(spark: SparkSession, tmp_path: Path) -> None:
    runs = Runs(Store(spark, str(tmp_path / "w")), InsightsConfig(), "offers")
    assert runs.night().detail == "no offers in insights.yaml"
    assert not runs.store.exists(OFFERS)
