"""How often customers will buy: the BG/NBD model (Fader, Hardie & Lee 2005).

A customer buys at random times, at a rate of their own (gamma distributed: r, alpha), and after each repeat purchase
stops for good with a probability of their own (beta distributed: a, b). One who bought once is never known to have
stopped.

1. `fit_purchases` finds the four parameters by maximum likelihood on counted histories, in log space, with the analytic
   gradient. It takes milliseconds for CDNOW and seconds for a million customers.
2. `expect_purchases` and `probability_alive` answer for customers with a history, `mean_purchases` for a new one.

The published expectation has a Gaussian hypergeometric function, which overflows for busy customers and has gaps where
a = 1 or a + b = 1. Here it is what that function stands for: the mean of (1 - (1 + p s)^-(r+x)) / p over the dropout
probability p, with s the horizon over alpha + age. Gauss-Jacobi nodes for p's beta distribution give it to some ten
digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.linalg import eigh_tridiagonal
from scipy.special import digamma, expit, gammaln

from cdp_spark import columns as c
from cdp_spark.insights.histories import check_histories
from cdp_spark.insights.likelihood import Peak, climb, climb_again, thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.insights.likelihood import Floats, LogLikelihood

_LEAST_NODES, _MOST_NODES = 32, 512
_STARTS = (
    (0.25, 0.1, 0.8, 2.5),
    (1.0, 1.0, 1.0, 1.0),
    (0.5, 0.25, 0.5, 5.0),
    (2.0, 0.5, 0.2, 2.0),
    (5.0, 2.0, 1.0, 20.0),
)
"""r, alpha as a multiple of the mean age, a, b."""


@dataclass(frozen=True)
class PurchaseModel:
    """A fitted BG/NBD model; time is in weeks.

    Args:
        r: shape of the purchase rates.
        alpha: their scale, in weeks.
        a: of the dropout probabilities.
        b: of the dropout probabilities.
        standard_errors: of r, alpha, a and b; nan for a parameter at the edge of its range.
        log_likelihood: of the histories.
        customers: that it was fitted on.
        starts_agreeing: share of the optimiser's starts that found the same peak.
    """

    r: float
    alpha: float
    a: float
    b: float
    standard_errors: tuple[float, float, float, float] = (np.nan, np.nan, np.nan, np.nan)
    log_likelihood: float = np.nan
    customers: int = 0
    starts_agreeing: float = np.nan


def fit_purchases(counts: pa.Table) -> PurchaseModel:
    """Fit the model to counted histories.

    Args:
        counts: as `count_histories` makes them.
    Raises: DataError: the histories are too few or too short.
    """
    check_histories(counts)
    customers = counts[c.CUSTOMERS].to_numpy().astype(np.float64)
    scale = np.average(counts[c.AGE_WEEKS].to_numpy(), weights=customers)
    starts = [(r, alpha * scale, a, b) for r, alpha, a, b in _STARTS]
    some = thinned(counts.num_rows)
    peak = climb(
        _likelihood(counts, customers), starts, first=_likelihood(counts.take(pa.array(some)), customers[some])
    )
    return _model(peak, int(customers.sum()))


def draw_purchase_models(
    counts: pa.Table, model: PurchaseModel, *, draws: int = 200, seed: int = 0
) -> list[PurchaseModel]:
    """Fit the model to resampled customers, as many as there are; the spread of the fits says how sure it is.

    Args:
        counts: that the model was fitted on.
        model: where each search starts.
        draws: of the bootstrap.
        seed: same seed, same draws.
    """
    random = np.random.default_rng(seed)
    customers = counts[c.CUSTOMERS].to_numpy().astype(np.float64)
    start = np.array([model.r, model.alpha, model.a, model.b])
    drawn = (random.multinomial(int(customers.sum()), customers / customers.sum()) for _ in range(draws))
    fits = (climb_again(_likelihood(counts, it.astype(np.float64)), start) for it in drawn)
    return [
        PurchaseModel(r, alpha, a, b, customers=model.customers) for r, alpha, a, b in (fit.tolist() for fit in fits)
    ]


def mean_purchases(model: PurchaseModel, weeks: Floats | Sequence[float]) -> Floats:
    """Return how many repeat purchases a new customer makes within so many weeks of the first (eq. 9).

    Args:
        model: the parameters.
        weeks: horizons.
    """
    horizons = np.asarray(weeks, dtype=np.float64)
    nodes = _dropout_nodes(model, 0.0, horizons.max(initial=1.0) / model.alpha)
    return _expect_at(nodes, model.r, horizons / model.alpha)


def expect_purchases(model: PurchaseModel, histories: pa.Table, *, weeks: float) -> Floats:
    """Return how many purchases each customer makes in the weeks to come (eq. 10).

    Args:
        model: the parameters.
        histories: with `repeat_purchases`, `recency_weeks` and `age_weeks`, in any order.
        weeks: horizon.
    """
    return discounted_purchases(model, histories, weeks=(weeks,), discounts=(1.0,))


def discounted_purchases(
    model: PurchaseModel, histories: pa.Table, *, weeks: Sequence[float], discounts: Sequence[float]
) -> Floats:
    """Return each customer's expected purchases, those of each period times its discount.

    Args:
        model: the parameters.
        histories: with `repeat_purchases`, `recency_weeks` and `age_weeks`, in any order. Customers with equal
            purchases and age are worked out once, so ages in whole days make this fast.
        weeks: ends of the periods, ascending.
        discounts: of the periods.
    """
    purchases, groups = np.unique(histories[c.REPEAT_PURCHASES].to_numpy().astype(np.float64), return_inverse=True)
    ages, positions = np.unique(histories[c.AGE_WEEKS].to_numpy(), return_inverse=True)
    cells, rows = np.unique(groups * len(ages) + positions, return_inverse=True)
    expected = np.empty(len(cells))
    bounds = np.searchsorted(cells, np.arange(len(purchases) + 1) * len(ages))
    for x, begin, end in zip(purchases, bounds[:-1], bounds[1:], strict=True):
        expected[begin:end] = _discounted(model, x, ages[cells[begin:end] % len(ages)], weeks, discounts)
    return expected[rows] * probability_alive(model, histories)


def probability_alive(model: PurchaseModel, histories: pa.Table) -> Floats:
    """Return the probability that each customer still buys (Fader, Hardie & Lee 2008).

    Args:
        model: the parameters.
        histories: with `repeat_purchases`, `recency_weeks` and `age_weeks`, in any order.
    """
    x, recency, age = _columns(histories)
    silence = np.log1p((age - recency) / (model.alpha + recency))
    odds = np.log(model.a) - np.log(model.b + np.maximum(x, 1) - 1) + (model.r + x) * silence
    return np.where(x > 0, expit(-odds), 1.0)


def _model(peak: Peak, customers: int) -> PurchaseModel:
    r, alpha, a, b = map(float, peak.parameters)
    errors = tuple(map(float, peak.standard_errors))
    return PurchaseModel(r, alpha, a, b, errors, peak.log_likelihood, customers, peak.starts_agreeing)  # type: ignore[arg-type]


def _columns(histories: pa.Table) -> tuple[Floats, Floats, Floats]:
    x, recency, age = (histories[name].to_numpy() for name in (c.REPEAT_PURCHASES, c.RECENCY_WEEKS, c.AGE_WEEKS))
    return x.astype(np.float64), recency, age


def _likelihood(counts: pa.Table, customers: Floats) -> LogLikelihood:
    """Log-likelihood (eq. 6) and its gradient, of counts weighted anew.

    What depends on the number of purchases only is added up by that number. The rest is a customer's two ways to have
    been silent since the last purchase: alive all the time, or stopped at it.
    """
    x, recency, age = _columns(counts)
    again = x > 0
    levels, index = np.unique(x, return_inverse=True)
    weight = np.bincount(index, weights=customers, minlength=len(levels))
    total = customers.sum()

    def log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = parameters
        log_age, log_recency = np.log(alpha + age), np.log(alpha + recency)
        alive = -(r + x) * log_age
        stopped = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * log_recency
        both = np.where(again, np.logaddexp(alive, stopped), alive)
        gone = customers * np.where(again, np.exp(np.minimum(stopped - both, 0.0)), 0.0)
        here = customers - gone
        value = weight @ (gammaln(r + levels) + gammaln(b + levels) - gammaln(a + b + levels)) + customers @ both
        value += total * (r * np.log(alpha) - gammaln(r) + gammaln(a + b) - gammaln(b))
        of_sum = total * digamma(a + b) - weight @ digamma(a + b + levels)
        gradient = [
            weight @ digamma(r + levels) - total * (digamma(r) - np.log(alpha)) - here @ log_age - gone @ log_recency,
            total * r / alpha - here @ ((r + x) / (alpha + age)) - gone @ ((r + x) / (alpha + recency)),
            of_sum + gone.sum() / a,
            of_sum + weight @ digamma(b + levels) - total * digamma(b) - gone @ (1 / (b + np.maximum(x, 1) - 1)),
        ]
        return float(value), np.array(gradient)

    return log_likelihood


def _discounted(
    model: PurchaseModel, purchases: float, ages: Floats, weeks: Sequence[float], discounts: Sequence[float]
) -> Floats:
    """Discounted purchases of customers with equally many so far, if they are alive."""
    total, before = np.zeros(len(ages)), np.zeros(len(ages))
    nodes = _dropout_nodes(model, purchases, weeks[-1] / (model.alpha + ages[0]))
    for end, discount in zip(weeks, discounts, strict=True):
        until = _expect_at(nodes, model.r + purchases, end / (model.alpha + ages))
        total += discount * (until - before)
        before = until
    return total


def _expect_at(nodes: tuple[Floats, Floats], shape: float, stretch: Floats) -> Floats:
    probabilities, weights = nodes
    bought = -np.expm1(-shape * np.log1p(np.multiply.outer(stretch, probabilities)))
    return np.asarray(bought @ (weights / probabilities), dtype=np.float64)


def _dropout_nodes(model: PurchaseModel, purchases: float, stretch: float) -> tuple[Floats, Floats]:
    """Gauss-Jacobi nodes and weights of the beta distribution of p after so many purchases (Golub & Welsch 1969).

    The more purchases the time could hold, the closer to zero the integrand turns, and the more nodes it takes.
    """
    a, b = model.a, model.b + purchases
    needed = _LEAST_NODES + 3 * np.sqrt(max(model.r + purchases, 1.0) * stretch)
    k, lower, upper = np.arange(1.0, min(needed, _MOST_NODES)), a - 1.0, b - 1.0
    twice = 2 * k + lower + upper
    diagonal = (lower**2 - upper**2) / (twice * (twice + 2))
    ratio = np.append(1.0, (k[1:] + lower + upper) / (twice[1:] - 1))  # at k = 1 both are a + b - 1
    beside = 4 * k * (k + lower) * (k + upper) * ratio / (twice**2 * (twice + 1))
    points, vectors = eigh_tridiagonal(np.append((lower - upper) / (a + b), diagonal), np.sqrt(beside))
    return np.maximum((1 + points) / 2, 1e-12), vectors[0] ** 2
