"""What an experiment's arms came to, and how far each lies from control, with 95 % intervals.

All of it is made of a few sums over the units that were drawn: people, or households that were kept together.

1. An arm's outcome is a ratio: the sum of its people's outcomes by its number of people. The variance of the ratio is
   taken over the units (Cochran, Sampling Techniques, 1977, 6.4), so that a household counts as one draw.
2. Rates: the difference has Newcombe's interval of two Wilson intervals (Newcombe 1998, Statistics in Medicine 17,
   method 10). With households, n is what as many independent people would be worth (Kish's design effect).
3. Values: the difference has Welch's interval (Welch 1947).
4. The ratio to control has the interval of its logarithm by the delta method (Katz et al. 1978, Biometrics 34; Deng,
   Knoblich & Lu 2018, KDD).
5. Whether the arms are as large as they should be is asked by chi-square (Fabijan et al. 2019, KDD).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from scipy import stats

from cdp_spark.limits import MIN_OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = Literal["any", "sum"]
Status = Literal["control", "measured", "too_few"]

_SIDE = 0.975
_Z = float(stats.norm.ppf(_SIDE))
_MIN_EXPECTED = 5


@dataclass(frozen=True)
class Moments:
    """Sums over the units of an arm.

    Args:
        units: people or households.
        people: sum of n, the people of a unit.
        converted: people with an outcome.
        outcome: sum of y, the outcomes of a unit's people: 1 or 0 for `any`, their values for `sum`.
        people_squared: sum of n².
        outcome_squared: sum of y².
        product: sum of n·y.
    """

    units: float
    people: float
    converted: float
    outcome: float
    people_squared: float
    outcome_squared: float
    product: float

    @property
    def mean(self) -> float:
        """Outcome of a person."""
        return self.outcome / self.people

    @property
    def variance(self) -> float:
        """Variance of `mean`, over the units."""
        mean = self.mean
        squares = self.outcome_squared - 2 * mean * self.product + mean**2 * self.people_squared
        return max(squares, 0.0) * self.units / (self.units - 1) / self.people**2

    @property
    def effective_people(self) -> float:
        """How many people, each drawn alone, would tell as much of a rate; never more than there are."""
        if self.people_squared == self.people:
            return self.people
        alone = self.mean * (1 - self.mean) / self.people
        if alone == 0:
            return self.people**2 / self.people_squared
        return self.people / max(1.0, self.variance / alone)


class Interval(NamedTuple):
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """An arm beside control.

    Args:
        status: `too_few` where too few people had an outcome to tell.
        difference: of the means; None for control and where there are too few.
        lift: the mean by control's, less 1; None also where a mean is not above 0.
    """

    status: Status
    difference: Interval | None = None
    lift: Interval | None = None


def compare(arm: Moments, control: Moments, value: Value) -> Comparison:
    """Compare an arm with control.

    Args:
        arm: its sums.
        control: the hold-out's.
        value: whether the outcome is a rate (`any`) or a value (`sum`).
    """
    if min(arm.converted, arm.units, control.converted, control.units) < MIN_OUTCOMES:
        return Comparison("too_few")
    difference = newcombe(arm, control) if value == "any" else welch(arm, control)
    return Comparison("measured", difference, relative_lift(arm, control, value))


def newcombe(arm: Moments, control: Moments) -> Interval:
    """The difference of two rates."""
    one, other = arm.mean, control.mean
    one_low, one_high = wilson(one, arm.effective_people)
    other_low, other_high = wilson(other, control.effective_people)
    difference = one - other
    below = math.hypot(one - one_low, other_high - other)
    above = math.hypot(one_high - one, other - other_low)
    return Interval(difference, difference - below, difference + above)


def wilson(rate: float, people: float) -> tuple[float, float]:
    """Wilson's interval of a rate (Wilson 1927)."""
    centre = rate + _Z**2 / (2 * people)
    half = _Z * math.sqrt(rate * (1 - rate) / people + _Z**2 / (4 * people**2))
    whole = 1 + _Z**2 / people
    return (centre - half) / whole, (centre + half) / whole


def welch(arm: Moments, control: Moments) -> Interval:
    """The difference of two means."""
    difference = arm.mean - control.mean
    half = _quantile(arm, control, (arm.variance, control.variance)) * math.sqrt(arm.variance + control.variance)
    return Interval(difference, difference - half, difference + half)


def relative_lift(arm: Moments, control: Moments, value: Value) -> Interval | None:
    """The ratio of two means, less 1; None where one of them is not above 0."""
    if arm.mean <= 0 or control.mean <= 0:
        return None
    parts = arm.variance / arm.mean**2, control.variance / control.mean**2
    quantile = _Z if value == "any" else _quantile(arm, control, parts)
    ratio, factor = arm.mean / control.mean, math.exp(quantile * math.sqrt(sum(parts)))
    return Interval(ratio - 1, ratio / factor - 1, ratio * factor - 1)


def _quantile(arm: Moments, control: Moments, variances: tuple[float, float]) -> float:
    """Student's, with the degrees of freedom of Welch and Satterthwaite."""
    freedom = sum(it**2 / (side.units - 1) for it, side in zip(variances, (arm, control), strict=True))
    return float(stats.t.ppf(_SIDE, sum(variances) ** 2 / freedom)) if freedom > 0 else _Z


def sample_ratio_p(units: Mapping[str, float], expected: Mapping[str, float]) -> float | None:
    """How likely chance alone makes arms of such sizes; None where too few units are expected to tell.

    Args:
        units: that each arm has.
        expected: that its share of all would be.
    """
    arms = [arm for arm, count in expected.items() if count > 0]
    if len(arms) < 2 or min(expected[arm] for arm in arms) < _MIN_EXPECTED:
        return None
    distance = sum((units.get(arm, 0) - expected[arm]) ** 2 / expected[arm] for arm in arms)
    return float(stats.chi2.sf(distance, len(arms) - 1))
