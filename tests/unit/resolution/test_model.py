"""A model's weights, and its JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch
from cdp_spark.errors import StateError
from cdp_spark.resolution.learning.parameters import Parameters, Related, Within
from cdp_spark.resolution.model import MatchModel, model_from_json

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


RELATED = Related(prior=np.array([0.1, 0.4]), r=(np.array([1.0, 0.9, 0.1]), np.array([1.0, 0.1, 0.9])))
WITH_RELATED = replace(MODEL, parameters=replace(MODEL.parameters, related=RELATED))

WITHIN = Within(
    place=np.array([[0, -1], [-1, 1]]),
    m=(np.array([1.0, 0.1, 0.9]), np.array([1.0, 0.5, 0.5])),
    u=(np.array([1.0, 0.9, 0.1]), np.array([1.0, 0.5, 0.5])),
)
WITH_KEYS = replace(MODEL, parameters=replace(MODEL.parameters, within=WITHIN))
SHARING = replace(MODEL, parameters=replace(MODEL.parameters, shares=np.array([1.0, 0.5])))


def test_weight_is_the_mean_over_rules_of_prior_and_unforced_comparisons() -> None:
    weights = MODEL.weights(np.array([0b01, 0b10, 0b11]), np.array([[2, 2], [2, 2], [2, 2]]))
    by_email = np.log2(0.8 / 0.2) + np.log2(0.5 / 0.25)
    by_city = np.log2(0.2 / 0.8) + np.log2(0.75 / 0.5)
    assert weights == pytest.approx([by_email, by_city, (by_email + by_city) / 2])


def test_contributions_sum_to_the_weight() -> None:
    masks, levels = np.array([1, 2, 3, 3]), np.array([[2, 0], [1, 2], [0, 0], [1, 1]])
    assert MODEL.contributions(masks, levels).sum(axis=1) == pytest.approx(MODEL.weights(masks, levels))


def test_related_people_are_among_those_who_do_not_match() -> None:
    """Under the rule on city: 0.2 matches, 0.4 related people, 0.4 others; the pair's e-mails are equal."""
    found = WITH_RELATED.contributions(np.array([0b10]), np.array([[2, 2]]))
    odds = 0.2 * 0.75 / (0.4 * 0.1 + 0.4 * 0.5)
    assert found.sum(axis=1) == pytest.approx(np.log2([odds]))
    assert found[0, -1] == pytest.approx(np.log2(0.5 / (0.5 * 0.1 + 0.5 * 0.5)))


def test_a_pair_that_looks_like_related_people_weighs_less() -> None:
    mask, same_city = np.array([0b01]), np.array([[2, 2]])
    assert WITH_RELATED.weights(mask, same_city)[0] < MODEL.weights(mask, same_city)[0] - 0.5


def test_a_model_of_the_first_format_knows_no_related_people() -> None:
    old = json.loads(MODEL.to_json()) | {"format": 1}
    del old["related"], old["shares"], old["within"]
    assert model_from_json(json.dumps(old)).to_json() == MODEL.to_json()


def test_comparisons_that_share_their_weight_count_in_part() -> None:
    mask, levels = np.array([0b01]), np.array([[2, 2]])
    whole, part = (model.contributions(mask, levels)[0] for model in (MODEL, SHARING))
    assert part == pytest.approx([whole[0], whole[1], whole[2] / 2, 0.0])


def test_a_forced_comparison_counts_within_the_key_that_forces_it() -> None:
    masks, levels = np.array([0b01, 0b11]), np.array([[2, 2], [2, 2]])
    plain, within = (model.contributions(masks, levels) for model in (MODEL, WITH_KEYS))
    assert within - plain == pytest.approx(np.array([[0, np.log2(9), 0, 0], [0, np.log2(9) / 2, 0, 0]]))


@pytest.mark.parametrize(
    ("levels", "bits"),
    [
        ((0, 0), -0.5),  # of the prior's -6.6 no more than what a pair counts that was never compared
        ((1, 1), -0.5),  # both differ, as they often do: -1 and -0.6
        ((2, 0), np.log2(0.01 / 0.99) + 3.5),
        ((0, 2), np.log2(0.01 / 0.99) - 3.0),
    ],
)
def test_a_pair_of_which_nothing_is_known_counts_as_one_never_compared(levels: tuple[int, int], bits: float) -> None:
    every = BlockingRule(name="every_pair", keys=(), max_block_records=500)
    m = (np.array([1.0, 0.5, 0.5 * 2**3.5]), np.array([1.0, 0.65, 0.125]))
    u = (np.array([1.0, 1.0, 0.5]), np.array([1.0, 1.0, 1.0]))
    model = replace(
        MODEL,
        match=MATCH.model_copy(update={"blocking": (every,)}),
        rule_names=("every_pair",),
        forced=np.zeros((1, 2), dtype=np.bool_),
        parameters=replace(MODEL.parameters, prior=np.array([0.01]), m=m, u=u),
    )
    assert model.weights(np.array([1]), np.array([levels])) == pytest.approx([bits])


def test_a_pair_that_a_rule_asked_for_keeps_its_prior() -> None:
    assert MODEL.weights(np.array([0b10]), np.array([[0, 0]])) == pytest.approx([np.log2(0.2 / 0.8)])


@pytest.mark.parametrize(
    "model", [MODEL, WITH_RELATED, SHARING, WITH_KEYS], ids=["two classes", "related people", "sharing", "within keys"]
)
def test_json_keeps_everything(model: MatchModel) -> None:
    again = model_from_json(model.to_json())
    assert again.to_json() == model.to_json()
    assert again.match == MODEL.match
    assert again.level_names == (("missing", "different", "equal"), ("missing", "different", "equal"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', "no json"])
def test_a_text_that_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(StateError, match="fit it again"):
        model_from_json(text)


def test_a_model_of_another_format_names_both_formats() -> None:
    text = json.dumps({**json.loads(MODEL.to_json()), "format": 99})
    with pytest.raises(StateError, match="got format 99; allowed: format 3"):
        model_from_json(text)
