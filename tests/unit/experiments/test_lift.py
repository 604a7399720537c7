"""What the arms of an experiment came to, against textbooks' figures and simulated experiments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cdp_spark.experiments.lift import Comparison, Interval, Moments, compare, sample_ratio_p, welch, wilson

Draws = np.ndarray[Any, np.dtype[np.float64]]
TRIALS = 1_000


def alone(people: int, converted: int) -> Moments:
    """An arm of people who were each drawn alone, with a rate as outcome."""
    return Moments(people, people, converted, converted, people, converted, converted)


def moments_of(outcomes: Draws, sizes: Draws) -> list[Moments]:
    """The sums of arms, one a row.

    Args:
        outcomes: a row an arm, a column a unit: the sum of its people's outcomes.
        sizes: likewise its people.
    """
    count = np.full(len(outcomes), outcomes.shape[1])
    one = np.ones_like(outcomes)
    sums = [(a * b).sum(axis=1) for a, b in ((sizes, one), (outcomes, one), (sizes, sizes), (outcomes, outcomes))]
    people, outcome, people_squared, outcome_squared = sums
    converted, product = (outcomes > 0).sum(axis=1), (outcomes * sizes).sum(axis=1)
    rows = zip(count, people, converted, outcome, people_squared, outcome_squared, product, strict=True)
    return [Moments(*(float(it) for it in row)) for row in rows]


def test_the_difference_of_rates_has_newcombes_interval() -> None:
    """Newcombe 1998, table II, contrast (a): 56 of 70 and 48 of 80."""
    found = compare(alone(70, 56), alone(80, 48), "any")
    assert found.difference is not None
    assert found.difference == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_ratio_of_rates_has_katzs_interval() -> None:
    found = compare(alone(70, 56), alone(80, 48), "any")
    error = np.sqrt(14 / (56 * 69) + 32 / (48 * 79))  # the variance over units divides by n - 1
    expected = [4 / 3 - 1, 4 / 3 * np.exp(-1.959964 * error) - 1, 4 / 3 * np.exp(1.959964 * error) - 1]
    assert found.lift == pytest.approx(tuple(expected), abs=1e-6)


def test_a_rate_has_wilsons_interval() -> None:
    """Newcombe 1998 (proportions), table I: 15 of 148."""
    assert wilson(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_values_have_welchs_interval() -> None:
    ours, others = np.arange(1.0, 21.0), np.arange(0.0, 60.0, 2.0)
    one, other = (moments_of(it[None], np.ones((1, len(it))))[0] for it in (ours, others))
    oracle = stats.ttest_ind(ours, others, equal_var=False).confidence_interval(0.95)
    assert welch(one, other) == pytest.approx((-18.5, oracle.low, oracle.high))


@pytest.mark.parametrize(("ours", "theirs"), [((500, 9), (500, 40)), ((500, 40), (500, 9)), ((9, 9), (500, 40))])
def test_too_few_outcomes_give_no_lift(ours: tuple[int, int], theirs: tuple[int, int]) -> None:
    assert compare(alone(*ours), alone(*theirs), "any") == Comparison("too_few")


def test_an_arm_that_returned_more_than_it_bought_has_a_difference_and_no_ratio() -> None:
    values = np.array([[-5.0, 1.0] * 20, [3.0, 4.0] * 20])
    loss, gain = moments_of(values, np.ones_like(values))
    found = compare(loss, gain, "sum")
    assert found.difference is not None
    assert found.difference.value == pytest.approx(-5.5)
    assert found.lift is None


def test_people_of_one_household_count_as_one_draw() -> None:
    """Four of a household who always act alike are worth one."""
    people = alone(400, 100)
    alike = Moments(100, 400, 100, 100, 1_600, 400, 400)
    assert alike.effective_people == pytest.approx(100, rel=0.02)
    assert people.effective_people == 400


def rates(random: np.random.Generator) -> tuple[Draws, Draws, float]:
    sizes = np.ones((TRIALS, 600))
    return random.binomial(1, 0.12, sizes.shape).astype(float), sizes, 0.12


def rare_rates(random: np.random.Generator) -> tuple[Draws, Draws, float]:
    sizes = np.ones((TRIALS, 1_500))
    return random.binomial(1, 0.02, sizes.shape).astype(float), sizes, 0.02


def households(random: np.random.Generator) -> tuple[Draws, Draws, float]:
    """Households of 1 to 5 with a chance of their own."""
    sizes = random.integers(1, 6, (TRIALS, 400)).astype(float)
    chances = random.beta(0.6, 3.4, sizes.shape)
    return random.binomial(sizes.astype(int), chances).astype(float), sizes, 0.15


def values(random: np.random.Generator) -> tuple[Draws, Draws, float]:
    """Most buy nothing; what the others spend is skewed."""
    sizes = np.ones((TRIALS, 2_000))
    spent = random.lognormal(3.0, 0.8, sizes.shape) * random.binomial(1, 0.2, sizes.shape)
    return spent, sizes, float(0.2 * np.exp(3.0 + 0.32))


@pytest.mark.parametrize(
    ("control", "treated", "kind"),
    [
        pytest.param(rates, rates, "any", id="no effect on rates"),
        pytest.param(rare_rates, rates, "any", id="an effect on rates"),
        pytest.param(households, rates, "any", id="households"),
        pytest.param(values, values, "sum", id="values"),
    ],
)
def test_intervals_hold_the_truth_in_at_least_93_of_100_experiments(
    control: Callable[..., Any], treated: Callable[..., Any], kind: Any
) -> None:
    random = np.random.default_rng(11)
    theirs, their_sizes, their_mean = control(random)
    ours, our_sizes, our_mean = treated(random)
    pairs = zip(moments_of(ours, our_sizes), moments_of(theirs, their_sizes), strict=True)
    found = [compare(one, other, kind) for one, other in pairs]
    differences = [it.difference for it in found if it.difference]
    lifts = [it.lift for it in found if it.lift]
    assert len(differences) == len(lifts) == TRIALS
    assert 0.93 <= share_that_holds(differences, our_mean - their_mean) <= 0.98
    assert 0.93 <= share_that_holds(lifts, our_mean / their_mean - 1) <= 0.98


def share_that_holds(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([it.low <= truth <= it.high for it in intervals]))


def test_households_taken_for_single_people_would_promise_too_much() -> None:
    """What the variance over units is for: without it, intervals hold the truth too rarely."""
    random = np.random.default_rng(11)
    arms = [moments_of(*households(random)[:2]) for _ in range(2)]
    naive = [[alone(int(it.people), int(it.outcome)) for it in arm] for arm in arms]
    found = [compare(one, other, "any").difference for one, other in zip(*naive, strict=True)]
    assert share_that_holds([it for it in found if it], 0.0) < 0.92


def test_arms_of_other_sizes_than_their_shares_are_noticed() -> None:
    half = {"control": 500.0, "offer": 500.0}
    assert sample_ratio_p({"control": 500, "offer": 500}, half) == pytest.approx(1)
    assert sample_ratio_p({"control": 450, "offer": 550}, half) == pytest.approx(0.001565, abs=1e-6)
    assert sample_ratio_p({"offer": 1_000}, half) == pytest.approx(0)


@pytest.mark.parametrize("expected", [{"control": 1_000.0}, {"control": 4.0, "offer": 996.0}])
def test_sizes_tell_nothing_of_one_arm_or_of_a_few_units(expected: dict[str, float]) -> None:
    assert sample_ratio_p({"control": 1_000}, expected) is None
