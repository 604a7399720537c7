"""Rows of events that name only what a test is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from cdp_spark.tables.catalog import UNIFIED_EVENTS

DAY_1 = datetime(2026, 1, 1, 12, tzinfo=UTC)
_NAMES = UNIFIED_EVENTS.schema.names


def at(*, days: float = 0, minutes: float = 0) -> datetime:
    """A time after noon of the first day."""
    return DAY_1 + timedelta(days=days, minutes=minutes)


def event(key: str, who: str | None, kind: str, when: datetime, **values: Any) -> dict[str, Any]:
    """An event of the web shop, unless it says otherwise."""
    given = {"event_key": key, "unified_id": who, "event_type": kind, "occurred_at_utc": when}
    if (value := values.get("value")) is not None:
        values["value"] = Decimal(value)
    return {**dict.fromkeys(_NAMES), "source": "web", "properties": {}, **given, **values}


def line(product_id: str, category: str | None = None) -> dict[str, Any]:
    """A line of an order."""
    return {"product_id": product_id, "category": category, "quantity": 1.0, "value": Decimal("5.0000")}


def table_of(events: list[dict[str, Any]]) -> pa.Table:
    """Rows of `unified_events`."""
    return UNIFIED_EVENTS.table([tuple(row[name] for name in _NAMES) for row in events])
