"""What events are worth: rates, returns, cancelled orders, lines."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from cdp_spark.events.worth import LINES, Rates, build_rates, find_changed_spans, find_worth

SCHEMA = pa.schema(
    {
        "event_type": pa.string(),
        "is_cancelled": pa.bool_(),
        "value_given": pa.decimal128(18, 4),
        "currency": pa.string(),
        "quantity": pa.float64(),
        "lines": LINES,
        "occurred_at_utc": pa.timestamp("us", "UTC"),
    }
)
DAY = date(2026, 10, 2)
RATES = build_rates(
    [("USD", DAY, 0.9), ("USD", date(2026, 10, 5), 0.95), ("GBP", DAY, 1.2), ("JPY", DAY, 0.0061)],
    own="EUR",
    time_zone="Europe/Berlin",
)
NOON = datetime(2026, 10, 3, 12, tzinfo=UTC)


def _worth(*events: dict[str, Any], rates: Rates = RATES) -> list[dict[str, Any]]:
    given = {"event_type": "purchase", "currency": "EUR", "occurred_at_utc": NOON}
    rows = [{**given, **event, "value_given": _decimal(event.get("value_given"))} for event in events]
    found: list[dict[str, Any]] = find_worth(pa.Table.from_pylist(rows, SCHEMA), rates).to_pylist()
    return found


def _decimal(number: str | None) -> Decimal | None:
    return None if number is None else Decimal(number)


def _line(product: str, quantity: float, value: str | None) -> dict[str, Any]:
    return {"product_id": product, "category": None, "quantity": quantity, "value": _decimal(value)}


@pytest.mark.parametrize(
    ("currency", "at", "value"),
    [
        ("EUR", NOON, "100"),
        ("USD", NOON, "90"),
        ("USD", datetime(2026, 10, 1, 22, 0, tzinfo=UTC), "90"),  # midnight of the 2nd in Berlin
        ("USD", datetime(2026, 10, 1, 21, 59, 59, tzinfo=UTC), None),
        ("USD", datetime(2026, 10, 4, 21, 59, 59, tzinfo=UTC), "90"),
        ("USD", datetime(2026, 10, 4, 22, 0, tzinfo=UTC), "95"),
        ("USD", datetime(2030, 1, 1, tzinfo=UTC), "95"),
        ("JPY", NOON, "0.61"),
        ("CHF", NOON, None),
        (None, NOON, None),
    ],
)
def test_a_value_is_converted_by_the_newest_rate_not_after_its_day(
    currency: str | None, at: datetime, value: str | None
) -> None:
    [found] = _worth({"value_given": "100", "currency": currency, "occurred_at_utc": at})
    assert (found["value_given"], found["value"]) == (Decimal(100), _decimal(value))


def test_a_return_is_negative_and_a_purchase_of_a_negative_value_or_quantity_is_one() -> None:
    events: list[dict[str, Any]] = [
        {"event_type": "return", "value_given": "10", "quantity": 2.0},
        {"event_type": "return", "value_given": "-10", "quantity": -2.0},
        {"value_given": "-10", "currency": "GBP"},
        {"value_given": "10", "quantity": -1.0},
        {"quantity": -1.0},
        {"event_type": "return"},
        {"value_given": "0", "quantity": 1.0},
        {"event_type": "invoice", "value_given": "-10"},
    ]
    assert [(row["event_type"], row["value"], row["quantity"]) for row in _worth(*events)] == [
        ("return", -10, -2.0),
        ("return", -10, -2.0),
        ("return", -12, None),
        ("return", -10, -1.0),
        ("return", None, -1.0),
        ("return", None, None),
        ("purchase", 0, 1.0),
        ("invoice", -10, None),
    ]


def test_a_cancelled_order_is_no_purchase_and_its_cancellation_is_worth_nothing() -> None:
    events: list[dict[str, Any]] = [
        {"value_given": "10", "is_cancelled": True},
        {"event_type": "cancellation", "value_given": "10", "is_cancelled": True},
        {"event_type": "return", "value_given": "10", "is_cancelled": True},
        {"value_given": "10", "is_cancelled": False},
    ]
    assert [(row["event_type"], row["value"]) for row in _worth(*events)] == [
        ("cancelled_order", 10),
        ("cancellation", None),
        ("return", -10),
        ("purchase", 10),
    ]


def test_lines_are_converted_and_make_the_value_of_an_order_without_one() -> None:
    lines = [_line("A", 2.0, "20"), _line("B", 1.0, "0.5")]
    events: list[dict[str, Any]] = [
        {"currency": "USD", "lines": lines},
        {"lines": []},
        {"currency": "USD", "event_type": "return", "lines": lines},
        {"lines": [_line("A", 1.0, None), _line("B", 1.0, "1")]},
        {"value_given": "-3", "lines": [_line("A", 1.0, "2"), _line("B", -1.0, "-5")]},
        {"value_given": "5"},
    ]
    found = [(row["value_given"], row["value"], row["lines"]) for row in _worth(*events)]
    assert found == [
        (Decimal("20.5"), Decimal("18.45"), [_line("A", 2.0, "18"), _line("B", 1.0, "0.45")]),
        (None, None, []),
        (Decimal("20.5"), Decimal("-18.45"), [_line("A", -2.0, "-18"), _line("B", -1.0, "-0.45")]),
        (None, None, [_line("A", 1.0, None), _line("B", 1.0, "1")]),
        (-3, -3, [_line("A", 1.0, "2"), _line("B", -1.0, "-5")]),
        (5, 5, None),
    ]


def test_a_value_that_has_no_room_in_the_projects_currency_is_null() -> None:
    rates = build_rates([("BTC", DAY, 90_000.0)], own="EUR", time_zone="UTC")
    found = _worth({"value_given": "99999999999999", "currency": "BTC"}, {}, rates=rates)
    assert [row["value"] for row in found] == [None, None]


def test_no_events_are_worth_nothing() -> None:
    assert find_worth(SCHEMA.empty_table(), RATES).to_pylist() == []


def test_changed_rates_concern_the_time_until_the_next_rate() -> None:
    def spans(*rows: tuple[str, int, float]) -> Rates:
        return build_rates([(name, date(1970, 1, day), rate) for name, day, rate in rows], own="EUR", time_zone="UTC")

    before = spans(("USD", 1, 0.9), ("USD", 3, 0.8), ("GBP", 1, 1.2))
    after = spans(("USD", 1, 0.9), ("USD", 2, 0.85), ("USD", 3, 0.8), ("CHF", 2, 1.1))
    day = 86_400_000_000
    assert find_changed_spans(before, after).to_pylist() == [
        {"rate_currency": "CHF", "rate_from": day, "rate_until": None},
        {"rate_currency": "GBP", "rate_from": 0, "rate_until": None},
        {"rate_currency": "USD", "rate_from": day, "rate_until": 2 * day},
    ]
    assert find_changed_spans(after, after).num_rows == 0
