"""Next best products: what each person may buy next, with the reason.

`fit_offers` learns from all purchases: popularity, neighbours, which products are bought again, and, where the
settings say `auto`, the weights. `make_offers` offers products to some people or all, from their own purchases and the
model. It gives a person the same offers whoever is beside them, so a small shop is served in one call on the driver
and a large one by a call for each group of people. A large shop's model is put together by `model_of_counts` from
counts that are made for each group of people (`count_group`) and summed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.insights.offers import OfferWeights
from cdp_spark.insights.offers import reasons
from cdp_spark.insights.offers.catalogue import Catalogue, read_catalogue, repeatable_products
from cdp_spark.insights.offers.evidence import (
    BASKET_PRODUCTS,
    NEIGHBOURS,
    Counts,
    Habits,
    Neighbours,
    baskets_of,
    count_pairs,
    count_products,
    find_neighbours,
    habit_strength,
    habits_of,
    likings_of,
    share_categories,
)
from cdp_spark.insights.offers.purchases import Purchases, read_purchases
from cdp_spark.insights.offers.ranking import MOST_PEOPLE, POPULAR, Filters, evidence_of, find_entries, rank_products
from cdp_spark.insights.offers.rules import Facts, describe, people_first, people_kept_from
from cdp_spark.insights.offers.tuning import choose_weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from numpy.typing import NDArray
    from scipy import sparse

    from cdp_spark.config.insights.offers import OffersConfig
    from cdp_spark.insights.offers.ranking import Evidence, Ranked

OFFERS = pa.schema(
    [
        (c.UNIFIED_ID, pa.string()),
        (c.RANK, pa.int32()),
        (c.PRODUCT_ID, pa.string()),
        (c.PRODUCT_NAME, pa.string()),
        (c.CATEGORY, pa.string()),
        (c.SCORE, pa.float64()),
        (c.BASIS, pa.string()),
        (c.RULE, pa.string()),
        (c.BECAUSE_PRODUCT_ID, pa.string()),
        (c.REASON, pa.string()),
    ]
)
"""One row per person and rank."""
_RANKED_AT_ONCE = 5_000_000
"""Candidates that are ranked in one step: some 500 MB."""


@dataclass(frozen=True)
class OfferModel:
    """What is known of all products.

    Args:
        as_of: the last day that counts.
        settings: of the project.
        weights: of the settings, or those chosen.
        catalogue: the products.
        popularity: per product.
        category_share: per category, its part of all that people have.
        repeatable: products that are offered again.
        neighbours: products that go together.
    """

    as_of: date
    settings: OffersConfig
    weights: OfferWeights
    catalogue: Catalogue
    popularity: NDArray[np.float64]
    category_share: NDArray[np.float64]
    repeatable: NDArray[np.bool_]
    neighbours: Neighbours

    @property
    def offered(self) -> NDArray[np.bool_]:
        """Mark the products that anybody may be offered."""
        return self.catalogue.on_sale & ~self.catalogue.chosen(self.settings.exclude)


def fit_offers(rows: pa.Table, products: pa.Table | None, settings: OffersConfig, *, as_of: date) -> OfferModel:
    """Learn from all purchases.

    Args:
        rows: purchase lines, see `read_purchases`.
        products: the catalogue, see `read_catalogue`; None where there is none.
        settings: of the project.
        as_of: the last day that counts.
    """
    catalogue = read_catalogue(products, rows[c.PRODUCT_ID].combine_chunks(), as_of=as_of)
    purchases = read_purchases(rows, as_of=as_of, products=catalogue.products)
    weights = settings.weights
    if not isinstance(weights, OfferWeights):
        weights = choose_weights(
            purchases,
            horizon_days=settings.horizon_days,
            repeatable=lambda counts: repeatable_products(catalogue, counts, settings),
            category=catalogue.category,
        )
    habits = habits_of(purchases)
    counts = _count(habits, catalogue, weights)
    baskets = baskets_of(habits, people=len(purchases.people), products=len(catalogue.names))
    return model_of_counts(
        counts, find_neighbours(baskets, counts), catalogue, replace_weights(settings, weights), as_of=as_of
    )


def count_group(rows: pa.Table, catalogue: Catalogue, weights: OfferWeights, *, as_of: date) -> tuple[Counts, pa.Table]:
    """Count the products and the pairs of products of some people.

    Args:
        rows: all purchase lines of these people.
        catalogue: of all products.
        weights: its half-life of popularity counts.
        as_of: the last day that counts.
    Returns: counts to be summed with those of other people, and pairs (product, neighbour, people) to be summed by
        product and neighbour; `choose_neighbours` then takes all pairs of any products.
    """
    purchases = read_purchases(rows, as_of=as_of, products=catalogue.products)
    habits = habits_of(purchases)
    baskets = baskets_of(habits, people=len(purchases.people), products=len(catalogue.names))
    return _count(habits, catalogue, weights), count_pairs(baskets)


def model_of_counts(
    counts: Counts, neighbours: Neighbours, catalogue: Catalogue, settings: OffersConfig, *, as_of: date
) -> OfferModel:
    """Put a model together from the counts over all people; the settings have chosen weights."""
    weights = settings.weights if isinstance(settings.weights, OfferWeights) else OfferWeights()
    repeatable = repeatable_products(catalogue, counts, settings)
    share = share_categories(counts.buyers, catalogue.category)
    return OfferModel(as_of, settings, weights, catalogue, counts.popularity, share, repeatable, neighbours)


def replace_weights(settings: OffersConfig, weights: OfferWeights) -> OffersConfig:
    """Return the settings with weights in the place of `auto`."""
    return settings.model_copy(update={"weights": weights})


def make_offers(
    model: OfferModel, rows: pa.Table, *, people: pa.Array | None = None, signals: pa.Table | None = None
) -> pa.Table:
    """Offer products to people.

    Args:
        model: of all products.
        rows: all purchase lines of these people.
        people: ids of those who get offers, those without a purchase included; without it those with a purchase.
        signals: their other events, for rules; see `Facts`.
    Returns: rows of `OFFERS`, by person and rank.
    """
    if people is not None:
        people = pc.unique(people.cast(pa.string()).drop_null())
        people = people.take(pc.array_sort_indices(people))
    purchases = read_purchases(rows, as_of=model.as_of, products=model.catalogue.products, people=people)
    matrix = model.neighbours.matrix(len(model.catalogue.names))
    tables = [_offers(model, matrix, part, signals) for part in _parts(purchases)]
    return pa.concat_tables(tables) if tables else OFFERS.empty_table()


def _count(habits: Habits, catalogue: Catalogue, weights: OfferWeights) -> Counts:
    return count_products(habits, products=len(catalogue.names), half_life_days=weights.popular_half_life_days)


def _parts(purchases: Purchases) -> Iterator[Purchases]:
    """Cut by people, into parts whose candidates fit into memory."""
    entries = np.bincount(purchases.person, minlength=len(purchases.people))
    cost = np.cumsum(entries + np.minimum(entries, BASKET_PRODUCTS) * NEIGHBOURS + POPULAR)
    first = 0
    while first < len(cost):
        spent = cost[first - 1] if first else 0
        until = int(np.searchsorted(cost, spent + _RANKED_AT_ONCE, side="right"))
        until = min(max(until, first + 1), first + MOST_PEOPLE)
        begin, end = np.searchsorted(purchases.person, [first, until])
        yield replace(
            purchases,
            people=purchases.people[first:until],
            person=purchases.person[begin:end] - first,
            product=purchases.product[begin:end],
            age_days=purchases.age_days[begin:end],
            spend=purchases.spend[first:until],
        )
        first = until


def _offers(model: OfferModel, matrix: sparse.csr_array, purchases: Purchases, signals: pa.Table | None) -> pa.Table:
    habits, settings = habits_of(purchases), model.settings
    strength = habit_strength(purchases, habits, half_life_days=model.weights.again_half_life_days)
    people = len(purchases.people)
    likings = likings_of(habits, model.catalogue.category, model.category_share, people=people)
    evidence = evidence_of(habits, strength, matrix, model.popularity, people=people, likings=likings)
    facts = Facts(purchases, signals, model.as_of)
    filters = Filters(
        model.offered,
        model.repeatable,
        first=people_first(settings.rules, facts, model.catalogue, np.where(model.offered, model.popularity, -1)),
        kept=people_kept_from(settings.rules, facts, model.catalogue),
    )
    per_category = (model.catalogue.category, settings.max_per_category) if settings.max_per_category else None
    ranked = rank_products(evidence, model.weights, filters, most=settings.offers_per_person, per_category=per_category)
    return _table(model, purchases, ranked, _explained(model, habits, ranked, evidence))


@dataclass(frozen=True)
class _Explained:
    basis: NDArray[np.int64]
    reason: NDArray[np.object_]
    because: NDArray[np.int64]


def _explained(model: OfferModel, habits: Habits, ranked: Ranked, evidence: Evidence) -> _Explained:
    """Word the reasons; each kind on its own."""
    basis = reasons.bases_of(ranked, evidence, model.weights)
    reason, because = np.empty(len(basis), np.object_), np.full(len(basis), -1, np.int64)
    products = len(model.catalogue.names)
    again, popular = basis == reasons.AGAIN, basis == reasons.POPULAR
    at = np.searchsorted(
        habits.person * products + habits.product, ranked.person[again] * products + ranked.product[again]
    )
    facts = (habits.times[at].tolist(), habits.interval_days[at].tolist(), habits.last_days[at].tolist())
    reason[again] = [reasons.again_reason(*them) for them in zip(*facts, strict=True)]
    because[again] = ranked.product[again]
    together = np.flatnonzero(basis == reasons.TOGETHER)
    habit, entry = reasons.leading_products(
        ranked.person[together], ranked.product[together], habits, model.neighbours, products=products
    )
    because[together] = habits.product[habit]
    names = [model.catalogue.names[number] for number in because[together]]
    lifts, last = model.neighbours.lift[entry].tolist(), habits.last_days[habit].tolist()
    reason[together] = [reasons.together_reason(*them) for them in zip(names, lifts, last, strict=True)]
    liked = basis == reasons.CATEGORY
    reason[liked] = _category_reasons(model, evidence, ranked.person[liked], ranked.product[liked])
    places = _places(model)
    reason[popular] = [reasons.popular_reason(place) for place in places[ranked.product[popular]].tolist()]
    for number, rule in enumerate(model.settings.rules):
        reason[ranked.rule == number] = rule.reason or f"{describe(rule.when, model.catalogue)}."
    return _Explained(basis, reason, because)


def _category_reasons(
    model: OfferModel, evidence: Evidence, person: NDArray[np.int64], product: NDArray[np.int64]
) -> list[str]:
    if evidence.likings is None:
        return []
    category = model.catalogue.category[product]
    at, _ = find_entries(evidence.likings.own, person, category)
    own, total = evidence.likings.own.data[at].astype(np.int64), evidence.likings.total[person]
    names = [model.catalogue.categories[number] for number in category]
    return [reasons.category_reason(*them) for them in zip(names, own.tolist(), total.tolist(), strict=True)]


def _places(model: OfferModel) -> NDArray[np.int64]:
    """Return each product's place by popularity among those on offer, from 1."""
    places = np.zeros(len(model.popularity), np.int64)
    order = np.argsort(np.where(model.offered, -model.popularity, np.inf), kind="stable")
    places[order] = 1 + np.arange(len(order))
    return places


def _table(model: OfferModel, purchases: Purchases, ranked: Ranked, explained: _Explained) -> pa.Table:
    catalogue = model.catalogue
    number = pa.array(ranked.product)
    category = np.where(catalogue.category < 0, len(catalogue.categories), catalogue.category)[ranked.product]
    rule = np.minimum(ranked.rule, len(model.settings.rules))
    columns = [
        purchases.people.take(pa.array(ranked.person)),
        pa.array(ranked.rank, pa.int32()),
        catalogue.products.take(number),
        pa.array(catalogue.names, pa.string()).take(number),
        pa.array([*catalogue.categories, None], pa.string()).take(pa.array(category)),
        pa.array(ranked.score),
        pa.array(reasons.BASES, pa.string()).take(pa.array(explained.basis)),
        pa.array([*(rule.name for rule in model.settings.rules), None], pa.string()).take(pa.array(rule)),
        catalogue.products.take(pa.array(explained.because, mask=explained.because < 0)),
        pa.array(explained.reason, pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=OFFERS)
