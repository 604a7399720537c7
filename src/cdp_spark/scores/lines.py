"""Purchases of products out of events, and the counts over all people that offers rest on, as rows that add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.insights.offers import OfferWeights
from cdp_spark.insights.offers.catalogue import read_catalogue, repeatable_products
from cdp_spark.insights.offers.evidence import Counts, Neighbours, choose_neighbours
from cdp_spark.insights.offers.model import count_group
from cdp_spark.insights.offers.purchases import read_purchases
from cdp_spark.insights.offers.tuning import MIN_JUDGED, choose_weights, make_trial
from cdp_spark.normalise.batches import local_days

if TYPE_CHECKING:
    from datetime import date

    from cdp_spark.config.insights.offers import OffersConfig
    from cdp_spark.insights.offers.catalogue import Catalogue

LINES = pa.schema(
    [
        (c.UNIFIED_ID, pa.string()),
        (c.PRODUCT_ID, pa.string()),
        (c.CATEGORY, pa.string()),
        (c.OCCURRED_AT, pa.date32()),
        (c.QUANTITY, pa.float64()),
        (c.VALUE, pa.float64()),
    ]
)
"""One row a product that was bought, or sent back: then its quantity is below 0. The day is the project's."""
COUNTS = pa.schema([(c.PRODUCT, pa.int64()), (c.NEIGHBOUR, pa.int64()), (c.PEOPLE, pa.int64())])
"""People who bought two products; below 0, the neighbour says which of the counts of one product it is."""
NEIGHBOURS = pa.schema(
    [(c.PRODUCT, pa.int64()), (c.NEIGHBOUR, pa.int64()), ("strength", pa.float64()), ("lift", pa.float64())]
)
_OF_ALL, _BUYERS, _REPEATERS, _RECENT, _BASKETS = -1, -2, -3, -4, -5


def purchase_lines(rows: pa.Table, *, time_zone: str) -> pa.Table:
    """Take purchases apart into products.

    Args:
        rows: events of purchases and returns: `unified_id`, `occurred_at_utc`, `product_id`, `category`, `quantity`,
            `value`, `lines`; an event with lines is these, another one is its own product.
        time_zone: of days.
    Returns: LINES.
    """
    rows = rows.combine_chunks()
    several = pc.fill_null(pc.greater(pc.list_value_length(rows[c.LINES]), 0), fill_value=False)
    alone, orders = rows.filter(pc.invert(several)), rows.filter(several)
    lines = orders[c.LINES].combine_chunks() if orders.num_rows else orders[c.LINES].slice(0, 0).combine_chunks()
    parents, flat = pc.list_parent_indices(lines), pc.list_flatten(lines)
    of_orders = {name: pc.struct_field(flat, name) for name in _OF_LINES}
    bought = orders.select([c.UNIFIED_ID, c.OCCURRED_AT]).take(parents)
    parts = [alone.select([c.UNIFIED_ID, c.OCCURRED_AT, *_OF_LINES])]
    parts.append(pa.table({**{name: bought[name] for name in bought.column_names}, **of_orders}))
    return _signed(pa.concat_tables(parts, promote_options="permissive"), time_zone)


_OF_LINES = (c.PRODUCT_ID, c.CATEGORY, c.QUANTITY, c.VALUE)


def sold_products(sold: pa.Table) -> pa.Table:
    """Make a catalogue of what was sold, for a project without one: the category is that of the last sale.

    Args:
        sold: `product_id`, `category`, `occurred_at_utc` (of the last sale); one row a pair.
    """
    order = [(c.PRODUCT_ID, "ascending"), (c.OCCURRED_AT, "descending"), (c.CATEGORY, "ascending")]
    rows = sold.filter(sold[c.CATEGORY].is_valid()).sort_by(order)
    ids = rows[c.PRODUCT_ID].combine_chunks()
    first = np.r_[True, pc.not_equal(ids.slice(1), ids.slice(0, max(len(ids) - 1, 0))).to_numpy(zero_copy_only=False)]
    rows = rows.filter(pa.array(first[: len(ids)].astype(np.bool_)))
    others = pc.unique(sold[c.PRODUCT_ID].filter(pc.invert(pc.is_in(sold[c.PRODUCT_ID], value_set=ids))))
    names = pa.concat_arrays([rows[c.PRODUCT_ID].combine_chunks(), others.cast(pa.string())])
    categories = pa.concat_arrays([rows[c.CATEGORY].combine_chunks(), pa.nulls(len(others), pa.string())])
    return pa.table(
        {
            c.PRODUCT_ID: names,
            c.NAME: pa.nulls(len(names), pa.string()),
            c.CATEGORY: categories,
            c.IN_STOCK: pa.nulls(len(names), pa.bool_()),
        }
    )


def fit_weights(
    lines: pa.Table, products: pa.Table, settings: OffersConfig, *, as_of: date
) -> tuple[OfferWeights, int]:
    """Choose weights by what people bought lately.

    Args:
        lines: LINES of all people, or of enough of them.
        products: the catalogue.
        settings: of the project.
        as_of: the last day that counts.
    Returns: the weights, and by how many people they were judged; by too few, those that hold by default and 0.
    """
    catalogue = read_catalogue(products, lines[c.PRODUCT_ID].combine_chunks(), as_of=as_of)
    purchases = read_purchases(lines, as_of=as_of, products=catalogue.products)
    trial = make_trial(purchases, horizon_days=settings.horizon_days)
    judged = trial.later.shape[0] if trial is not None else 0
    if judged < MIN_JUDGED:
        return OfferWeights(), 0
    chosen = choose_weights(
        purchases,
        horizon_days=settings.horizon_days,
        repeatable=lambda counts: repeatable_products(catalogue, counts, settings),
        category=catalogue.category,
    )
    return chosen, judged


def count_people_of(lines: pa.Table, *, catalogue: Catalogue, weights: OfferWeights, as_of: date) -> pa.Table:
    """Count the products and pairs of products of some people.

    Args:
        lines: LINES of whole people.
        catalogue: of all products.
        weights: its half-life of popularity counts.
        as_of: the last day that counts.
    Returns: COUNTS, to be summed by product and neighbour.
    """
    counts, pairs = count_group(lines, catalogue, weights, as_of=as_of)
    kinds = {
        _BUYERS: counts.buyers,
        _REPEATERS: counts.repeaters,
        _RECENT: counts.recent,
        _BASKETS: counts.basket_buyers,
    }
    parts = [pairs.cast(COUNTS), _counted(np.zeros(1, np.int64), _OF_ALL, np.array([counts.people]))]
    parts += [_counted(np.flatnonzero(figures), kind, figures[figures != 0]) for kind, figures in kinds.items()]
    return pa.concat_tables(parts)


def read_counts(rows: pa.Table, *, products: int) -> Counts:
    """Read the summed counts of single products.

    Args:
        rows: COUNTS over all people, of which the neighbour is below 0.
        products: how many there are.
    """
    product, kind, people = (rows[name].to_numpy() for name in COUNTS.names)

    def figures(wanted: int) -> np.ndarray:
        found = np.zeros(products, np.int64)
        found[product[kind == wanted]] = people[kind == wanted]
        return found

    total = int(people[kind == _OF_ALL].sum())
    return Counts(total, figures(_BUYERS), figures(_REPEATERS), figures(_RECENT), figures(_BASKETS))


def neighbours_of(pairs: pa.Table, *, counts: Counts) -> pa.Table:
    """Choose the neighbours of some products, as rows.

    Args:
        pairs: COUNTS of all pairs of these products.
        counts: of all people.
    Returns: NEIGHBOURS.
    """
    found = choose_neighbours(pairs, counts)
    columns = [pa.array(it) for it in (found.product, found.neighbour, found.strength, found.lift)]
    return pa.Table.from_arrays(columns, schema=NEIGHBOURS)


def read_neighbours(rows: pa.Table) -> Neighbours:
    """Read NEIGHBOURS of all products, in any order."""
    rows = rows.sort_by([(c.PRODUCT, "ascending"), (c.NEIGHBOUR, "ascending")])
    return Neighbours(*(rows[name].to_numpy() for name in NEIGHBOURS.names))


def _signed(rows: pa.Table, time_zone: str) -> pa.Table:
    """A value below 0 is a return, whatever sign its quantity has."""
    rows = rows.filter(rows[c.PRODUCT_ID].is_valid())
    value, quantity = rows[c.VALUE].cast(pa.float64()), pc.fill_null(rows[c.QUANTITY].cast(pa.float64()), 1.0)
    back = pc.fill_null(pc.less(value, 0), fill_value=False)
    columns = {
        **{name: rows[name] for name in (c.UNIFIED_ID, c.PRODUCT_ID, c.CATEGORY)},
        c.OCCURRED_AT: local_days(rows[c.OCCURRED_AT], time_zone),
        c.QUANTITY: pc.if_else(back, pc.negate(pc.abs(quantity)), quantity),
        c.VALUE: value,
    }
    return pa.table(columns).select(LINES.names).cast(LINES)


def _counted(product: np.ndarray, kind: int, people: np.ndarray) -> pa.Table:
    columns = [product.astype(np.int64), np.full(len(product), kind, np.int64), people.astype(np.int64)]
    return pa.Table.from_arrays([pa.array(it) for it in columns], schema=COUNTS)
