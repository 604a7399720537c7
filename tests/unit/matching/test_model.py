"""A model's weights, and its JSON."""

import json

import numpy as np
import pytest

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch
from cdp_spark.errors import StateError
from cdp_spark.matching.learning.em import Parameters
from cdp_spark.matching.model import MatchModel, model_from_json

MATCH = EntityMatch(
    blocking=(
        BlockingRule(name="email", keys=(BlockingKey(column="email"),)),
        BlockingRule(name="city", keys=(BlockingKey(column="city"),)),
    ),
    comparisons=(
        Comparison(name="email", method="exact", columns=("email",), term_frequency=False),
        Comparison(name="city", method="exact", columns=("city",), term_frequency=False),
    ),
)
MODEL = MatchModel(
    match=MATCH,
    rule_names=("email", "city"),
    forced=np.array([[True, False], [False, True]]),
    parameters=Parameters(
        prior=np.array([0.8, 0.2]),
        m=(np.array([1.0, 0.25, 0.75]), np.array([1.0, 0.5, 0.5])),
        u=(np.array([1.0, 0.5, 0.5]), np.array([1.0, 0.75, 0.25])),
        log_likelihood=-1.5,
        iterations=3,
        converged=True,
    ),
    frequencies={"city": {"berlin": 0}},
    purged_keys=(7,),
)


def test_weight_is_the_mean_over_rules_of_prior_and_unforced_comparisons() -> None:
    weights = MODEL.weights(np.array([0b01, 0b10, 0b11]), np.array([[2, 2], [2, 2], [2, 2]]))
    by_email = np.log2(0.8 / 0.2) + np.log2(0.5 / 0.25)
    by_city = np.log2(0.2 / 0.8) + np.log2(0.75 / 0.5)
    assert weights == pytest.approx([by_email, by_city, (by_email + by_city) / 2])


def test_contributions_sum_to_the_weight() -> None:
    masks, levels = np.array([1, 2, 3, 3]), np.array([[2, 0], [1, 2], [0, 0], [1, 1]])
    assert MODEL.contributions(masks, levels).sum(axis=1) == pytest.approx(MODEL.weights(masks, levels))


def test_json_keeps_everything() -> None:
    again = model_from_json(MODEL.to_json())
    assert again.to_json() == MODEL.to_json()
    assert again.match == MODEL.match
    assert again.level_names == (("missing", "different", "equal"), ("missing", "different", "equal"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', "no json"])
def test_a_text_that_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(StateError, match="fit it again"):
        model_from_json(text)


def test_a_model_of_another_format_names_both_formats() -> None:
    text = json.dumps({**json.loads(MODEL.to_json()), "format": 99})
    with pytest.raises(StateError, match="got format 99; allowed: format 1"):
        model_from_json(text)
