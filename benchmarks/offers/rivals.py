"""Rivals of the offers: popularity, personal frequency, implicit's ALS. Each ranks the judged people's products."""

from __future__ import annotations

import os
from importlib.util import find_spec
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from cdp_spark.insights.offers.evidence import count_products
from cdp_spark.insights.offers.tuning import TOP, judge, relevant_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cdp_spark.insights.offers.tuning import Task, Trial

    Scores = Callable[[NDArray[np.int64]], NDArray[np.float64]]

_AT_ONCE = 200
_FACTORS, _REGULARISATION, _ALPHA = (16, 64), (0.05, 1.0, 10.0), (1.0, 10.0)
_ITERATIONS, _SEED = 15, 7


def popularity(trial: Trial) -> Scores:
    """Score products by how many people bought them."""
    buyers = count_products(trial.everybody, products=trial.products, half_life_days=None).buyers
    return lambda people: np.tile(buyers.astype(np.float64), (len(people), 1))


def recent_popularity(trial: Trial) -> Scores:
    """Score products by how many people bought them, half as much after four weeks."""
    recent = count_products(trial.everybody, products=trial.products, half_life_days=28).popularity
    return lambda people: np.tile(recent, (len(people), 1))


def personal_frequency(trial: Trial) -> Scores:
    """Score products by how often the person bought them, and no others."""
    times = _times(trial)
    return lambda people: np.asarray(times[people].toarray(), np.float64)


def personal_then_popular(trial: Trial) -> Scores:
    """Score products by how often the person bought them, and equal ones by how many people did."""
    times, buyers = _times(trial), popularity(trial)
    return lambda people: times[people].toarray() + buyers(people) / (1 + len(trial.everybody.person))


def als(trial: Trial, past: Trial) -> Scores:
    """Score products by implicit's ALS, its settings chosen in the past as those of the offers are."""
    best = max(
        product(_FACTORS, _REGULARISATION, _ALPHA),
        key=lambda settings: np.nanmean(judge(rank(past, _als(past, *settings), "both"), relevant_of(past, "both"))[1]),
    )
    return _als(trial, *best)


def known_chances(trial: Trial, chances: NDArray[np.float64]) -> Scores:
    """Score products by the chances that purchases were drawn from: no method can be better on new products."""
    people = np.array([int(name[1:]) for name in trial.purchases.people.to_pylist()])
    products = np.array([int(name[1:]) for name in trial.purchases.products.to_pylist()])
    return lambda chosen: chances[np.ix_(people[chosen], products)]


def has_als() -> bool:
    """Tell whether implicit is installed."""
    return find_spec("implicit") is not None


def rank(trial: Trial, scores: Scores, task: Task) -> NDArray[np.int64]:
    """Rank by scores; products without any score are not ranked, and equal ones stand in the order of their ids."""
    had = _times(trial)
    lists = np.full((trial.later.shape[0], TOP), -1, np.int64)
    for first in range(0, len(lists), _AT_ONCE):
        people = np.arange(first, min(first + _AT_ONCE, len(lists)))
        score, own = scores(people), had[people].toarray() > 0
        score = np.where(own if task == "repeat" else ~own if task == "new" else True, score, -np.inf)
        score[score == 0] = -np.inf
        last = min(TOP, score.shape[1]) - 1
        worst = -np.partition(-score, last, axis=1)[:, last]
        for person, row, least in zip(people, score, worst, strict=True):
            top = np.flatnonzero((row >= least) & np.isfinite(row))
            top = top[np.argsort(-row[top], kind="stable")][:TOP]
            lists[person, : len(top)] = top
    return lists


def _times(trial: Trial) -> sparse.csr_array:
    them = trial.habits
    return sparse.csr_array((them.times, (them.person, them.product)), shape=trial.later.shape)


def _als(trial: Trial, factors: int, regularisation: float, alpha: float) -> Scores:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from implicit.als import AlternatingLeastSquares  # noqa: PLC0415 - installed for this benchmark only

    them = trial.everybody
    people, number = np.unique(them.person, return_inverse=True)
    shape = (len(people), trial.products)
    bought = sparse.csr_matrix((them.times.astype(np.float32), (number, them.product)), shape=shape)
    model: Any = AlternatingLeastSquares(
        factors=factors, regularization=regularisation, alpha=alpha, iterations=_ITERATIONS, random_state=_SEED
    )
    model.fit(bought, show_progress=False)
    rows = np.searchsorted(people, trial.judged)
    return lambda chosen: np.asarray(model.user_factors[rows[chosen]] @ model.item_factors.T, np.float64)
