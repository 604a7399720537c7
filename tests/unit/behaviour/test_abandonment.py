"""What was left behind: looks and carts since the last purchase, by product and category."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.unit.behaviour.conftest import at, event, line, table_of

from cdp_spark.behaviour.abandonment import ABANDONED_ROWS, Kind, find_abandoned

NOW = at(days=20)
KINDS = (
    Kind("browse", ("view",), ("buy",), 2, NOW - timedelta(days=14)),
    Kind("cart", ("add",), ("buy", "remove"), 1, NOW - timedelta(days=20)),
)


def found(*events: dict[str, Any], by: str = "product_id") -> list[tuple[Any, ...]]:
    rows = find_abandoned(table_of(list(events)), KINDS, by=by, until=NOW)
    assert rows.schema == ABANDONED_ROWS
    return [tuple(row.values()) for row in rows.to_pylist()]


def test_looks_count_since_the_last_purchase_and_within_the_days() -> None:
    looks = [event(f"v{day}", "ann", "view", at(days=day), product_id="P1") for day in (5, 6, 10, 20)]
    assert found(*looks) == [("ann", "browse", "P1", None, 3, at(days=20), None)]
    assert found(*looks, event("b", "ann", "buy", at(days=6), product_id="P1")) == [
        ("ann", "browse", "P1", None, 2, at(days=20), None)
    ]
    assert found(*looks, event("b", "ann", "buy", at(days=12), lines=[line("P0"), line("P1")])) == []
    assert found(*looks, event("b", "bob", "buy", at(days=12), product_id="P1")) == found(*looks)


def test_later_events_than_the_run_and_events_about_nothing_do_not_count() -> None:
    looks = [event("v1", "ann", "view", at(days=19), product_id="P1"), event("v2", "ann", "view", at(days=19))]
    assert found(*looks, event("v3", "ann", "view", at(days=21), product_id="P1")) == []
    assert found() == []


def test_what_was_taken_out_of_the_cart_is_not_left_in_it() -> None:
    added = event("a", "ann", "add", at(days=1), product_id="P1", category="toys", value="5")
    again = event("c", "ann", "add", at(days=3), product_id="P1")
    removed = event("b", "ann", "remove", at(days=2), product_id="P1")
    assert found(added, removed) == []
    assert found(added, again, removed) == [("ann", "cart", "P1", None, 1, at(days=3), None)]
    assert found(added, again) == [("ann", "cart", "P1", "toys", 2, at(days=3), Decimal("5.0000"))]


def test_a_purchase_of_another_product_settles_the_category() -> None:
    looks = [event(f"v{it}", "ann", "view", at(days=8 + it), product_id=f"P{it}", category="toys") for it in range(3)]
    assert found(*looks) == []
    assert found(*looks, by="category") == [("ann", "browse", None, "toys", 3, at(days=10), None)]
    bought = event("b", "ann", "buy", at(days=10, minutes=1), product_id="P9", category="toys")
    assert found(*looks, bought, by="category") == []


def test_an_event_about_a_product_twice_counts_once() -> None:
    both = event("a", "ann", "add", at(days=1), product_id="P1", lines=[line("P1"), line("P2", "toys")])
    assert found(both) == [
        ("ann", "cart", "P1", None, 1, at(days=1), Decimal("5.0000")),
        ("ann", "cart", "P2", "toys", 1, at(days=1), Decimal("5.0000")),
    ]
