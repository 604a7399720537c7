from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from tests.unit.scores.world import event, rows_of

from cdp_spark.config.insights.offers import OffersConfig, OfferWeights
from cdp_spark.insights.offers.catalogue import read_catalogue
from cdp_spark.insights.offers.model import fit_offers
from cdp_spark.scores.lines import (
    count_people_of,
    neighbours_of,
    purchase_lines,
    read_counts,
    read_neighbours,
    sold_products,
)
from cdp_spark.tables.catalog import UNIFIED_EVENTS


def lines_of(*rows: dict[str, Any]) -> pa.Table:
    return purchase_lines(rows_of(UNIFIED_EVENTS, rows), time_zone="Europe/Berlin")


def test_an_order_is_its_lines_another_purchase_its_own_product_and_a_negative_value_a_return() -> None:
    late = {"occurred_at_utc": datetime(2026, 1, 31, 23, 30, tzinfo=UTC)}
    two = [
        {"product_id": "tent", "category": "camp", "quantity": 1.0, "value": Decimal(90)},
        {"product_id": "mug", "category": None, "quantity": None, "value": None},
    ]
    found = lines_of(
        {**event("1", "ann", "purchase", 0, lines=two, product_id="set", value=100), **late},
        event("2", "bob", "purchase", 2, product_id="lamp", category="light", quantity=2.0, value=-40),
        event("3", "cat", "purchase", 3, lines=[]),
    )
    assert found.sort_by("product_id").to_pylist() == [
        line("bob", "lamp", "light", date(2026, 1, 30), -2.0, -40.0),
        line("ann", "mug", None, date(2026, 2, 1), 1.0, None),
        line("ann", "tent", "camp", date(2026, 2, 1), 1.0, 90.0),
    ]


def line(
    who: str, product: str, category: str | None, day: date, quantity: float, value: float | None
) -> dict[str, Any]:
    named = {"unified_id": who, "product_id": product, "category": category, "occurred_at_utc": day}
    return {**named, "quantity": quantity, "value": value}


def test_without_a_catalogue_a_product_is_what_it_was_sold_as_last() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 5), date(2026, 1, 9)]
    sold = pa.table(
        {"product_id": ["tent", "tent", "mug"], "category": ["old", "camp", None], "occurred_at_utc": days},
        schema=pa.schema([("product_id", pa.string()), ("category", pa.string()), ("occurred_at_utc", pa.date32())]),
    )
    found = [(row["product_id"], row["category"]) for row in sold_products(sold).to_pylist()]
    assert found == [("tent", "camp"), ("mug", None)]


def test_counts_of_groups_of_people_sum_to_the_model_of_all() -> None:
    bought = [(f"p{number:02}", f"x{(number * step) % 5}", step) for number in range(30) for step in (1, 2, 3)]
    events = [event(f"{who}{step}", who, "purchase", step, product_id=product) for who, product, step in bought]
    rows, as_of, weights = lines_of(*events), date(2026, 2, 1), OfferWeights()
    whole = fit_offers(rows, None, OffersConfig(weights=weights), as_of=as_of)
    catalogue = read_catalogue(None, rows["product_id"].combine_chunks(), as_of=as_of)
    groups = [rows.slice(start, 15) for start in range(0, 90, 15)]
    parts = [count_people_of(it, catalogue=catalogue, weights=weights, as_of=as_of) for it in groups]
    summed = pa.concat_tables(parts).group_by(["product", "neighbour"]).aggregate([("people", "sum")])
    summed = summed.rename_columns(["product", "neighbour", "people"])
    counts = read_counts(summed.filter(pa.compute.less(summed["neighbour"], 0)), products=5)
    pairs = summed.filter(pa.compute.greater_equal(summed["neighbour"], 0))
    neighbours = read_neighbours(neighbours_of(pairs, counts=counts))
    assert counts.popularity.tolist() == whole.popularity.tolist()
    assert neighbours.strength.tolist() == whole.neighbours.strength.tolist()
    assert len(neighbours.strength) > 0
