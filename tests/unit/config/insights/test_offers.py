"""The section `insights.offers`."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from cdp_spark.config.insights.offers import OffersConfig, OfferWeights


def read(**settings: object) -> OffersConfig:
    return OffersConfig.model_validate_json(json.dumps(settings))


RULE = {"name": "boots", "offer": {"categories": "boots"}, "when": {"bought": {"products": "tent"}}}


def test_nothing_needs_to_be_said() -> None:
    settings = read()
    assert (settings.weights, settings.horizon_days, settings.offers_per_person) == ("auto", 28, 10)
    assert (settings.repeatable, settings.max_per_category, settings.rules) == ("auto", None, ())


def test_weights_that_are_not_given_are_those_by_default() -> None:
    settings = read(weights={"again": 3, "popular_half_life_days": None}, repeatable=["dairy"], rules=[RULE])
    assert settings.weights == OfferWeights(again=3, popular_half_life_days=None)
    assert (settings.repeatable, settings.rules[0].action) == (("dairy",), "first")
    assert settings.rules[0].offer.categories == ("boots",)
    assert OffersConfig.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": {"category_damping": 0}}, "greater than 0"),
        ({"weights": {"again": -1}}, "greater than or equal to 0"),
        ({"weights": {"again_half_life_days": 0}}, "greater than 0"),
        ({"weights": "best"}, "'auto'"),
        ({"repeatable": "some"}, "'auto', 'all' or 'none'"),
        ({"horizon_days": 0}, "greater than or equal to 1"),
        ({"offers_per_person": 101}, "less than or equal to 100"),
        ({"exclude": {}}, "neither products nor categories"),
        ({"rules": [{**RULE, "when": {}}]}, "no condition"),
        ({"rules": [{**RULE, "when": {"spend_per_year": {}}}]}, "no limit"),
        ({"rules": [{**RULE, "when": {"spend_per_year": {"min": 9, "max": 1}}}]}, "min 9 above max 1"),
        ({"rules": [RULE, RULE]}, "a second rule 'boots'"),
        ({"rules": [{**RULE, "action": "last"}]}, "'first', 'only' or 'never'"),
        ({"weight": "auto"}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        read(**settings)
