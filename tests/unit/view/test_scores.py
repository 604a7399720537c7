"""Scores and offers in words."""

from __future__ import annotations

from cdp_spark.view.scores import offer_rows, score_rows

REASONS = [
    {"reason": "the average", "contribution": -2.0},
    {"reason": "3 product views in 7 days", "contribution": 0.8},
    {"reason": "everything else", "contribution": 0.001},
]


def test_a_probability_is_a_percentage_and_a_value_is_a_sum() -> None:
    will_buy = {"model": "will_buy", "score": 0.231, "tier": 5, "details": {"log_odds": -1.2}, "reasons": REASONS}
    value = {
        "model": "lifetime_value",
        "score": 1234.5,
        "tier": 100,
        "details": {"expected_purchases": 2.0},
        "reasons": [{"reason": "often", "contribution": 1234.5}],
    }
    assert score_rows([value, will_buy]) == [
        {"model": "lifetime_value", "score": "1,234.50", "tier": "", "reasons": "often: +1,234.50"},
        {
            "model": "will_buy",
            "score": "23.1%",
            "tier": "top 5 %",
            "reasons": "the average: -2.00; 3 product views in 7 days: +0.80",
        },
    ]


def test_an_offer_has_its_product_and_reason() -> None:
    names = ("rank", "product_id", "product_name", "category", "score", "basis", "rule", "because_product_id", "reason")
    row = dict(
        zip(names, (1, "tent", "Tent", None, 0.5, "popular", None, None, "The most popular product now."), strict=True)
    )
    assert offer_rows([row]) == [
        {
            "rank": "1",
            "product_id": "tent",
            "product_name": "Tent",
            "category": "",
            "reason": "The most popular product now.",
        }
    ]
