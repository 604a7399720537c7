"""Purchases as arrays: what each person bought, on which day, net of what they sent back.

1. Rows without a person, a product or a time, and rows after the day that is asked for, are left out.
2. Lines of one person, product and day are one purchase; a quantity that is missing is 1.
3. A negative quantity is a return: it takes back the latest purchases of that product before it, or what is left of
   them.
4. People and products are numbered in the order of their ids, and purchases sorted by person, product and day, so that
   nothing later depends on the order of the rows. Quantities and amounts are added as integers, which add up exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import ContractError

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

COLUMNS = (c.UNIFIED_ID, c.PRODUCT_ID, c.OCCURRED_AT, c.QUANTITY, c.VALUE)
YEAR_DAYS = 365
_THOUSANDTHS, _CENTS = 1000, 100


@dataclass(frozen=True)
class Purchases:
    """One entry per person, product and day, sorted by them.

    Args:
        people: ids, ascending.
        products: ids, ascending.
        person: position in `people`.
        product: position in `products`.
        age_days: days from the purchase to the day that is asked for; 0 or more.
        spend: per person, net over the last 365 days.
    """

    people: pa.Array
    products: pa.Array
    person: NDArray[np.int64]
    product: NDArray[np.int64]
    age_days: NDArray[np.int64]
    spend: NDArray[np.float64]

    @property
    def pair(self) -> NDArray[np.int64]:
        """Number of each entry's person and product together."""
        return self.person * max(len(self.products), 1) + self.product

    def before(self, days: int) -> Purchases:
        """Return the purchases that were known `days` ago, with ages as of then; `spend` stays that of today."""
        old = self.age_days >= days
        age = self.age_days[old] - days
        return Purchases(self.people, self.products, self.person[old], self.product[old], age, self.spend)


def read_purchases(
    rows: pa.Table, *, as_of: date, products: pa.Array | None = None, people: pa.Array | None = None
) -> Purchases:
    """Read purchase lines.

    Args:
        rows: unified_id, product_id, occurred_at_utc (a date or timestamp), quantity, value; one row a line.
        as_of: the last day that counts.
        products: ids, ascending, to number purchases by; purchases of other products are left out.
        people: ids, ascending, to number people by; purchases of other people are left out.
    Returns: the net purchases.
    Raises: ContractError: a column is missing.
    """
    if missing := [name for name in COLUMNS if name not in rows.column_names]:
        raise ContractError("purchases", got=f"no column {', '.join(missing)}", allowed=", ".join(COLUMNS))
    day = _days(rows[c.OCCURRED_AT])
    last = int(np.datetime64(as_of, "D").astype(np.int64))
    known = pc.and_(rows[c.UNIFIED_ID].is_valid(), rows[c.PRODUCT_ID].is_valid())
    known = pc.fill_null(pc.and_(known, pc.less_equal(day, last)), fill_value=False)
    people, person = _numbered(rows[c.UNIFIED_ID].filter(known), people)
    products, product = _numbered(rows[c.PRODUCT_ID].filter(known), products)
    lines = {
        "person": person,
        "product": product,
        "age": last - day.filter(known).to_numpy().astype(np.int64),
        "quantity": _integers(rows[c.QUANTITY].filter(known), _THOUSANDTHS, missing=1),
        "value": _integers(rows[c.VALUE].filter(known), _CENTS, missing=0),
    }
    lines = {name: values[person >= 0] for name, values in lines.items()}
    spend = _spend(lines, len(people))
    numbered = lines["product"] >= 0
    person, product, age = _net({name: values[numbered] for name, values in lines.items()}, max(len(products), 1))
    return Purchases(people, products, person, product, age, spend)


def _days(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.date32(), safe=False).cast(pa.int32())


def _numbered(column: pa.ChunkedArray, ids: pa.Array | None = None) -> tuple[pa.Array, NDArray[np.int64]]:
    encoded = column.cast(pa.string()).dictionary_encode().combine_chunks()
    found = encoded.dictionary
    if ids is None:
        ids = found.take(pc.array_sort_indices(found))
    number = pc.fill_null(pc.index_in(found, value_set=ids), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return ids, number[encoded.indices.to_numpy(zero_copy_only=False)]


def _integers(column: pa.ChunkedArray, parts: int, *, missing: int) -> NDArray[np.int64]:
    values = pc.fill_null(column.cast(pa.float64()), float(missing)).to_numpy()
    whole: NDArray[np.int64] = np.rint(
        np.nan_to_num(values, nan=missing, posinf=missing, neginf=missing) * parts
    ).astype(np.int64)
    return whole


def _spend(lines: dict[str, NDArray[np.int64]], people: int) -> NDArray[np.float64]:
    """Add up a year's values; a return counts against them, whichever sign its value has."""
    year = lines["age"] < YEAR_DAYS
    value = np.where(lines["quantity"] < 0, -np.abs(lines["value"]), lines["value"])[year]
    cents = np.zeros(people, np.int64)
    np.add.at(cents, lines["person"][year], value)
    return cents / _CENTS


def _net(
    lines: dict[str, NDArray[np.int64]], products: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    pair = lines["person"] * products + lines["product"]
    order = np.lexsort((-lines["age"], pair))
    pair, age = pair[order], lines["age"][order]
    first = np.flatnonzero(np.r_[True, (np.diff(pair) != 0) | (np.diff(age) != 0)][: len(pair)])
    quantity = np.add.reduceat(lines["quantity"][order], first) if len(first) else np.zeros(0, np.int64)
    pair, age = pair[first], age[first]
    left = _take_back(pair, quantity)
    pair, age = pair[left > 0], age[left > 0]
    return pair // products, pair % products, age


def _take_back(pair: NDArray[np.int64], quantity: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take returns off the latest purchases before them; pairs without a return are left as they are."""
    left = quantity.copy()
    bought: list[int] = []
    for position in np.flatnonzero(np.isin(pair, np.unique(pair[quantity < 0]))).tolist():
        if bought and pair[bought[-1]] != pair[position]:
            bought = []
        if quantity[position] > 0:
            bought.append(position)
        back = -min(int(quantity[position]), 0)
        while back and bought:
            taken = min(back, int(left[bought[-1]]))
            left[bought[-1]] -= taken
            back -= taken
            if not left[bought[-1]]:
                bought.pop()
    return left
