"""Weights that would have done best lately, and the figures by which they are judged.

A trial hides a period of `horizon_days`: what is known before it ranks each person's products, and what they bought in
it judges the ranking. The last three periods are tried. Weights that order new products (together, popularity) are
chosen by new products, those that order what a person has by repeat purchases, and `new`, which mixes both, by all.
The mean NDCG@10 decides; ties go to the value that is named first. What is chosen is only as good as these people and
days tell: figures to show come from a later period (see `python -m benchmarks offers`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from cdp_spark.config.insights.offers import OfferWeights
from cdp_spark.insights.offers.evidence import (
    baskets_of,
    count_products,
    find_neighbours,
    habit_strength,
    habits_of,
    likings_of,
    share_categories,
)
from cdp_spark.insights.offers.ranking import Filters, evidence_of, rank_products

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cdp_spark.insights.offers.evidence import Counts, Habits, Likings
    from cdp_spark.insights.offers.purchases import Purchases
    from cdp_spark.insights.offers.ranking import Evidence

Task = Literal["repeat", "new", "both"]

TOP = 10
PERIODS = 3
"""Periods by which weights are chosen; one alone is chance."""
JUDGED_PEOPLE = 1_000
"""People of a period by whom weights are chosen: seconds, where more hardly tell more."""
MIN_JUDGED = 30
"""Fewer people tell nothing, and the weights stay those by default."""
_CHOICES: tuple[tuple[Task, dict[str, tuple[float | None, ...]]], ...] = (
    ("new", {"popular_half_life_days": (28.0, 14.0, 90.0, None), "together": (0.0, 0.03, 0.1, 0.3, 0.5, 1.0)}),
    ("new", {"category_damping": (None, 1000.0, 300.0, 100.0, 30.0, 10.0)}),
    ("repeat", {"again_half_life_days": (60.0, 30.0, 120.0, None), "again": (0.1, 0.01, 0.03, 0.3, 1.0, 10.0)}),
    ("both", {"new": (1.0, 0.3, 0.1, 0.03, 0.01, 0.001)}),
)


@dataclass(frozen=True)
class Trial:
    """A past state and what came after it.

    Args:
        judged: the people, by their numbers in all purchases; here they are numbered from 0.
        habits: of the judged people.
        purchases: theirs, before.
        neighbours: of everybody's purchases before.
        later: person by product, what they bought after.
        everybody: habits of all people before, for popularity.
        repeatable: products that are offered again.
        likings: of the judged people; None where no product has a category.
    """

    judged: NDArray[np.int64]
    habits: Habits
    purchases: Purchases
    neighbours: sparse.csr_array
    later: sparse.csr_array
    everybody: Habits
    repeatable: NDArray[np.bool_]
    likings: Likings | None = None

    @property
    def products(self) -> int:
        """How many products there are."""
        return self.later.shape[1]


def choose_weights(
    purchases: Purchases,
    *,
    horizon_days: int,
    repeatable: Callable[[Counts], NDArray[np.bool_]] | None = None,
    category: NDArray[np.int64] | None = None,
) -> OfferWeights:
    """Choose the weights that would have done best over the last periods.

    Args:
        purchases: all that are known.
        horizon_days: of a period.
        repeatable: tells from counts which products are offered again; all without it.
        category: of each product, -1 for none.
    Returns: the weights; the default ones where too little is known.
    """
    trials = []
    for period in range(PERIODS):
        known = purchases.before(period * horizon_days)
        trial = make_trial(known, horizon_days=horizon_days, repeatable=repeatable, category=category)
        if trial is not None and trial.later.shape[0] >= MIN_JUDGED:
            trials.append(trial)
    best = OfferWeights()
    for task, values in _CHOICES if trials else ():
        names, grids = zip(*values.items(), strict=True)
        choices = [best.model_copy(update=dict(zip(names, them, strict=True))) for them in product(*grids)]
        figures = [_figures(trial, choices, task) for trial in trials]
        best = choices[int(np.argmax(np.mean(figures, axis=0).round(9)))]
    return best


def make_trial(
    purchases: Purchases,
    *,
    horizon_days: int,
    most_people: int = JUDGED_PEOPLE,
    repeatable: Callable[[Counts], NDArray[np.bool_]] | None = None,
    category: NDArray[np.int64] | None = None,
) -> Trial | None:
    """Hide the last days, and choose people who bought before and in them; None where nobody did.

    Args:
        purchases: all that are known.
        horizon_days: days to hide.
        most_people: to judge; those beyond are left out evenly, in the order of their ids.
        repeatable: tells from counts which products are offered again; all without it.
        category: of each product, -1 for none.
    """
    before, late = purchases.before(horizon_days), purchases.age_days < horizon_days
    judged = np.intersect1d(before.person, purchases.person[late])
    if not len(judged):
        return None
    judged = judged[np.linspace(0, len(judged) - 1, min(most_people, len(judged))).astype(np.int64)]
    everybody, products = habits_of(before), len(purchases.products)
    counts = count_products(everybody, products=products, half_life_days=None)
    baskets = baskets_of(everybody, people=len(purchases.people), products=products)
    known = _of_people(before, judged)
    habits = habits_of(known)
    return Trial(
        judged=judged,
        habits=habits,
        purchases=known,
        neighbours=find_neighbours(baskets, counts).matrix(products),
        later=_bought_by(purchases, late, judged),
        everybody=everybody,
        repeatable=repeatable(counts) if repeatable else np.ones(products, np.bool_),
        likings=None
        if category is None
        else likings_of(habits, category, share_categories(counts.buyers, category), people=len(judged)),
    )


def trial_lists(trial: Trial, weights: OfferWeights, task: Task) -> NDArray[np.int64]:
    """Rank the products of the judged people as of the hidden days' beginning.

    Args:
        trial: what was known.
        weights: to judge.
        task: products that they have, that they do not have, or both.
    Returns: ten product numbers per person, -1 where there are no more.
    """
    return _lists(trial, _evidence(trial, weights), weights, task)


def judge(lists: NDArray[np.int64], relevant: sparse.csr_array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Judge rankings by what was bought.

    Args:
        lists: product numbers per person, best first; -1 for none.
        relevant: person by product, what they bought.
    Returns: per person, recall and NDCG; NaN for those who bought nothing of the kind.
    """
    people, most = lists.shape
    padded = np.zeros((people, most), np.bool_)
    row, place = np.nonzero(lists >= 0)
    keys = np.repeat(np.arange(people), np.diff(relevant.indptr)) * relevant.shape[1] + relevant.indices
    padded[row, place] = np.isin(row * relevant.shape[1] + lists[row, place], keys)
    bought = np.diff(relevant.indptr)
    discount = 1 / np.log2(np.arange(2, most + 2))
    ideal = np.r_[0.0, np.cumsum(discount)][np.minimum(bought, most)]
    none = bought == 0
    recall = np.where(none, np.nan, padded.sum(axis=1) / np.maximum(bought, 1))
    ndcg = np.where(none, np.nan, (padded * discount).sum(axis=1) / np.where(none, 1, ideal))
    return recall, ndcg


def relevant_of(trial: Trial, task: Task) -> sparse.csr_array:
    """Return what counts as a hit: products bought later that the person had before, had not, or both."""
    if task == "both":
        return trial.later
    ones = np.ones(len(trial.habits.person), np.int64)
    had = sparse.csr_array((ones, (trial.habits.person, trial.habits.product)), shape=trial.later.shape)
    again = sparse.csr_array(trial.later.multiply(had))
    kept = again if task == "repeat" else sparse.csr_array(trial.later - again)
    kept.eliminate_zeros()
    kept.sort_indices()
    return kept


def _figures(trial: Trial, choices: Sequence[OfferWeights], task: Task) -> list[float]:
    """Return the mean NDCG of each choice; 0 for all where nobody bought anything of the kind."""
    relevant = relevant_of(trial, task)
    if not relevant.nnz:
        return [0.0] * len(choices)
    evidence = _remember(lambda weights: _evidence(trial, weights))
    return [
        float(np.nanmean(judge(_lists(trial, evidence(weights), weights, task), relevant)[1])) for weights in choices
    ]


def _remember(make: Callable[[OfferWeights], Evidence]) -> Callable[[OfferWeights], Evidence]:
    """Make the evidence anew only where a half-life is another; choices with the same ones stand together."""
    last: dict[tuple[float | None, float | None], Evidence] = {}

    def remembered(weights: OfferWeights) -> Evidence:
        key = (weights.again_half_life_days, weights.popular_half_life_days)
        if key not in last:
            made = make(weights)
            last.clear()
            last[key] = made
        return last[key]

    return remembered


def _evidence(trial: Trial, weights: OfferWeights) -> Evidence:
    counts: Counts = count_products(
        trial.everybody, products=trial.products, half_life_days=weights.popular_half_life_days
    )
    strength = habit_strength(trial.purchases, trial.habits, half_life_days=weights.again_half_life_days)
    people = trial.later.shape[0]
    return evidence_of(
        trial.habits, strength, trial.neighbours, counts.popularity, people=people, likings=trial.likings
    )


def _lists(trial: Trial, evidence: Evidence, weights: OfferWeights, task: Task) -> NDArray[np.int64]:
    every = np.ones(trial.products, np.bool_)
    filters = Filters(every, trial.repeatable if task != "new" else ~every, unbought=task != "repeat")
    if task == "repeat":  # neighbours are for products that a person does not have
        evidence = replace(evidence, together=sparse.csr_array(evidence.habit.shape))
    ranked = rank_products(evidence, weights, filters, most=TOP)
    return _as_lists(ranked.person, ranked.rank, ranked.product, trial.later.shape[0])


def _as_lists(
    person: NDArray[np.int64], rank: NDArray[np.int64], product: NDArray[np.int64], people: int
) -> NDArray[np.int64]:
    lists = np.full((people, TOP), -1, np.int64)
    lists[person, rank - 1] = product
    return lists


def _of_people(purchases: Purchases, chosen: NDArray[np.int64]) -> Purchases:
    number, found = _numbers(purchases.person, chosen)
    return replace(
        purchases,
        people=purchases.people.take(chosen),
        person=number,
        product=purchases.product[found],
        age_days=purchases.age_days[found],
        spend=purchases.spend[chosen],
    )


def _bought_by(purchases: Purchases, late: NDArray[np.bool_], judged: NDArray[np.int64]) -> sparse.csr_array:
    number, found = _numbers(purchases.person[late], judged)
    pairs = np.unique(np.c_[number, purchases.product[late][found]], axis=0)
    shape = (len(judged), len(purchases.products))
    return sparse.csr_array((np.ones(len(pairs), np.int64), (pairs[:, 0], pairs[:, 1])), shape=shape)


def _numbers(person: NDArray[np.int64], chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Number the chosen people from 0; return the numbers of those entries that are theirs, and which these are."""
    at = np.minimum(np.searchsorted(chosen, person), len(chosen) - 1)
    found = chosen[at] == person
    return at[found], found
