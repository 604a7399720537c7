"""Each person's products in order: a blend of habit, what goes together and popularity, after the filters.

1. Candidates of a person: what they bought, the neighbours of what they bought last, the most popular products, and
   what a rule puts first for them. All others are behind these.
2. Score of what they bought: again x habit + popularity. Of what they did not: new x popularity x exp(together x the
   sum of the strengths from their last products) x liking. With `together` 1 the second is naive Bayes; less makes up
   for products that tell the same. Liking is how many times as much of the category they have as others, after
   `category_damping` products that are like everybody's (the mean of a Dirichlet prior).
3. Left out: what is not on sale, what they have and will not buy again, what a rule keeps from them.
4. The best of each person, what a rule puts first before the rest; equal ones by product id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from cdp_spark.insights.offers.evidence import baskets_of, rank_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.insights.offers import OfferWeights
    from cdp_spark.insights.offers.evidence import Habits, Likings

POPULAR = 100
"""Most popular products that are everybody's candidates."""
_SPARE = 10
MOST_PEOPLE = 65_536
"""People who are ranked at once: their numbers fit into 16 bits, which NumPy sorts by radix."""
NO_RULE = 255
_MOST_LOG_LIFT = 50.0  # keeps scores finite; more than any evidence tells
_PRESENT = 1e-300  # keeps a candidate whose score is 0 in the sum of matrices, and is lost in any other


@dataclass(frozen=True)
class Evidence:
    """What is known of some people, as matrices of people by products, sorted.

    Args:
        habit: strength of each habit; has an entry for each product that a person bought.
        together: sum of the strengths with which the products that they bought last lead to this one.
        popularity: per product.
        likings: of their categories; None where no product has one.
    """

    habit: sparse.csr_array
    together: sparse.csr_array
    popularity: NDArray[np.float64]
    likings: Likings | None = None


@dataclass(frozen=True)
class Filters:
    """What may be offered to whom.

    Args:
        offered: products that anybody may be offered.
        repeatable: products that are offered again.
        unbought: whether products that a person does not have are offered; judging habits needs those that they have.
        first: person by product, 1 + the number of the rule that puts it first; None without rules.
        kept: for each rule that keeps products from people, these products and these people.
    """

    offered: NDArray[np.bool_]
    repeatable: NDArray[np.bool_]
    unbought: bool = True
    first: sparse.csr_array | None = None
    kept: tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], ...] = ()


@dataclass(frozen=True)
class Entries:
    """Candidates, by person and product or best first.

    Args:
        person: number.
        product: number.
        score: blended.
        rule: number of the rule that puts it first; `NO_RULE` for none.
    """

    person: NDArray[np.int64]
    product: NDArray[np.int64]
    score: NDArray[np.float64]
    rule: NDArray[np.int64]

    def at(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Entries:
        """Return some of the entries."""
        return Entries(self.person[chosen], self.product[chosen], self.score[chosen], self.rule[chosen])

    def joined(self, other: Entries) -> Entries:
        """Put entries of other people to these, in the order of people."""
        person = np.r_[self.person, other.person]
        both = Entries(
            person,
            np.r_[self.product, other.product],
            np.r_[self.score, other.score],
            np.r_[self.rule, other.rule],
        )
        return both.at(np.argsort(person, kind="stable"))


@dataclass(frozen=True)
class Ranked:
    """The best products of people, by person and rank.

    Args:
        person: number.
        rank: from 1.
        product: number.
        score: blended.
        rule: number of the rule that put it first; `NO_RULE` for none.
    """

    person: NDArray[np.int64]
    rank: NDArray[np.int64]
    product: NDArray[np.int64]
    score: NDArray[np.float64]
    rule: NDArray[np.int64]


def evidence_of(
    habits: Habits,
    strength: NDArray[np.float64],
    neighbours: sparse.csr_array,
    popularity: NDArray[np.float64],
    *,
    people: int,
    likings: Likings | None = None,
) -> Evidence:
    """Gather what is known of people who are numbered from 0.

    Args:
        habits: of these people.
        strength: of each habit.
        neighbours: product by product.
        popularity: per product.
        people: how many.
        likings: of these people.
    """
    products = len(popularity)
    habit = sparse.csr_array((strength, (habits.person, habits.product)), shape=(people, products))
    baskets = baskets_of(habits, people=people, products=products)
    together = sparse.csr_array(baskets @ neighbours)
    together.sort_indices()
    return Evidence(habit, together, popularity, likings)


def rank_products(
    evidence: Evidence,
    weights: OfferWeights,
    filters: Filters,
    *,
    most: int,
    per_category: tuple[NDArray[np.int64], int] | None = None,
) -> Ranked:
    """Rank the products of at most `MOST_PEOPLE` people.

    Args:
        evidence: of these people.
        weights: of the kinds of evidence.
        filters: what may be offered.
        most: products a person.
        per_category: each product's category, -1 for none, and how many of one a person gets at most.
    """
    scores, bought = _blend(evidence, weights, filters)
    person = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    allowed = _allowed(filters, person, scores.indices, bought)
    person, product = person[allowed], scores.indices[allowed].astype(np.int64)
    entries = Entries(person, product, scores.data[allowed], _rules(filters, person, product))
    best = _best(entries.at(_contenders(entries, most * _SPARE if per_category else most)), most, per_category)
    if per_category:  # whose contenders were too much of a category, has all ranked
        found = np.bincount(best.person, minlength=scores.shape[0])
        short = (found < most) & (np.bincount(entries.person, minlength=scores.shape[0]) > most * _SPARE)
        again = _best(entries.at(short[entries.person]), most, per_category)
        best = best.at(~short[best.person]).joined(again)
    return Ranked(best.person, rank_within(best.person) + 1, best.product, best.score, best.rule)


def find_entries(
    matrix: sparse.csr_array, person: NDArray[np.int64], product: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where in a matrix's data each person's product is, and whether it is there at all."""
    keys = _keys(matrix)
    wanted = person * matrix.shape[1] + product
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


def _blend(evidence: Evidence, weights: OfferWeights, filters: Filters) -> tuple[sparse.csr_array, NDArray[np.bool_]]:
    """Score each person's candidates, and mark those that they bought."""
    people, products = evidence.habit.shape
    popular = np.sort(_most_popular(evidence.popularity, filters.offered))
    starts = np.arange(people + 1) * len(popular)
    ones = np.ones(people * len(popular))
    everybody = sparse.csr_array((ones, np.tile(popular, people), starts), shape=(people, products))
    others = _present(evidence.habit) + _present(everybody)
    if filters.first is not None:
        others = others + _present(filters.first)
    together = sparse.csr_array(
        (weights.together * evidence.together.data + _PRESENT, evidence.together.indices, evidence.together.indptr),
        shape=(people, products),
    )
    scores = sparse.csr_array(together + others)
    popularity = evidence.popularity[scores.indices]
    liked = liking_lifts(
        evidence.likings, weights, np.repeat(np.arange(people), np.diff(scores.indptr)), scores.indices
    )
    scores.data = weights.new * popularity * lifts_of(scores.data) * liked
    at = np.searchsorted(_keys(scores), _keys(evidence.habit))
    scores.data[at] = weights.again * evidence.habit.data + popularity[at]
    bought = np.zeros(scores.nnz, np.bool_)
    bought[at] = True
    return scores, bought


def lifts_of(log_lift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many times as likely products are bought because of what goes with them."""
    return np.asarray(np.exp(np.clip(log_lift, -_MOST_LOG_LIFT, _MOST_LOG_LIFT)), np.float64)


def liking_lifts(
    likings: Likings | None,
    weights: OfferWeights,
    person: NDArray[np.int64],
    product: NDArray[np.int64] | NDArray[np.int32],
) -> NDArray[np.float64]:
    """Return how many times as likely products are bought because of how much of their category a person has."""
    lifts = np.ones(len(person))
    damping = weights.category_damping
    if likings is None or damping is None or not len(likings.share):
        return lifts
    category = likings.category[product]
    known = (category >= 0) & (likings.share[category] > 0)
    person, category = person[known], category[known]
    share, own = likings.share[category], np.zeros(len(person))
    at, found = find_entries(likings.own, person, category)
    own[found] = likings.own.data[at[found]]
    lifts[known] = (own + damping * share) / ((likings.total[person] + damping) * share)
    return lifts


def _present(matrix: sparse.csr_array) -> sparse.csr_array:
    """Make a matrix that adds candidates to a sum without changing it."""
    return sparse.csr_array((np.full(matrix.nnz, _PRESENT), matrix.indices, matrix.indptr), shape=matrix.shape)


def _keys(matrix: sparse.csr_array) -> NDArray[np.int64]:
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return np.asarray(row * matrix.shape[1] + matrix.indices, np.int64)


def _most_popular(popularity: NDArray[np.float64], offered: NDArray[np.bool_]) -> NDArray[np.int64]:
    numbers = np.flatnonzero(offered & (popularity > 0))
    return numbers[np.argsort(-popularity[numbers], kind="stable")[:POPULAR]]


def _allowed(
    filters: Filters, person: NDArray[np.int64], product: NDArray[np.int32], bought: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    allowed = filters.offered[product] & np.where(bought, filters.repeatable[product], filters.unbought)
    for products, people in filters.kept:
        allowed &= ~(products[product] & people[person])
    return np.asarray(allowed, np.bool_)


def _rules(filters: Filters, person: NDArray[np.int64], product: NDArray[np.int64]) -> NDArray[np.int64]:
    rule = np.full(len(person), NO_RULE)
    if filters.first is not None:
        at, found = find_entries(filters.first, person, product)
        rule[found] = filters.first.data[at[found]] - 1
    return rule


def _contenders(entries: Entries, most: int) -> NDArray[np.bool_]:
    """Mark at least each person's `most` best entries, without a sort.

    A person's entries are cut into `most` parts. Each part has a best one, and the worst of these is no better than
    the person's `most`-th best.
    """
    start = np.flatnonzero(np.diff(entries.person, prepend=-1))
    size = np.diff(np.r_[start, len(entries.person)])
    large = size > most
    if not large.any():
        return np.ones(len(entries.person), np.bool_)
    parts = np.where(large, most, 1)
    first = rank_within(np.repeat(np.arange(len(start)), parts))
    edge = np.repeat(start, parts) + first * np.repeat(size, parts) // np.repeat(parts, parts)
    bound = np.minimum.reduceat(np.maximum.reduceat(entries.score, edge), np.cumsum(parts) - parts)
    bound[~large] = -np.inf
    return np.asarray((entries.score >= np.repeat(bound, size)) | (entries.rule != NO_RULE), np.bool_)


def _best(entries: Entries, most: int, per_category: tuple[NDArray[np.int64], int] | None) -> Entries:
    """Order by person, rule and score downwards, and cut; equal ones stay in the order of products."""
    order = np.argsort(-entries.score, kind="stable")
    if (entries.rule != NO_RULE).any():
        order = order[np.argsort(entries.rule[order].astype(np.uint8), kind="stable")]
    entries = entries.at(order[np.argsort(entries.person[order].astype(np.uint16), kind="stable")])
    if per_category:
        category, of_one = per_category
        entries = entries.at(_first_of_category(entries.person, category[entries.product], of_one))
    return entries.at(rank_within(entries.person) < most)


def _first_of_category(person: NDArray[np.int64], category: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Mark those that are among the first of their category; what has no category is never too much."""
    key = person * (int(category.max(initial=0)) + 2) + category + 1
    order = np.argsort(key, kind="stable")
    kept = np.zeros(len(order), np.bool_)
    kept[order] = rank_within(key[order]) < most
    return kept | (category < 0)
