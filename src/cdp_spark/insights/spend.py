"""What a customer's purchases are worth: the Gamma-Gamma model (Fader & Hardie 2013).

A customer's purchases vary around a mean of their own (gamma, shape p); the means vary across customers (q, gamma). The
observed average is drawn towards the mean of all, the more so the fewer purchases it rests on. The model assumes that
what customers spend does not depend on how often they buy; `frequency_correlation` says whether that holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import digamma, gammaln
from scipy.stats import spearmanr

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.insights.histories import LEAST_REPEAT_CUSTOMERS
from cdp_spark.insights.likelihood import climb, climb_again, thinned

if TYPE_CHECKING:
    import pyarrow as pa

    from cdp_spark.insights.likelihood import Floats, LogLikelihood

_STARTS = ((1.0, 2.0, 1.0), (6.0, 4.0, 0.5), (2.0, 10.0, 5.0), (0.5, 1.5, 1.0))
"""p, q, gamma as a multiple of the average value."""


@dataclass(frozen=True)
class SpendModel:
    """A fitted Gamma-Gamma model.

    Args:
        p: shape of a customer's purchases.
        q: shape of the customers' means; the mean over all is finite above 1 only.
        gamma: scale, in the currency; v in the paper of 2005.
        standard_errors: of p, q and gamma.
        log_likelihood: of the averages.
        customers: that it was fitted on.
        frequency_correlation: Spearman's, of purchases and average value; far from 0 the model is biased.
    """

    p: float
    q: float
    gamma: float
    standard_errors: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    log_likelihood: float = np.nan
    customers: int = 0
    frequency_correlation: float = np.nan


def fit_spend(histories: pa.Table, *, least_customers: int = LEAST_REPEAT_CUSTOMERS) -> SpendModel:
    """Fit the model to the customers who bought again.

    Args:
        histories: with `valued_purchases` and `average_value`, in any order; those without a value are left out.
        least_customers: with a repeat purchase above zero.
    Raises: DataError: too few such customers, or values that vary so much that they have no mean.
    """
    purchases, averages = _valued(histories)
    if len(averages) < least_customers:
        raise DataError(
            "spend model",
            got=f"{len(averages)} customers with a repeat purchase above zero",
            allowed=f"at least {least_customers}",
            fix="load older purchases, or wait for more customers",
        )
    starts = [(p, q, gamma * averages.mean()) for p, q, gamma in _STARTS]
    ones, some = np.ones(len(averages)), thinned(len(averages))
    first = _likelihood(purchases[some], averages[some], ones[some])
    peak = climb(_likelihood(purchases, averages, ones), starts, first=first)
    p, q, gamma = map(float, peak.parameters)
    if q <= 1:
        raise DataError("spend model", got="values without a finite mean", fix="check the largest purchase values")
    errors: tuple[float, float, float] = tuple(map(float, peak.standard_errors))  # type: ignore[assignment]
    return SpendModel(p, q, gamma, errors, peak.log_likelihood, len(averages), _correlation(purchases, averages))


def draw_spend_models(histories: pa.Table, model: SpendModel, *, draws: int = 200, seed: int = 0) -> list[SpendModel]:
    """Fit the model to resampled customers, as many as there are.

    Args:
        histories: that the model was fitted on.
        model: where each search starts.
        draws: of the bootstrap.
        seed: same seed, same draws.
    """
    purchases, averages = _valued(histories)
    random, start = np.random.default_rng(seed), np.array([model.p, model.q, model.gamma])
    count = len(averages)
    drawn = (np.bincount(random.integers(count, size=count), minlength=count).astype(np.float64) for _ in range(draws))
    fits = (climb_again(_likelihood(purchases, averages, weights), start) for weights in drawn)
    return [SpendModel(p, q, gamma, customers=count) for p, q, gamma in (fit.tolist() for fit in fits)]


def expect_value(model: SpendModel, histories: pa.Table) -> Floats:
    """Return what each customer's next purchases are worth on average (eq. 5); the mean of all without a history.

    Args:
        model: the parameters.
        histories: with `valued_purchases` and `average_value`, in any order.
    """
    purchases = histories[c.VALUED_PURCHASES].to_numpy().astype(np.float64)
    averages = np.nan_to_num(histories[c.AVERAGE_VALUE].to_numpy())
    expected = model.p * (model.gamma + purchases * averages) / (model.p * purchases + model.q - 1)
    return np.asarray(expected, dtype=np.float64)


def _valued(histories: pa.Table) -> tuple[Floats, Floats]:
    purchases = histories[c.VALUED_PURCHASES].to_numpy().astype(np.float64)
    averages = histories[c.AVERAGE_VALUE].to_numpy()
    kept = purchases > 0
    return purchases[kept], averages[kept]


def _correlation(purchases: Floats, averages: Floats) -> float:
    if np.ptp(purchases) == 0 or np.ptp(averages) == 0:
        return np.nan
    return float(spearmanr(purchases, averages).statistic)


def _likelihood(purchases: Floats, averages: Floats, weights: Floats) -> LogLikelihood:
    """Log-likelihood (eq. 6, of 1a) and its gradient."""
    levels, index = np.unique(purchases, return_inverse=True)
    weight = np.bincount(index, weights=weights, minlength=len(levels))
    spent, total = purchases * averages, weights.sum()
    log_spent = weights @ (purchases * np.log(spent))
    constant = weights @ np.log(averages)

    def log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        p, q, gamma = parameters
        log_sum = np.log(gamma + spent)
        value = weight @ (gammaln(p * levels + q) - gammaln(p * levels)) + total * (q * np.log(gamma) - gammaln(q))
        value += p * log_spent - constant - weights @ ((p * purchases + q) * log_sum)
        both = digamma(p * levels + q)
        gradient = [
            weight @ (levels * (both - digamma(p * levels))) + log_spent - weights @ (purchases * log_sum),
            weight @ both - total * (digamma(q) - np.log(gamma)) - weights @ log_sum,
            total * q / gamma - weights @ ((p * purchases + q) / (gamma + spent)),
        ]
        return float(value), np.array(gradient)

    return log_likelihood
