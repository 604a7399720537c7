"""Events as lines of a timeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.view.model import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import pyarrow as pa

EVENT_COLUMNS = (
    c.EVENT_KEY,
    c.SOURCE,
    c.EVENT_TYPE,
    c.OCCURRED_AT,
    c.UNIFIED_ID,
    c.VALUE,
    c.VALUE_GIVEN,
    c.CURRENCY,
    c.QUANTITY,
    c.PRODUCT_ID,
    c.CATEGORY,
    c.CAMPAIGN,
    c.CHANNEL,
    c.URL,
    c.LINES,
    c.PROPERTIES,
)
_IDENTIFYING = frozenset(
    (c.USER_ID, c.DEVICE_ID, c.COOKIE_ID, c.LOYALTY_ID, c.CUSTOMER_ID, c.EMAIL, c.PHONE, c.EMAIL_SHA256)
)
"""Properties that say who it was: the profile shows them."""
_BETWEEN = " · "


def build_timeline(
    events: pa.Table, *, names: Mapping[str, str] | None = None, until: datetime | None = None
) -> tuple[Event, ...]:
    """Put events in order, the newest first; of those at one time the smaller key first.

    Args:
        events: of `unified_events`: EVENT_COLUMNS.
        names: of the people, by unified_id, where the events are of several; None leaves them out.
        until: the last moment that counts; None is now.
    """
    rows = [row for row in events.to_pylist() if until is None or row[c.OCCURRED_AT] <= until]
    rows.sort(key=lambda row: row[c.EVENT_KEY])
    rows.sort(key=lambda row: row[c.OCCURRED_AT], reverse=True)
    return tuple(_event(row, names) for row in rows)


def _event(row: Mapping[str, Any], names: Mapping[str, str] | None) -> Event:
    who = None if names is None else names.get(row[c.UNIFIED_ID], row[c.UNIFIED_ID])
    details = _BETWEEN.join(_details(row))
    return Event(row[c.EVENT_KEY], row[c.OCCURRED_AT], row[c.EVENT_TYPE], row[c.SOURCE], details, who)


def _details(row: Mapping[str, Any]) -> Iterator[str]:
    """Say what an event was about: its worth, what was bought, where it came from, whatever else it bears."""
    if (worth := _worth(row)) is not None:
        yield worth
    if row[c.LINES]:
        yield ", ".join(_line(line) for line in row[c.LINES])
    elif row[c.PRODUCT_ID]:
        yield _times(row[c.QUANTITY]) + row[c.PRODUCT_ID]
    for name in (c.CATEGORY, c.URL, c.CAMPAIGN, c.CHANNEL):
        if row[name]:
            yield row[name] if name in (c.CATEGORY, c.URL) else f"{name} {row[name]}"
    yield from _properties(row)


def _worth(row: Mapping[str, Any]) -> str | None:
    if row[c.VALUE_GIVEN] is not None:
        return f"{row[c.VALUE_GIVEN]:,.2f} {row[c.CURRENCY] or ''}".rstrip()
    return None if row[c.VALUE] is None else f"{row[c.VALUE]:,.2f}"


def _line(line: Mapping[str, Any]) -> str:
    return _times(line[c.QUANTITY]) + (line[c.PRODUCT_ID] or line[c.CATEGORY] or "?")


def _times(quantity: float | None) -> str:
    return "" if quantity in (None, 1.0) else f"{quantity:g} × "


def _properties(row: Mapping[str, Any]) -> Iterator[str]:
    told = {row[name] for name in (c.EVENT_TYPE, c.PRODUCT_ID, c.CATEGORY, c.URL, c.CAMPAIGN, c.CHANNEL)}
    minute = f"{row[c.OCCURRED_AT]:%Y-%m-%d %H:%M}"
    for name, value in row[c.PROPERTIES]:  # Arrow gives a map as its pairs
        is_told = not value or value in told or value.replace("T", " ").startswith(minute)
        if name not in _IDENTIFYING and not is_told and not _is_structure(value):
            yield f"{name} {value}"


def _is_structure(text: str) -> bool:
    """Tell whether a text is a list or an object of JSON, which no person reads."""
    if text[:1] not in "[{":
        return False
    try:
        return isinstance(json.loads(text), list | dict)
    except ValueError:
        return False
