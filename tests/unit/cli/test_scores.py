"""A profile's scores and offers, and how they are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from cdp_spark.cli.display.scores import offer_rows, score_rows
from cdp_spark.cli.lookup import ReleasedWarehouse
from cdp_spark.cli.scores import describe_scores
from cdp_spark.runs.releases import Release
from cdp_spark.tables.catalog import OFFERS, SCORES
from cdp_spark.tables.store import Store

REASONS = [
    {"reason": "the average", "contribution": -2.0},
    {"reason": "3 product views in 7 days", "contribution": 0.8},
    {"reason": "everything else", "contribution": 0.001},
]


def test_a_profile_has_the_scores_and_offers_of_the_release(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path))
    scores = [
        ("ann", "will_buy", 2, 0.231, 5, {"log_odds": -1.2}, REASONS),
        (
            "ann",
            "lifetime_value",
            1,
            1234.5,
            100,
            {"expected_purchases": 2.0},
            [{"reason": "often", "contribution": 1234.5}],
        ),
        ("bob", "will_buy", 2, 0.5, 1, {"log_odds": 0.0}, []),
    ]
    offer = ("tent", "Tent", None, 0.5, "popular", None, None, "The most popular product now.")
    offers = [("ann", 2, *offer), ("ann", 1, *offer), ("bob", 1, *offer)]
    tables = ((SCORES, scores), (OFFERS, offers))
    versions = {spec.name: store.overwrite(spec, spec.table(rows)) for spec, rows in tables}
    warehouse = ReleasedWarehouse(store, Release(1, "run", datetime(2026, 11, 23, tzinfo=UTC), versions))
    found = describe_scores(warehouse, "ann")
    assert [row["rank"] for row in found["offers"]] == [1, 2]
    assert found["scores"][1] == {
        "model": "will_buy",
        "version": 2,
        "score": 0.231,
        "tier": 5,
        "details": {"log_odds": -1.2},
        "reasons": REASONS,
    }
    assert score_rows(found["scores"]) == [
        {"model": "lifetime_value", "score": "1,234.50", "tier": "", "reasons": "often: +1,234.50"},
        {
            "model": "will_buy",
            "score": "23.1%",
            "tier": "top 5 %",
            "reasons": "the average: -2.00; 3 product views in 7 days: +0.80",
        },
    ]
    assert offer_rows(found["offers"])[0] == {
        "rank": "1",
        "product_id": "tent",
        "product_name": "Tent",
        "category": "",
        "reason": "The most popular product now.",
    }


def test_a_release_without_scores_shows_none(spark: SparkSession, tmp_path: Path) -> None:
    release = Release(1, "run", datetime(2026, 11, 23, tzinfo=UTC), {})
    assert describe_scores(ReleasedWarehouse(Store(spark, str(tmp_path)), release), "ann") == {}
