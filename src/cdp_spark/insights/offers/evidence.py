"""What purchases say about each product: who has the habit, what goes with what, what is popular.

- *Habits*: per person and product, how often, at what interval, and how long ago; each purchase counts half after each
  half-life.
- *Counts*: per product, its buyers, those who bought it on two days or more, and how recently; per two products, the
  people who bought both. A person counts once, with the products that they bought last, so a bot weighs no more than a
  person. All are integers: counts of disjoint sets of people add up to the counts of all of them, exactly.
- *Neighbours*: for each product the few whose buyers in common with it differ most from chance. Strength is the damped
  log-lift, log((both + damping) / (chance + damping)): what having the product tells of buying the other one, as naive
  Bayes counts it; below 0 the one takes the other's place. Without damping two buyers would make a pair the strongest.
- *Likings*: how many products of each category a person has, beside everybody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy import sparse

from cdp_spark import columns as c

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.insights.offers.purchases import Purchases

BASKET_PRODUCTS = 100
"""Products of a person that are paired, those bought last: 4,950 pairs at most, whatever a bot bought."""
NEIGHBOURS = 50
"""Neighbours that a product keeps."""
MIN_PEOPLE = 2
"""People who must have bought two products for these to be neighbours: one person's basket is that person's."""
DAMPING = 20
"""People by whom a lift is damped: as many more are taken to have bought both, as chance would have it."""
_COUNTED_AT_ONCE = 20_000_000
"""Pairs that are counted in one step: some 500 MB."""
_PARTS = 1_000_000


@dataclass(frozen=True)
class Habits:
    """One entry per person and product that they bought, sorted by both.

    Args:
        person: number.
        product: number.
        times: days on which they bought it.
        last_days: since they last did.
        span_days: from the first to the last time.
        start: of the entry's purchases.
    """

    person: NDArray[np.int64]
    product: NDArray[np.int64]
    times: NDArray[np.int64]
    last_days: NDArray[np.int64]
    span_days: NDArray[np.int64]
    start: NDArray[np.int64]

    @property
    def interval_days(self) -> NDArray[np.float64]:
        """Mean days from a purchase to the next; NaN where there was one only."""
        return np.where(self.times > 1, self.span_days / np.maximum(self.times - 1, 1), np.nan)


@dataclass(frozen=True)
class Counts:
    """What is known of each product over all people.

    Args:
        people: with any purchase.
        buyers: people per product.
        repeaters: those who bought it on two days or more.
        recent: buyers, each counting half after each half-life since they last bought it, in millionths.
        basket_buyers: those in whose capped basket it is.
    """

    people: int
    buyers: NDArray[np.int64]
    repeaters: NDArray[np.int64]
    recent: NDArray[np.int64]
    basket_buyers: NDArray[np.int64]

    def __add__(self, other: Counts) -> Counts:
        """Add the counts of other people."""
        return Counts(
            self.people + other.people,
            self.buyers + other.buyers,
            self.repeaters + other.repeaters,
            self.recent + other.recent,
            self.basket_buyers + other.basket_buyers,
        )

    @property
    def popularity(self) -> NDArray[np.float64]:
        """Share of people who bought each product, recent ones counting most."""
        return self.recent / (_PARTS * max(self.people, 1))


@dataclass(frozen=True)
class Neighbours:
    """Products that go with each product; one entry per product and neighbour, sorted by both.

    Args:
        product: number.
        neighbour: number of the other one.
        strength: damped log-lift; below 0 where they are bought together less often than by chance.
        lift: how often both were bought against what chance would give.
    """

    product: NDArray[np.int64]
    neighbour: NDArray[np.int64]
    strength: NDArray[np.float64]
    lift: NDArray[np.float64]

    def matrix(self, products: int) -> sparse.csr_array:
        """Return the strengths, product by neighbour."""
        shape = (products, products)
        return sparse.csr_array((self.strength, (self.product, self.neighbour)), shape=shape)


@dataclass(frozen=True)
class Likings:
    """How many products of each category people have, beside everybody's.

    Args:
        category: position of each product's; -1 for none.
        share: per category, its part of all that people have.
        own: person by category, products that they have.
        total: per person, products that they have of any category.
    """

    category: NDArray[np.int64]
    share: NDArray[np.float64]
    own: sparse.csr_array
    total: NDArray[np.int64]


def habits_of(purchases: Purchases) -> Habits:
    """Sum up each person's purchases of each product."""
    start = np.flatnonzero(np.diff(purchases.pair, prepend=-1))
    times = np.diff(np.r_[start, len(purchases.person)])
    last = purchases.age_days[start + times - 1]
    span = purchases.age_days[start] - last
    return Habits(purchases.person[start], purchases.product[start], times, last, span, start)


def habit_strength(purchases: Purchases, habits: Habits, *, half_life_days: float | None) -> NDArray[np.float64]:
    """Count each habit's purchases, those of long ago less."""
    if not len(habits.start):
        return np.zeros(0)
    return np.add.reduceat(_decay(purchases.age_days, half_life_days), habits.start)


def last_products(habits: Habits, *, most: int = BASKET_PRODUCTS) -> NDArray[np.bool_]:
    """Mark the products that each person bought last, the more often bought first among equals."""
    order = np.lexsort((habits.product, -habits.times, habits.last_days, habits.person))
    kept = np.zeros(len(order), np.bool_)
    kept[order[rank_within(habits.person[order]) < most]] = True
    return kept


def baskets_of(habits: Habits, *, people: int, products: int) -> sparse.csr_array:
    """Return who has which product, person by product, as ones."""
    kept = last_products(habits)
    ones = np.ones(int(kept.sum()), np.int32)
    return sparse.csr_array((ones, (habits.person[kept], habits.product[kept])), shape=(people, products))


def count_products(habits: Habits, *, products: int, half_life_days: float | None) -> Counts:
    """Count the buyers of each product."""
    decayed = np.rint(_decay(habits.last_days, half_life_days) * _PARTS).astype(np.int64)
    recent = np.zeros(products, np.int64)
    np.add.at(recent, habits.product, decayed)
    return Counts(
        people=len(np.unique(habits.person)),
        buyers=np.bincount(habits.product, minlength=products),
        repeaters=np.bincount(habits.product[habits.times > 1], minlength=products),
        recent=recent,
        basket_buyers=np.bincount(habits.product[last_products(habits)], minlength=products),
    )


def share_categories(buyers: NDArray[np.int64], category: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each category's part of all that people have; no entries where no product has a category."""
    known = category >= 0
    has = np.bincount(category[known], buyers[known])
    return np.asarray(has / max(has.sum(), 1), np.float64)


def likings_of(habits: Habits, category: NDArray[np.int64], share: NDArray[np.float64], *, people: int) -> Likings:
    """Count the products that each person has of each category."""
    theirs = category[habits.product]
    person, theirs = habits.person[theirs >= 0], theirs[theirs >= 0]
    own = sparse.csr_array((np.ones(len(person)), (person, theirs)), shape=(people, max(len(share), 1)))
    own.sum_duplicates()
    return Likings(category, share, own, np.bincount(person, minlength=people))


def count_pairs(baskets: sparse.csr_array, *, first: int = 0, until: int | None = None) -> pa.Table:
    """Count the people who bought two products, for the first product in a range of numbers.

    Args:
        baskets: person by product. A part of the people gives counts that add up with those of the others.
        first: first number of the range.
        until: first number after it; all without.
    Returns: product, neighbour, people; each two products in both orders.
    """
    part = baskets[:, first:until]
    both = sparse.coo_array(part.T @ baskets)
    rows, columns, people = both.row.astype(np.int64) + first, both.col.astype(np.int64), both.data.astype(np.int64)
    two = rows != columns
    return pa.table({c.PRODUCT: rows[two], c.NEIGHBOUR: columns[two], c.PEOPLE: people[two]})


def choose_neighbours(pairs: pa.Table, counts: Counts, *, most: int = NEIGHBOURS) -> Neighbours:
    """Choose the neighbours of each product out of all its pairs.

    Args:
        pairs: product, neighbour, people; all pairs of a product are here, each once.
        counts: of all people.
        most: neighbours of a product.
    Returns: those whose buyers in common differ most from chance, ties by number.
    """
    left, right, both = (pairs[name].to_numpy() for name in (c.PRODUCT, c.NEIGHBOUR, c.PEOPLE))
    buyers, people = counts.basket_buyers, max(counts.people, 1)
    chance = buyers[left] * buyers[right] / people
    kept = both >= MIN_PEOPLE
    left, right, both, chance = left[kept], right[kept], both[kept], chance[kept]
    strength = np.log((both + DAMPING) / (chance + DAMPING))
    order = np.lexsort((right, -np.abs(both - chance), left))
    order = order[rank_within(left[order]) < most]
    order = order[np.lexsort((right[order], left[order]))]
    return Neighbours(left[order], right[order], strength[order], both[order] / chance[order])


def find_neighbours(baskets: sparse.csr_array, counts: Counts) -> Neighbours:
    """Count and choose, for some products at a time, so that the pairs of all never stand in memory together."""
    sizes = np.diff(baskets.indptr)
    per_product = np.asarray(baskets.T @ sizes, dtype=np.int64)
    step = np.cumsum(per_product) // _COUNTED_AT_ONCE
    edges = np.r_[0, np.flatnonzero(np.diff(step)) + 1, len(step)] if len(step) else np.zeros(1, np.int64)
    parts = [
        choose_neighbours(count_pairs(baskets, first=first, until=until), counts)
        for first, until in pairwise(edges.tolist())
    ]
    return join_neighbours(parts)


def join_neighbours(parts: list[Neighbours]) -> Neighbours:
    """Put the neighbours of disjoint sets of products together, in order."""
    if not parts:
        empty = np.zeros(0, np.int64)
        return Neighbours(empty, empty, np.zeros(0), np.zeros(0))
    product = np.concatenate([part.product for part in parts])
    neighbour = np.concatenate([part.neighbour for part in parts])
    order = np.lexsort((neighbour, product))
    strength = np.concatenate([part.strength for part in parts])
    lift = np.concatenate([part.lift for part in parts])
    return Neighbours(product[order], neighbour[order], strength[order], lift[order])


def rank_within(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each entry's position within its run of equal groups, from 0."""
    start = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.arange(len(groups)) - np.repeat(start, np.diff(np.r_[start, len(groups)]))


def _decay(age_days: NDArray[np.int64], half_life_days: float | None) -> NDArray[np.float64]:
    if half_life_days is None:
        return np.ones(len(age_days))
    return np.asarray(np.exp2(-age_days / half_life_days), dtype=np.float64)
