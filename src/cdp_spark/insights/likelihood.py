"""Maximum likelihood for the positive parameters of a small model.

1. The search runs over the logarithms of the parameters: every step stays inside the model.
2. L-BFGS-B climbs from several starts on a part of the rows, where there are many; from the highest peak it climbs on
   with all rows, and Newton's steps finish it.
3. Standard errors come from the curvature at the peak (the observed information), by the delta method.

A parameter that runs to the edge of its range, as when nobody stops buying, has no standard error: nan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from cdp_spark.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    LogLikelihood = Callable[[Floats], tuple[float, Floats]]

FEW_ROWS = 20_000
"""Rows that tell the peaks of a likelihood apart: all starts climb in a second."""
_RANGE = 14.0
"""Largest logarithm of a parameter, either way: between a millionth and a million times the unit."""
_STEP = 1e-5
_NEWTON_STEPS = 8
_FLAT = 1e-9
_SAME_PEAK = 1e-3


@dataclass(frozen=True)
class Peak:
    """Where a likelihood is highest.

    Args:
        parameters: there.
        standard_errors: of the parameters; nan at the edge of the range.
        log_likelihood: at the peak.
        starts_agreeing: share of the starts that ended within 0.001 of it.
    """

    parameters: Floats
    standard_errors: Floats
    log_likelihood: float
    starts_agreeing: float


def thinned(rows: int) -> NDArray[np.int64]:
    """Return which of so many rows to try the starts on: all of few, else some 20,000 at equal distances."""
    return np.arange(0, rows, max(rows // FEW_ROWS, 1))


def climb(log_likelihood: LogLikelihood, starts: Sequence[Sequence[float]], *, first: LogLikelihood) -> Peak:
    """Find the parameters with the highest likelihood.

    Args:
        log_likelihood: of positive parameters, and its gradient.
        starts: parameters to start from.
        first: likelihood to try the starts on; of a part of the rows, or the same.
    Raises: DataError: no start leads to a finite likelihood.
    """
    slope, tried = _of_logarithms(log_likelihood), _of_logarithms(first)
    ends = [_ascend(tried, np.log(np.asarray(start, dtype=np.float64))) for start in starts]
    ends = [end for end in ends if np.isfinite(end[1])]
    if not ends:
        raise DataError("lifetime model", got="no finite likelihood from any start", fix="check times and values")
    best, highest = max(ends, key=lambda end: end[1])
    best, curvature = _finish(slope, _ascend(slope, best)[0])
    height = slope(best)[0]
    agreeing = sum(highest - end[1] < _SAME_PEAK for end in ends) / len(starts)
    parameters = np.exp(best)
    return Peak(parameters, parameters * _errors(curvature, best), height, agreeing)


def climb_again(log_likelihood: LogLikelihood, start: Floats) -> Floats:
    """Return the parameters of the peak next to a start; for the draws of a bootstrap."""
    return np.asarray(np.exp(_ascend(_of_logarithms(log_likelihood), np.log(start))[0]))


def _of_logarithms(log_likelihood: LogLikelihood) -> LogLikelihood:
    def slope(logarithms: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logarithms)
        value, gradient = log_likelihood(parameters)
        return value, gradient * parameters

    return slope


def _ascend(slope: LogLikelihood, start: Floats) -> tuple[Floats, float]:
    def descent(logarithms: Floats) -> tuple[float, Floats]:
        value, gradient = slope(logarithms)
        return (-value, -gradient) if np.isfinite(value) else (np.inf, np.zeros_like(gradient))

    bounds = [(-_RANGE, _RANGE)] * len(start)
    options = {"maxiter": 500, "ftol": 1e-11, "gtol": 1e-6}
    found = minimize(descent, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)  # type: ignore[call-overload]
    return np.asarray(found.x, dtype=np.float64), -float(found.fun)


def _finish(slope: LogLikelihood, point: Floats) -> tuple[Floats, Floats]:
    """Newton's steps to the peak, as long as they climb, and the curvature there."""
    value, gradient = slope(point)
    curvature = _curvature(slope, point)
    for _ in range(_NEWTON_STEPS):
        if np.any(np.linalg.eigvalsh(curvature) >= 0):
            break
        following = point - np.linalg.solve(curvature, gradient)
        if np.any(np.abs(following) > _RANGE):
            break
        new_value, new_gradient = slope(following)
        if not new_value >= value or np.abs(new_gradient).max() >= np.abs(gradient).max():
            break
        step = np.abs(following - point).max()
        point, value, gradient = following, new_value, new_gradient
        curvature = _curvature(slope, point)
        if step < _FLAT:
            break
    return point, curvature


def _curvature(slope: LogLikelihood, point: Floats) -> Floats:
    """Second derivatives, from differences of the gradient."""
    steps = np.eye(len(point)) * _STEP
    rows = np.array([(slope(point + step)[1] - slope(point - step)[1]) / (2 * _STEP) for step in steps])
    return np.asarray((rows + rows.T) / 2, dtype=np.float64)


def _errors(curvature: Floats, point: Floats) -> Floats:
    """Standard errors of the logarithms; nan for those at the edge."""
    inner = np.abs(point) < _RANGE - _STEP
    errors = np.full(len(point), np.nan)
    block = -curvature[np.ix_(inner, inner)]
    if inner.any() and np.all(np.linalg.eigvalsh(block) > 0):
        errors[inner] = np.sqrt(np.diag(np.linalg.inv(block)))
    return errors
