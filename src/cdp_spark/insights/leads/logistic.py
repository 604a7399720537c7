"""Logistic regression on steps, and its calibration.

A feature enters as steps: one for each edge that it has passed, so that each edge adds its own points, and the ridge
keeps a step small that few people tell about. The points of a person's features and the base sum to the log-odds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, log_expit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RIDGE = 2.0
"""Penalty of a squared step: as if each step were normal around 0 with a variance of a half."""
_SIGNIFICANT = 5.99
"""95 % of the chi-squared distribution with two degrees of freedom."""


def fit_steps(levels: NDArray[np.int64], edges: Sequence[int], outcomes: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Fit the base and the steps.

    Args:
        levels: how many edges each person's features have passed, one column a feature.
        edges: how many each feature has.
        outcomes: of the people.
    Returns: the base, and the steps of all features one after the other.
    """
    design = _design(levels, edges)
    base, *steps = _maximise(design, outcomes.astype(np.float64), RIDGE)
    return float(base), np.array(steps)


def fit_calibration(log_odds: Floats, outcomes: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit the shift and the slope that log-odds need (Platt); 0 and 1 where they are fine as they are.

    Args:
        log_odds: as predicted.
        outcomes: what came.
    """
    truth = outcomes.astype(np.float64)
    shift, slope = _maximise(sparse.csr_array(log_odds[:, None]), truth, 0.0)
    better = _log_likelihood(shift + slope * log_odds, truth) - _log_likelihood(log_odds, truth)
    return (float(shift), max(float(slope), 0.0)) if 2 * better > _SIGNIFICANT else (0.0, 1.0)


def _design(levels: NDArray[np.int64], edges: Sequence[int]) -> sparse.csr_array:
    """A one for each edge that is passed."""
    first = np.r_[0, np.cumsum(edges)[:-1]].astype(np.int64)
    flat = levels.ravel()
    ends = np.cumsum(flat)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - flat, flat)
    columns = np.repeat(np.tile(first, len(levels)), flat) + within
    starts = np.r_[0, np.cumsum(levels.sum(axis=1))]
    return sparse.csr_array((np.ones(len(columns)), columns, starts), shape=(len(levels), int(sum(edges))))


def _maximise(design: sparse.csr_array, truth: Floats, ridge: float) -> Floats:
    people = len(truth)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        log_odds = parameters[0] + design @ parameters[1:]
        miss = expit(log_odds) - truth
        gradient = np.r_[miss.sum(), design.T @ miss + ridge * parameters[1:]]
        value = -_log_likelihood(log_odds, truth) + ridge / 2 * (parameters[1:] @ parameters[1:])
        return float(value) / people, np.asarray(gradient / people, np.float64)

    share = np.clip(truth.mean(), 1e-6, 1 - 1e-6)
    start = np.zeros(1 + design.shape[1])
    start[0] = np.log(share / (1 - share))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-11, "gtol": 1e-7})
    return np.asarray(found.x, np.float64)


def _log_likelihood(log_odds: Floats, truth: Floats) -> float:
    return float((truth * log_expit(log_odds) + (1 - truth) * log_expit(-log_odds)).sum())
