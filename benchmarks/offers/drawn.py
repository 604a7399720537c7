"""Purchases that are drawn from known chances, so that the best possible ranking is known.

1. Products have a kind and a popularity (Zipf's).
2. A person likes three kinds; products of these are nine times as likely. Some people buy much, some little.
3. A purchase repeats one of the person's (a third), or is drawn by popularity and liking.

The chances of a person are those of step 2: what one would rank new products by who knew everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

PEOPLE, PRODUCTS, KINDS, LIKED = 3_000, 600, 30, 3
_LIKING, _DAYS, _AGAIN, _MEAN_LINES, _LAST_DAY = 9.0, 365, 0.33, 25, 20_000
_SEED = 11


def drawn_chances() -> NDArray[np.float64]:
    """Return how likely each person's next new product is each product; the same in every call."""
    random = np.random.default_rng(_SEED)
    popularity, kind = 1.0 / np.arange(1, PRODUCTS + 1) ** 0.8, _kinds()
    liked = np.argsort(random.random((PEOPLE, KINDS)), axis=1)[:, :LIKED]
    likes = np.ones((PEOPLE, KINDS))
    likes[np.arange(PEOPLE)[:, None], liked] = _LIKING
    chance = popularity * likes[:, kind]
    return np.asarray(chance / chance.sum(axis=1, keepdims=True), np.float64)


def drawn_products() -> pa.Table:
    """Return the catalogue: a category is a kind."""
    ids = [f"p{number:05d}" for number in range(PRODUCTS)]
    in_stock = pa.nulls(PRODUCTS, pa.bool_())
    return pa.table({"product_id": ids, "name": ids, "category": [f"k{it}" for it in _kinds()], "in_stock": in_stock})


def drawn_purchases() -> pa.Table:
    """Draw a year of purchases."""
    random = np.random.default_rng(_SEED + 1)
    chance = np.cumsum(drawn_chances(), axis=1)
    rows = [(person, *line) for person in range(PEOPLE) for line in _lines_of(chance[person], random)]
    person, product, day = (np.array(column) for column in zip(*rows, strict=True))
    ones = pa.array(np.ones(len(rows)))
    return pa.table(
        {
            "unified_id": pa.array([f"u{number:05d}" for number in person.tolist()]),
            "product_id": pa.array([f"p{number:05d}" for number in product.tolist()]),
            "occurred_at_utc": pa.array(day, pa.int32()).cast(pa.date32()),
            "quantity": ones,
            "value": ones,
        }
    )


def _kinds() -> NDArray[np.int64]:
    return np.asarray(np.random.default_rng(_SEED + 2).permutation(PRODUCTS) % KINDS, np.int64)


def _lines_of(chance: NDArray[np.float64], random: np.random.Generator) -> list[tuple[int, int]]:
    count = 2 + random.poisson(random.gamma(1.5, _MEAN_LINES / 1.5))
    days = np.sort(random.integers(_LAST_DAY - _DAYS, _LAST_DAY + 1, count)).tolist()
    drawn = np.minimum(np.searchsorted(chance, random.random(count)), PRODUCTS - 1).tolist()
    again = (random.random(count) < _AGAIN).tolist()
    bought: list[int] = []
    for product, repeats in zip(drawn, again, strict=True):
        bought.append(bought[random.integers(len(bought))] if repeats and bought else product)
    return list(zip(bought, days, strict=True))
