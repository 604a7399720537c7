from __future__ import annotations

import numpy as np
import pytest
from tests.unit.insights.offers.shop import AS_OF, lines

from cdp_spark.insights.offers.evidence import (
    BASKET_PRODUCTS,
    Neighbours,
    baskets_of,
    choose_neighbours,
    count_pairs,
    count_products,
    find_neighbours,
    habit_strength,
    habits_of,
)
from cdp_spark.insights.offers.purchases import Purchases, read_purchases

TENTS_WITH_STOVES = [f"{person} {product} 5" for person in ("a", "b", "c") for product in ("stove", "tent")]
OTHERS = [f"{person} milk 5" for person in ("d", "e", "f", "g", "h", "i", "j")]


def read(*texts: str) -> Purchases:
    return read_purchases(lines(*texts), as_of=AS_OF)


def neighbours(purchases: Purchases) -> Neighbours:
    habits = habits_of(purchases)
    counts = count_products(habits, products=len(purchases.products), half_life_days=None)
    baskets = baskets_of(habits, people=len(purchases.people), products=len(purchases.products))
    return find_neighbours(baskets, counts)


def test_a_habit_has_times_interval_and_the_days_since() -> None:
    purchases = read("al milk 30", "al milk 16", "al milk 2", "al tea 9")
    habits = habits_of(purchases)
    assert (habits.times.tolist(), habits.last_days.tolist()) == ([3, 1], [2, 9])
    assert habits.interval_days[0] == 14
    assert np.isnan(habits.interval_days[1])


def test_a_purchase_counts_half_as_a_habit_after_each_half_life() -> None:
    purchases = read("al milk 30", "al milk 10", "al tea 0")
    habits = habits_of(purchases)
    assert habit_strength(purchases, habits, half_life_days=10).tolist() == [0.625, 1]
    assert habit_strength(purchases, habits, half_life_days=None).tolist() == [2, 1]


def test_popularity_is_the_share_of_people_and_the_recent_ones_count_most() -> None:
    purchases = read("al milk 0", "al milk 9", "bo milk 10", "bo tea 20", "cy tea 20", "cy tea 40")
    counts = count_products(habits_of(purchases), products=2, half_life_days=10)
    assert counts.popularity.tolist() == [1.5 / 3, 0.5 / 3]
    assert (counts.people, counts.buyers.tolist(), counts.repeaters.tolist()) == (3, [2, 2], [1, 1])


def test_neighbours_are_bought_by_the_same_people_more_often_than_by_chance() -> None:
    found = neighbours(read(*TENTS_WITH_STOVES, *OTHERS, "a milk 5"))
    assert (found.product.tolist(), found.neighbour.tolist()) == ([1, 2], [2, 1])
    assert found.strength == pytest.approx([np.log(23 / 20.9)] * 2)
    assert found.lift == pytest.approx([3 / 0.9] * 2)


def test_products_that_are_bought_instead_of_each_other_are_neighbours_below_0() -> None:
    tea_or_coffee = [f"{person}{number} {person} 5" for person in ("tea", "coffee") for number in range(10)]
    found = neighbours(read(*tea_or_coffee, "x tea 5", "x coffee 5", "y tea 5", "y coffee 5"))
    assert (found.product.tolist(), found.neighbour.tolist()) == ([0, 1], [1, 0])
    assert found.strength == pytest.approx([np.log(22 / (144 / 22 + 20))] * 2)
    assert (found.strength < 0).all()


def test_what_one_person_alone_has_is_no_neighbour_of_anything() -> None:
    assert not len(neighbours(read("a tent 5", "a stove 5", *OTHERS)).product)


def test_a_bots_basket_is_capped_to_what_it_bought_last_and_pairs_no_more_than_that() -> None:
    bot = [f"bot p{number:04d} {number // 10}" for number in range(500)] * 3
    purchases = read(*bot, "al p0000 1", "al p0001 1")
    baskets = baskets_of(habits_of(purchases), people=2, products=500)
    assert np.diff(baskets.indptr).tolist() == [2, BASKET_PRODUCTS]
    assert baskets.indices[2:].tolist() == list(range(BASKET_PRODUCTS))
    assert count_pairs(baskets).num_rows == BASKET_PRODUCTS * (BASKET_PRODUCTS - 1)


def test_a_product_keeps_the_neighbours_that_differ_most_from_chance_and_the_lower_number_among_equals() -> None:
    people = [f"{person} {product} 5" for person in "abc" for product in ("p0", "p1", "p2", "p3")]
    purchases = read(*people, "d p1 5", "d p2 5", *OTHERS)
    habits = habits_of(purchases)
    counts = count_products(habits, products=5, half_life_days=None)
    pairs = count_pairs(baskets_of(habits, people=len(purchases.people), products=5))
    assert len(purchases.products) == 5
    found = choose_neighbours(pairs, counts, most=1)
    names = [
        (purchases.products[a].as_py(), purchases.products[b].as_py())
        for a, b in zip(found.product.tolist(), found.neighbour.tolist(), strict=True)
    ]
    assert names == [("p0", "p3"), ("p1", "p2"), ("p2", "p1"), ("p3", "p0")]
