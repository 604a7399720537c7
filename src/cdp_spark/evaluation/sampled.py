"""Precision and recall estimated from answers to a stratified sample of pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.experiments.lift import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Stratum:
    """Pairs of one class, some of them answered.

    Args:
        name: of the class.
        found: whether its pairs are together.
        pairs: in the class.
        answered: of them, yes or no; drawn at random.
        matches: of the answered, yes.
    """

    name: str
    found: bool
    pairs: int
    answered: int
    matches: int


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval of 95%."""

    value: float
    low: float
    high: float


def estimate_precision(strata: Sequence[Stratum]) -> Estimate:
    """Share of matches among the pairs that are together."""
    found = [it for it in strata if it.found]
    total = sum(it.pairs for it in found)
    matches = estimate_matches(found)
    if not total:
        return Estimate(1.0, 0.0, 1.0)
    return Estimate(matches.value / total, matches.low / total, matches.high / total)


def estimate_recall(strata: Sequence[Stratum]) -> Estimate:
    """Share of the matches that are together, among the matches of all strata.

    The interval is that of a ratio of two independent estimates, missed over found.
    Source: Donner & Zou 2012, Closed-form confidence intervals for functions of the normal mean and standard
    deviation, the ratio by MOVER.
    """
    found = estimate_matches([it for it in strata if it.found])
    missed = estimate_matches([it for it in strata if not it.found])
    total = found.value + missed.value
    if not total:
        return Estimate(1.0, 0.0, 1.0)
    low, high = _ratio_limits(missed, found)
    return Estimate(found.value / total, 1.0 / (1.0 + high), 1.0 / (1.0 + low))


def estimate_matches(strata: Sequence[Stratum]) -> Estimate:
    """Number of matches in some strata.

    Each stratum's share has a Wilson interval, and the sum's interval is put together from their distances.
    Source: Wilson 1927; Zou & Donner 2008, Construction of confidence limits about effect measures (MOVER).
    """
    value = below = above = 0.0
    for it in strata:
        share = it.matches / it.answered if it.answered else 0.5
        low, high = wilson(share, it.answered) if it.answered else (0.0, 1.0)
        value += it.pairs * share
        below += (it.pairs * (share - low)) ** 2
        above += (it.pairs * (high - share)) ** 2
    total = float(sum(it.pairs for it in strata))
    return Estimate(value, max(value - math.sqrt(below), 0.0), min(value + math.sqrt(above), total))


def _ratio_limits(upper: Estimate, lower: Estimate) -> tuple[float, float]:
    """Limits of upper / lower."""
    product = upper.value * lower.value
    low_span = upper.low * lower.high * (2 * upper.value - upper.low) * (2 * lower.value - lower.high)
    low_base = lower.high * (2 * lower.value - lower.high)
    high_span = upper.high * lower.low * (2 * upper.value - upper.high) * (2 * lower.value - lower.low)
    high_base = lower.low * (2 * lower.value - lower.low)
    low = (product - math.sqrt(max(product**2 - low_span, 0.0))) / low_base if low_base > 0 else 0.0
    high = (product + math.sqrt(max(product**2 - high_span, 0.0))) / high_base if high_base > 0 else math.inf
    return max(low, 0.0), high
