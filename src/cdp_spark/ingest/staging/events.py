"""Events as delivered: what happened and when, who it shows, what it is worth and of what.

1. Key, type and time decide whether a row is an event; anything else that cannot be read is null, with a reason.
2. Amounts, currencies and times are read once for each distinct text; lines once for each order.
3. An order is known by a hash of its source and id, by which cancellations and order lines name it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.ingest.reading.json_text import LENIENT, json_text
from cdp_spark.ingest.staging.paths import value_in
from cdp_spark.ingest.staging.texts import hash_keys, row_maps
from cdp_spark.ingest.staging.values import (
    AMOUNT,
    TIME,
    Amounts,
    Meaning,
    amounts,
    column_values,
    currencies,
    epoch_issue,
    issue_lists,
    mapped,
    plausible,
    quantities,
    record_ids,
    time_issue,
    times,
    where,
)
from cdp_spark.normalise.amounts import MALFORMED, MAX_AMOUNT, TOO_LARGE, Amount, read_amount, read_worth
from cdp_spark.normalise.batches import map_distinct, map_fields, map_row_fields
from cdp_spark.normalise.event_types import CANCELLATION, read_event_type

if TYPE_CHECKING:
    from decimal import Decimal

    from cdp_spark.config.events import EventFields, NestedLines
    from cdp_spark.ingest.staging.rows import Staging
    from cdp_spark.normalise.amounts import DecimalSign

LINES = pa.list_(
    pa.struct({c.PRODUCT_ID: pa.string(), c.CATEGORY: pa.string(), c.QUANTITY: pa.float64(), c.VALUE: AMOUNT})
)
"""What an order is made of; values are of whole lines."""
_TEXTS = (c.PRODUCT_ID, c.CATEGORY, c.CAMPAIGN, c.CHANNEL, c.URL)

Columns = dict[str, pa.Array]


def read_events(rows: pa.Table, events: EventFields, hashes: pa.Array, staging: Staging) -> Meaning:
    """Read rows as events.

    Args:
        rows: as delivered.
        events: what the columns mean.
        hashes: of the rows' content.
        staging: of the source.
    """
    identity = record_ids(rows, events.event_id) if events.event_id else hashes
    key, at = hash_keys({c.SOURCE: staging.source.name, "event_id": identity}), times(rows, events.occurred_at, staging)
    event_type = map_distinct(mapped(rows, events.event_type), partial(read_event_type, words=events.event_types))
    reason = pc.coalesce(
        where(pc.is_null(key), "null_key"),
        epoch_issue(rows, events.occurred_at, at, staging.as_of),
        time_issue(at, staging.as_of),
        where(pc.is_null(event_type), "null_event_type"),
    )
    borne: Columns = {kind: column_values(rows, column) for kind, column in events.identifiers.items()}
    worth, issues = _read_worth(rows, events, staging)
    received, issues[c.RECEIVED_AT] = _read_received(rows, events, staging)
    extra = {
        c.EVENT_TYPE: event_type,
        c.IDENTIFIERS: row_maps(borne, np.ones(rows.num_rows, np.bool_)),
        c.RECEIVED_AT: received,
        **worth,
        **{name: mapped(rows, getattr(events, name)) for name in _TEXTS},
        **_read_orders(rows, events, event_type, staging.source.name),
        c.VALUE_ISSUES: issue_lists(issues, rows.num_rows),
    }
    return Meaning(key, at, reason, extra)


def _read_received(rows: pa.Table, events: EventFields, staging: Staging) -> tuple[pa.Array, pa.Array]:
    if events.received_at is None:
        return pa.nulls(rows.num_rows, TIME), pa.nulls(rows.num_rows, pa.string())
    at = times(rows, events.received_at, staging)
    is_said = pc.is_valid(column_values(rows, events.received_at.column))
    return plausible(at, staging.as_of), pc.if_else(is_said, time_issue(at, staging.as_of), None)


def _read_worth(rows: pa.Table, events: EventFields, staging: Staging) -> tuple[Columns, Columns]:
    """Read value, currency, quantity and lines; returns them, and why a value could not be read."""
    value = _read_value(rows, events, staging)
    quantity, of_quantity = quantities(mapped(rows, events.quantity), staging)
    lines, total, of_lines = _read_lines(rows, events.lines, staging)
    given = pc.if_else(pc.is_valid(value.reasons), None, pc.coalesce(value.numbers, total))
    currency, of_currency = currencies(rows, events.currency, value.signs, staging)
    has_value = pc.or_(pc.is_valid(given), pc.is_valid(lines))
    if events.lines_from is not None:
        has_value = pc.is_valid(column_values(rows, events.lines_from.order_id))
    columns = {
        c.VALUE_GIVEN: given,
        c.CURRENCY: pc.if_else(has_value, currency, None),
        c.QUANTITY: quantity,
        c.LINES: lines,
    }
    reasons = {
        c.VALUE: value.reasons,
        c.CURRENCY: pc.if_else(has_value, of_currency, None),
        c.QUANTITY: of_quantity,
        c.LINES: of_lines,
    }
    return columns, reasons


def _read_value(rows: pa.Table, events: EventFields, staging: Staging) -> Amounts:
    """Read what events are worth: as a whole, or the price of a piece times the pieces."""
    if events.price is None:
        return amounts(mapped(rows, events.value), staging)

    def read(price: str | None, quantity: str | None) -> tuple[Decimal | None, str | None]:
        pieces, each = (None if text is None else read_amount(text, staging.decimal) for text in (quantity, price))
        worth = read_worth(pieces, each, None)
        return worth.value, worth.reason

    texts = [mapped(rows, events.price), mapped(rows, events.quantity)]
    numbers, reasons = map_row_fields(texts, read, (AMOUNT, pa.string()), memo=staging.memo("price"))
    return Amounts(numbers, amounts(texts[0], staging).signs, reasons)


def _read_orders(rows: pa.Table, events: EventFields, event_type: pa.Array, source: str) -> Columns:
    """Make the keys of the order that an event is, that it cancels, and whose lines are elsewhere."""
    nothing = pa.nulls(rows.num_rows, pa.string())
    order_id = column_values(rows, events.order_id) if events.order_id else nothing
    order_key = order_keys(source, order_id)
    is_cancellation = pc.fill_null(pc.equal(event_type, CANCELLATION), fill_value=False)
    cancelled = order_key
    if events.cancels is not None:
        cancelled = order_keys(events.cancels.source or source, column_values(rows, events.cancels.order_id))
    lines_key = nothing
    if events.lines_from is not None:
        lines_key = order_keys(events.lines_from.source, column_values(rows, events.lines_from.order_id))
    return {c.ORDER_KEY: order_key, c.CANCELS_KEY: pc.if_else(is_cancellation, cancelled, None), c.LINES_KEY: lines_key}


def order_keys(source: str, order_ids: pa.Array) -> pa.Array:
    """Return the keys of a source's orders; null where there is no id."""
    if order_ids.null_count == len(order_ids):
        return pa.nulls(len(order_ids), pa.string())
    return hash_keys({c.SOURCE: source, "order_id": order_ids})


def _read_lines(rows: pa.Table, lines: NestedLines | None, staging: Staging) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Read lists of order lines; returns them, what they are worth together, and why one could not be read."""
    if lines is None:
        return pa.nulls(rows.num_rows, LINES), pa.nulls(rows.num_rows, AMOUNT), pa.nulls(rows.num_rows, pa.string())
    texts = column_values(rows, lines.column)
    read = partial(read_lines, lines=lines, decimal=staging.decimal)
    found, total, reason = map_fields(texts, read, (LINES, AMOUNT, pa.string()))
    is_there = np.asarray(pc.greater(pc.fill_null(pc.list_value_length(found), 0), 0))
    return found.take(pa.array(np.arange(rows.num_rows), mask=~is_there)), total, reason


def read_lines(
    text: str, lines: NestedLines, decimal: DecimalSign | None
) -> tuple[list[tuple[Any, ...]] | None, Decimal | None, str | None]:
    """Read an order's lines from JSON.

    Args:
        text: a list of objects, or one object.
        lines: what their fields mean.
        decimal: which sign separates decimals in numbers that are texts.
    Returns: product, category, quantity and value of each line; the sum of the values, None where one is missing; and
        the first reason why something could not be read.
    """
    try:
        items = LENIENT.decode(text)
    except (ValueError, RecursionError):
        return None, None, MALFORMED
    items = [items] if isinstance(items, dict) else items
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None, None, MALFORMED
    rows: list[tuple[Any, ...]] = []
    reasons: list[str] = []
    for item in items:
        worth = read_worth(*(_amount(item, name, decimal) for name in (lines.quantity, lines.price, lines.value)))
        quantity = float(worth.quantity) if worth.quantity is not None else None
        rows.append((_text(item, lines.product_id), _text(item, lines.category), quantity, worth.value))
        reasons += [worth.reason] if worth.reason else []
    values = [row[-1] for row in rows]
    total = None if None in values or not values else sum(values)
    if total is not None and abs(total) >= MAX_AMOUNT:
        return rows, None, TOO_LARGE
    return rows, total, next(iter(reasons), None)


def _text(item: dict[str, Any], path: str | None) -> str | None:
    value = _at(item, path) if path else None
    if value is None:
        return None
    return (value if isinstance(value, str) else json_text(value)).strip() or None


def _amount(item: dict[str, Any], path: str | None, decimal: DecimalSign | None) -> Amount | None:
    text = _text(item, path)
    if text is None or path is None:
        return None
    return read_amount(text, decimal if isinstance(_at(item, path), str) else "point")


def _at(item: dict[str, Any], path: str) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return item[path] if path in item else value_in(item, path)
