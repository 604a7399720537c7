"""Why a person is offered a product, in words: facts of their own purchases, and of products over all people.

| basis | what is said |
|---|---|
| again | how often they bought it, at what interval, and how long ago |
| together | the product of theirs that leads to it most, and how much more often both are bought than by chance |
| category | how many of their products are of its category |
| popular | its place among all products on sale |
| rule | the rule's reason, or its conditions |

No other person's purchases can be told from a reason: places and ratios are of all people, and of two at least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.insights.offers.evidence import last_products, rank_within
from cdp_spark.insights.offers.ranking import NO_RULE, find_entries, lifts_of, liking_lifts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.insights.offers import OfferWeights
    from cdp_spark.insights.offers.evidence import Habits, Neighbours
    from cdp_spark.insights.offers.ranking import Evidence, Ranked

REASON_LIFT = 1.5
"""From so many times the popularity on, what a person bought is the reason for an offer."""
AGAIN, TOGETHER, CATEGORY, POPULAR, RULE = range(5)
BASES = ("again", "together", "category", "popular", "rule")


def bases_of(ranked: Ranked, evidence: Evidence, weights: OfferWeights) -> NDArray[np.int64]:
    """Tell what each offer rests on: a rule, a habit, what goes with it, its category, or popularity.

    What goes with it and the category are a reason from `REASON_LIFT` on, the one that tells more.
    """
    at, found = find_entries(evidence.together, ranked.person, ranked.product)
    together = np.zeros(len(ranked.person))
    together[found] = evidence.together.data[at[found]]
    goes, liked = (
        lifts_of(weights.together * together),
        liking_lifts(evidence.likings, weights, ranked.person, ranked.product),
    )
    told = np.maximum(goes, liked) >= REASON_LIFT
    bought = find_entries(evidence.habit, ranked.person, ranked.product)[1]
    kinds = [ranked.rule != NO_RULE, bought, told & (goes >= liked), told]
    return np.select(kinds, [RULE, AGAIN, TOGETHER, CATEGORY], POPULAR)


def leading_products(
    person: NDArray[np.int64], product: NDArray[np.int64], habits: Habits, neighbours: Neighbours, *, products: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find which product of each person leads most to one that they are offered.

    Args:
        person: per offer.
        product: offered.
        habits: of all these people.
        neighbours: of all products.
        products: how many there are.
    Returns: per offer, the entry among the habits and that among the neighbours; the lower number among equals.
    """
    basket = np.flatnonzero(last_products(habits))
    first = np.searchsorted(habits.person[basket], person)
    size = np.searchsorted(habits.person[basket], person, side="right") - first
    offer = np.repeat(np.arange(len(person)), size)
    habit = basket[np.repeat(first, size) + rank_within(offer)]
    wanted = habits.product[habit] * products + product[offer]
    keys = neighbours.product * products + neighbours.neighbour
    entry = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    leads = keys[entry] == wanted if len(keys) else np.zeros(len(wanted), np.bool_)
    offer, habit, entry = offer[leads], habit[leads], entry[leads]
    order = np.lexsort((habits.product[habit], -neighbours.strength[entry], offer))
    best = order[np.flatnonzero(np.diff(offer[order], prepend=-1))]
    return habit[best], entry[best]


def again_reason(times: int, interval_days: float, last_days: int) -> str:
    """Word the reason to buy something again."""
    if times == 1:
        return f"Bought once, {_ago(last_days)}."
    return f"Bought {times} times, about every {_days(max(round(interval_days), 1))}; last {_ago(last_days)}."


def together_reason(name: str, lift: float, last_days: int) -> str:
    """Word the reason to buy what goes with something."""
    return f"Goes with {name}, bought {_ago(last_days)}: {lift:.1f} times as often together as by chance."


def category_reason(category: str, own: int, total: int) -> str:
    """Word the reason to buy more of a category."""
    return f"Often buys {category}: {own} of {total} products."


def popular_reason(place: int) -> str:
    """Word the reason to buy what many buy."""
    return "The most popular product now." if place == 1 else f"Popular now: number {place} of all products."


def _ago(days: int) -> str:
    return "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"


def _days(days: int) -> str:
    return "day" if days == 1 else f"{days} days"
