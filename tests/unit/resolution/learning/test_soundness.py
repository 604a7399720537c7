"""A model that contradicts what matching means is found out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch
from cdp_spark.errors import DataError
from cdp_spark.resolution.learning.parameters import Parameters
from cdp_spark.resolution.learning.soundness import find_doubts, refuse_unsound
from cdp_spark.resolution.model import MatchModel
from cdp_spark.resolution.patterns import pack

MODEL = MatchModel(
    match=EntityMatch(
        blocking=(BlockingRule(name="city", keys=(BlockingKey(column="city"),)),),
        comparisons=(
            Comparison(name="email", method="exact", columns=("email",), term_frequency=False),
            Comparison(name="phone", method="exact", columns=("phone",), term_frequency=False),
        ),
    ),
    rule_names=("city",),
    forced=np.array([[False, False]]),
    parameters=Parameters(
        prior=np.array([0.5]),
        m=(np.array([1.0, 0.1, 0.9]), np.array([1.0, 0.2, 0.8])),
        u=(np.array([1.0, 0.9, 0.1]), np.array([1.0, 0.9, 0.1])),
        log_likelihood=-1.0,
        iterations=9,
        converged=True,
    ),
    frequencies={},
    purged_keys=(),
)
MISSING, DIFFERENT, EQUAL = 0, 1, 2


def _counts(*rows: tuple[int, int, int]) -> pa.Table:
    """(level of email, level of phone, pairs) → pattern counts."""
    table = np.array(rows)
    return pa.table(
        {"rule_mask": np.ones(len(rows), dtype=np.int64), "pattern": pack(table[:, :2]), "record_count": table[:, 2]}
    )


SURE = _counts((EQUAL, EQUAL, 500), (DIFFERENT, DIFFERENT, 500))


def _with(**parameters: Any) -> MatchModel:
    return replace(MODEL, parameters=replace(MODEL.parameters, **parameters))


def test_a_sound_model_raises_no_doubt() -> None:
    assert find_doubts(MODEL, SURE) == ()
    refuse_unsound((), where="model")


def test_a_comparison_that_matches_contradict_is_severe_and_refused() -> None:
    swapped = _with(m=(MODEL.parameters.u[0], MODEL.parameters.m[1]), u=(MODEL.parameters.m[0], MODEL.parameters.u[1]))
    doubts = find_doubts(swapped, SURE)
    assert doubts[0].problem == "email agrees in 10% of the matches and in 90% of the other pairs"
    assert doubts[0].severe
    with pytest.raises(DataError, match=r"email agrees in 10%.*Fix: leave email out"):
        refuse_unsound(doubts, where="the match model of person")


def test_a_comparison_that_says_nothing_is_only_doubted() -> None:
    noise = np.array([1.0, 0.5, 0.5])
    slightly_less = _with(m=(np.array([1.0, 0.51, 0.49]), MODEL.parameters.m[1]), u=(noise, MODEL.parameters.u[1]))
    assert [(doubt.problem[:5], doubt.severe) for doubt in find_doubts(slightly_less, SURE)] == [("email", False)]


def test_a_column_in_which_nearly_all_agree_is_only_doubted() -> None:
    constant = _with(
        m=(np.array([1.0, 5e-4, 0.9995]), MODEL.parameters.m[1]), u=(np.array([1.0, 1e-6, 1.0]), MODEL.parameters.u[1])
    )
    assert [doubt.severe for doubt in find_doubts(constant, SURE)] == [False]


def test_a_column_without_values_is_named() -> None:
    doubts = find_doubts(MODEL, _counts((MISSING, EQUAL, 500), (MISSING, DIFFERENT, 500)))
    assert [doubt.problem for doubt in doubts] == ["no compared pair has email on both sides, so email is ignored"]


def test_few_pairs_are_said() -> None:
    assert [doubt.problem for doubt in find_doubts(MODEL, _counts((EQUAL, EQUAL, 150)))] == [
        "only 150 pairs compared, too few to learn weights from"
    ]
    assert find_doubts(MODEL, _counts((EQUAL, EQUAL, 0)))[0].problem.startswith("only 0 pairs")


def test_undecided_pairs_are_said() -> None:
    doubts = find_doubts(MODEL, _counts((MISSING, MISSING, 700), (EQUAL, EQUAL, 300)))
    assert [doubt.problem for doubt in doubts] == ["70% of the pairs weigh less than 1 bit either way"]


def test_no_convergence_is_said() -> None:
    assert find_doubts(_with(converged=False), SURE)[0].problem == "EM had not converged after 9 iterations"


def test_another_answer_that_is_about_as_likely_is_said() -> None:
    assert [doubt.problem for doubt in find_doubts(_with(rival=(0.229, 0.02)), SURE)] == [
        "22.9% of the pairs are matches; another start ends at 2.0% and fits about as well or better"
    ]
