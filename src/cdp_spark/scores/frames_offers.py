"""Offers of all people: on the driver where they are few, else in groups of people, with counts that add up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.insights.offers.catalogue import read_catalogue
from cdp_spark.insights.offers.model import OFFERS, OfferModel, make_offers, model_of_counts, replace_weights
from cdp_spark.insights.offers.rules import SIGNAL_COLUMNS
from cdp_spark.scores.frames import read_events
from cdp_spark.scores.lifetime import day_of
from cdp_spark.scores.lines import (
    COUNTS,
    LINES,
    NEIGHBOURS,
    count_people_of,
    neighbours_of,
    purchase_lines,
    read_counts,
    read_neighbours,
    sold_products,
)
from cdp_spark.tables.catalog import PRODUCTS, UNIFIED_EVENTS
from cdp_spark.tables.checkpoint import checkpoint, checkpoint_and_count
from cdp_spark.tables.increments.serving import count_rows_at_most
from cdp_spark.tables.rows import as_table, map_groups, map_rows

if TYPE_CHECKING:
    from datetime import date

    from cdp_spark.config.insights.offers import OffersConfig, OfferWeights
    from cdp_spark.scores.models import Clock
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.store import Store

_BOUGHT = (c.UNIFIED_ID, c.OCCURRED_AT, c.PRODUCT_ID, c.CATEGORY, c.QUANTITY, c.VALUE, c.LINES)


@dataclass(frozen=True)
class Shop:
    """What offers are made from.

    Args:
        lines: LINES of all people.
        products: the catalogue; where the project has none, what was sold.
        signals: other events that rules ask for; None without such rules.
        as_of: the last day that counts.
        row_count: of the lines, about.
    """

    lines: Rows
    products: pa.Table
    signals: Rows | None
    as_of: date
    row_count: int


def read_shop(store: Store, settings: OffersConfig, clock: Clock) -> Shop:
    """Read purchases, the catalogue and the events that rules ask for.

    Args:
        store: the warehouse.
        settings: of the project.
        clock: later events are left out.
    """
    rows = count_rows_at_most(store, UNIFIED_EVENTS)
    few = rows <= limits.EVENTS_ON_DRIVER
    bought = read_events(store, _BOUGHT, until=clock.as_of, event_types=settings.event_types, few=few)
    lines = map_rows(bought, partial(purchase_lines, time_zone=clock.time_zone), LINES)
    if isinstance(lines, DataFrame):
        lines = checkpoint(lines)
    asked = sorted({it.event_type for rule in settings.rules for it in rule.when.signals})
    signals = read_events(store, SIGNAL_COLUMNS, until=clock.as_of, event_types=asked, few=few) if asked else None
    products = store.fetch(PRODUCTS) if store.exists(PRODUCTS) else PRODUCTS.table([])
    return Shop(
        lines,
        products if products.num_rows else sold_products(_sold(lines)),
        signals,
        day_of(clock.us, clock.time_zone),
        rows,
    )


def sample_lines(shop: Shop) -> pa.Table:
    """Lines of as many people as the driver takes (an action)."""
    if not isinstance(shop.lines, DataFrame):
        return shop.lines
    one_in = shop.lines.count() // limits.EVENTS_ON_DRIVER + 1
    return as_table(shop.lines.where(F.pmod(F.xxhash64(c.UNIFIED_ID), F.lit(one_in)) == 0))


def build_offers(shop: Shop, settings: OffersConfig, weights: OfferWeights) -> Rows:
    """Offer products to everybody who bought one, or who gave a rule's signal.

    Args:
        shop: what offers are made from.
        settings: of the project.
        weights: as chosen.
    Returns: rows of the table `offers`.
    """
    model = _learn(shop, replace_weights(settings, weights), weights)
    parts = [shop.lines] if shop.signals is None else [shop.lines, shop.signals]
    return map_groups(parts, c.UNIFIED_ID, partial(_make, model), OFFERS, row_count=shop.row_count)


def _make(model: OfferModel, lines: pa.Table, signals: pa.Table | None = None) -> pa.Table:
    """Make the offers of some people; those with a signal only get what is popular, or a rule's."""
    if signals is None:
        return make_offers(model, lines)
    ids = [*lines[c.UNIFIED_ID].chunks, *signals[c.UNIFIED_ID].chunks]
    return make_offers(model, lines, people=pa.chunked_array(ids, pa.string()).combine_chunks(), signals=signals)


def _learn(shop: Shop, settings: OffersConfig, weights: OfferWeights) -> OfferModel:
    """Count all people's purchases; on the driver at once, else in groups, of which the counts are summed."""
    sold = _sold(shop.lines)[c.PRODUCT_ID].combine_chunks()
    catalogue = read_catalogue(shop.products, sold, as_of=shop.as_of)
    count = partial(count_people_of, catalogue=catalogue, weights=weights, as_of=shop.as_of)
    rows = map_groups([shop.lines], c.UNIFIED_ID, count, COUNTS, row_count=shop.row_count)
    keys, size = [c.PRODUCT, c.NEIGHBOUR], len(catalogue.names)
    if not isinstance(rows, DataFrame):
        counts = read_counts(rows.filter(pc.less(rows[c.NEIGHBOUR], 0)), products=size)
        chosen = neighbours_of(rows.filter(pc.greater_equal(rows[c.NEIGHBOUR], 0)), counts=counts)
    else:
        summed = checkpoint_and_count(rows.groupBy(*keys).agg(F.sum(c.PEOPLE).alias(c.PEOPLE)))
        counts = read_counts(as_table(summed.rows.where(F.col(c.NEIGHBOUR) < 0)), products=size)
        pairs = summed.rows.where(F.col(c.NEIGHBOUR) >= 0)
        choose = partial(neighbours_of, counts=counts)
        chosen = as_table(map_groups([pairs], c.PRODUCT, choose, NEIGHBOURS, row_count=summed.count))
    return model_of_counts(counts, read_neighbours(chosen), catalogue, settings, as_of=shop.as_of)


def _sold(lines: Rows) -> pa.Table:
    """Products with their categories and the day of the last sale (an action)."""
    keys = [c.PRODUCT_ID, c.CATEGORY]
    if isinstance(lines, DataFrame):
        return as_table(lines.groupBy(*keys).agg(F.max(c.OCCURRED_AT).alias(c.OCCURRED_AT)))
    last = lines.group_by(keys).aggregate([(c.OCCURRED_AT, "max")])
    return last.rename_columns([*keys, c.OCCURRED_AT])
