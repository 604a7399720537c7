"""The products that can be offered: their present names and categories, and whether they are in stock.

A product may have several rows, each valid from a day: the latest one by the day that is asked for counts. So a product
that was renamed keeps its purchases and shows its new name. A product that is in no row any more is not offered, but
what people bought of it still tells what goes with it.
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
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from cdp_spark.config.insights.offers import OffersConfig, ProductChoice
    from cdp_spark.insights.offers.evidence import Counts

REPEATABLE_SHARE = 0.02
"""Share of a category's buyers of a product who bought it again, from which the category counts as repeatable."""
_PRIOR_BUYERS, _PRIOR_SHARE = 20, 0.1
_COLUMNS = (c.PRODUCT_ID, c.NAME, c.CATEGORY, c.IN_STOCK)


@dataclass(frozen=True)
class Catalogue:
    """One entry per product, sold or on sale, sorted by id.

    Args:
        products: ids.
        names: what the product is called; its id where it has no name.
        category: position in `categories`; -1 for none.
        categories: names, ascending.
        on_sale: is in the catalogue and in stock.
    """

    products: pa.Array
    names: tuple[str, ...]
    category: NDArray[np.int64]
    categories: tuple[str, ...]
    on_sale: NDArray[np.bool_]

    def chosen(self, choice: ProductChoice | None) -> NDArray[np.bool_]:
        """Mark the products that a choice names by id or category; none without a choice."""
        if choice is None:
            return np.zeros(len(self.names), np.bool_)
        by_id = pc.is_in(self.products, value_set=pa.array(choice.products, pa.string()))
        return np.asarray(by_id.to_numpy(zero_copy_only=False), np.bool_) | self.in_categories(choice.categories)

    def in_categories(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Mark the products of categories."""
        wanted = [number for number, name in enumerate(self.categories) if name in set(names)]
        return np.isin(self.category, wanted)


def read_catalogue(rows: pa.Table | None, sold: pa.Array, *, as_of: date) -> Catalogue:
    """Read the catalogue as of a day.

    Args:
        rows: product_id, name, category, in_stock (null is in stock), and valid_from_utc where products have versions;
            None where there is no catalogue: then all that was sold is on sale.
        sold: ids of products that were ever bought.
        as_of: later versions do not count.
    Returns: all products, on sale or only sold.
    Raises: ContractError: a column is missing.
    """
    sold = pc.unique(sold.cast(pa.string()).drop_null())
    if rows is None:
        ids = sold.take(pc.array_sort_indices(sold))
        none = np.full(len(ids), -1, np.int64)
        return Catalogue(ids, tuple(ids.to_pylist()), none, (), np.ones(len(ids), np.bool_))
    current = _current(rows, as_of)
    ids = pc.unique(pa.concat_arrays([sold, current[c.PRODUCT_ID].combine_chunks()]))
    ids = ids.take(pc.array_sort_indices(ids))
    row = pc.index_in(ids, value_set=current[c.PRODUCT_ID].combine_chunks())
    here = current.take(row)
    categories = sorted(set(here[c.CATEGORY].to_pylist()) - {None})
    numbers = pc.fill_null(pc.index_in(here[c.CATEGORY], value_set=pa.array(categories, pa.string())), -1)
    in_stock = pc.fill_null(here[c.IN_STOCK].cast(pa.bool_()), fill_value=True)
    on_sale = pc.and_(row.is_valid(), in_stock.combine_chunks())
    return Catalogue(
        ids,
        tuple(pc.coalesce(here[c.NAME].combine_chunks(), ids).to_pylist()),
        numbers.to_numpy().astype(np.int64),
        tuple(categories),
        on_sale.to_numpy(zero_copy_only=False),
    )


def repeatable_products(catalogue: Catalogue, counts: Counts, settings: OffersConfig) -> NDArray[np.bool_]:
    """Mark the products that are offered again to those who bought them.

    Args:
        catalogue: the products.
        counts: their buyers, and who of them bought again.
        settings: which are repeatable, or `auto`. Then it is the categories of which enough people bought the same
            product again, where a category with few buyers is taken to be like all products; a product without a
            category is judged by itself.
    """
    if isinstance(settings.repeatable, tuple):
        return catalogue.in_categories(settings.repeatable)
    if settings.repeatable != "auto":
        return np.full(len(catalogue.names), settings.repeatable == "all")
    own = len(catalogue.categories) + np.arange(len(catalogue.names))
    group = np.where(catalogue.category < 0, own, catalogue.category)
    buyers, repeaters = np.bincount(group, counts.buyers), np.bincount(group, counts.repeaters)
    share = min(counts.repeaters.sum() / max(counts.buyers.sum(), 1), _PRIOR_SHARE)
    judged = (repeaters + _PRIOR_BUYERS * share) / (buyers + _PRIOR_BUYERS)
    return np.asarray(judged[group] >= REPEATABLE_SHARE, np.bool_)


def _current(rows: pa.Table, as_of: date) -> pa.Table:
    if missing := [name for name in _COLUMNS if name not in rows.column_names]:
        raise ContractError("products", got=f"no column {', '.join(missing)}", allowed=", ".join(_COLUMNS))
    rows = rows.filter(rows[c.PRODUCT_ID].is_valid())
    if c.VALID_FROM not in rows.column_names:
        rows = rows.append_column(c.VALID_FROM, pa.nulls(rows.num_rows, pa.date32()))
    rows = rows.select([*_COLUMNS, c.VALID_FROM])
    day = pc.fill_null(rows[c.VALID_FROM].cast(pa.date32(), safe=False).cast(pa.int32()), -(2**31))
    rows = rows.set_column(4, "day", day).filter(pc.less_equal(day, int(np.datetime64(as_of, "D").astype(np.int64))))
    for position, name in enumerate(_COLUMNS[:3]):
        rows = rows.set_column(position, name, rows[name].cast(pa.string()))
    rows = rows.sort_by([(c.PRODUCT_ID, "ascending"), ("day", "descending"), (c.NAME, "ascending")])
    ids = rows[c.PRODUCT_ID].combine_chunks()
    first = np.ones(len(ids), np.bool_)
    if len(ids) > 1:
        first[1:] = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    return rows.filter(pa.array(first))
