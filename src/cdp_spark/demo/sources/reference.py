"""What is sold, and what other currencies are worth: rows about nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.files.delivery import REFERENCE, Batch, Source, night_file
from cdp_spark.demo.files.lines import Format
from cdp_spark.demo.words import Columns, flat, read_words, stream

if TYPE_CHECKING:
    from cdp_spark.demo.world import World

_WEEKS = 158
"""More than three years: the first order is not before the first rate."""
_FIRST_RATES = {"GBP": 1.14, "USD": 0.93}
_WEEKLY_CHANGE = 0.008
_MAX_STOCK = 200
_SOLD_OUT = 0.06


def _deliver_products(world: World, _nights: int) -> list[Batch]:
    rng, words = stream(world.seed, "products"), read_words("products")
    size = words.num_rows
    stock = np.where(rng.random(size) < _SOLD_OUT, 0, rng.integers(1, _MAX_STOCK, size))
    columns = {
        "product_id": flat(words["product_id"]),
        "name": flat(words["name"]),
        "category": flat(words["category"]),
        "price_eur": flat(words["price_eur"]),
        "stock": pa.array(stock, pa.int64()),
        "since": pa.array(["2023-01-01"] * size, pa.string()),
    }
    return [_batch(1, columns)]


def _deliver_rates(world: World, nights: int) -> list[Batch]:
    """Give rates of each Monday for three years back, then of each night."""
    rng = stream(world.seed, "rates")
    today = REFERENCE.astype("datetime64[D]")
    weeks = today - 5 - 7 * np.arange(_WEEKS)[::-1]
    days = np.r_[weeks, today + np.arange(7)]
    walks = {
        currency: first * np.exp(np.cumsum(rng.normal(0, _WEEKLY_CHANGE, len(days))))
        for currency, first in _FIRST_RATES.items()
    }
    tables = [
        {
            "currency": pa.array([currency] * len(days), pa.string()),
            "day": pc.strftime(pa.array(days), "%Y-%m-%d"),
            "rate": pa.array(np.round(rates, 4), pa.float64()),
        }
        for currency, rates in walks.items()
    ]
    rows = {name: pa.concat_arrays([table[name] for table in tables]) for name in tables[0]}
    night = np.tile(np.r_[np.ones(len(weeks), np.int64), 1 + np.arange(7)], len(tables))
    chosen = [(it, pa.array(np.flatnonzero(night == it))) for it in range(1, nights + 1)]
    return [_batch(it, {name: values.take(places) for name, values in rows.items()}) for it, places in chosen]


def _batch(night: int, columns: Columns) -> Batch:
    return Batch(night_file(night), columns, np.full(len(next(iter(columns.values()))), -1))


REFERENCE_SOURCES = (
    Source("products", Format("csv", ".csv"), "product_id", "since", _deliver_products),
    Source("rates", Format("csv", ".csv"), "currency", "day", _deliver_rates),
)
