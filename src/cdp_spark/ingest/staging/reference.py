"""What belongs to events, as delivered: order lines, products and currency rates; and how the last two are kept.

A product's row holds from its `valid_from` on. One without it holds from the run that first finds it so: a row that
says what the product's newest version says is nothing new. A rate holds from its day on. A row that comes again under
the same product and time, or currency and day, replaces what was there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.ingest.staging.events import order_keys
from cdp_spark.ingest.staging.texts import hash_keys, json_strings
from cdp_spark.ingest.staging.values import (
    AMOUNT,
    TIME,
    Meaning,
    amounts,
    column_values,
    currencies,
    issue_lists,
    quantities,
    time_issue,
    times,
    where,
)
from cdp_spark.normalise.amounts import MALFORMED, choose_currency, currencies_of, read_amount, read_worth
from cdp_spark.normalise.batches import map_distinct, map_row_fields
from cdp_spark.normalise.text import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdp_spark.config.events import OrderLineFields, ProductFields, RateFields
    from cdp_spark.ingest.staging.rows import Staging

_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
"""Prices and rates may begin to hold in the future."""
_RATE_PLACES = Decimal("0.0000000001")
_YES = frozenset(words("true yes y 1 ja oui si available in_stock instock"))
_NO = frozenset(words("false no n 0 nein non unavailable out_of_stock outofstock sold_out"))

Row = dict[str, Any]


def read_order_lines(rows: pa.Table, fields: OrderLineFields, hashes: pa.Array, staging: Staging) -> Meaning:
    """Read rows as lines of orders.

    Args:
        rows: as delivered.
        fields: what the columns mean.
        hashes: of the rows' content.
        staging: of the source.
    """
    order_id, line_id = column_values(rows, fields.order_id), _optional(rows, fields.line_id)
    pieces = ["[", json_strings(order_id), ",", json_strings(line_id), "]"]
    identity = pc.coalesce(pc.binary_join_element_wise(*pieces, ""), hashes)
    key = hash_keys({c.SOURCE: staging.source.name, "line_id": pc.if_else(pc.is_valid(order_id), identity, None)})

    def read(quantity: str | None, price: str | None, value: str | None) -> tuple[object, ...]:
        given = [None if text is None else read_amount(text, staging.decimal) for text in (quantity, price, value)]
        worth = read_worth(*given)
        return None if worth.quantity is None else float(worth.quantity), worth.value, worth.reason

    texts = [_optional(rows, name) for name in (fields.quantity, fields.price, fields.value)]
    quantity, value, issue = map_row_fields(texts, read, (pa.float64(), AMOUNT, pa.string()), memo=staging.memo("line"))
    extra = {
        c.ORDER_KEY: order_keys(staging.source.name, order_id),
        c.LINE_ID: line_id,
        c.PRODUCT_ID: column_values(rows, fields.product_id),
        c.CATEGORY: _optional(rows, fields.category),
        c.QUANTITY: quantity,
        c.VALUE_GIVEN: value,
        c.VALUE_ISSUES: issue_lists({c.LINES: issue}, rows.num_rows),
    }
    return Meaning(key, pa.nulls(rows.num_rows, TIME), where(pc.is_null(key), "null_key"), extra)


def read_products(rows: pa.Table, fields: ProductFields, staging: Staging) -> Meaning:
    """Read rows as products' values from a time on."""
    key = column_values(rows, fields.product_id)
    at, of_time = pa.nulls(rows.num_rows, TIME), pa.nulls(rows.num_rows, pa.string())
    if fields.valid_from is not None:
        at = times(rows, fields.valid_from, staging)
        of_time = time_issue(at, _END_OF_TIME)
    price = amounts(_optional(rows, fields.price), staging)
    currency, of_currency = currencies(rows, fields.currency, price.signs, staging)
    has_price = pc.is_valid(price.numbers)
    stock, of_stock = quantities(_optional(rows, fields.stock), staging)
    said = _optional(rows, fields.in_stock)
    in_stock = map_distinct(said, _read_yes, pa.bool_())
    issues = {
        c.PRICE: price.reasons,
        c.CURRENCY: pc.if_else(has_price, of_currency, None),
        c.STOCK: of_stock,
        c.IN_STOCK: where(pc.and_(pc.is_valid(said), pc.is_null(in_stock)), MALFORMED),
    }
    extra = {
        c.NAME: _optional(rows, fields.name),
        c.CATEGORY: _optional(rows, fields.category),
        c.VALUE_GIVEN: price.numbers,
        c.CURRENCY: pc.if_else(has_price, currency, None),
        c.QUANTITY: stock,
        c.IN_STOCK: pc.coalesce(in_stock, pc.greater(stock, 0.0), pa.scalar(value=True)),
        c.VALUE_ISSUES: issue_lists(issues, rows.num_rows),
    }
    return Meaning(key, at, pc.coalesce(where(pc.is_null(key), "null_key"), of_time), extra)


def read_rates(rows: pa.Table, fields: RateFields, staging: Staging) -> Meaning:
    """Read rows as currencies' rates from a day on."""
    written = column_values(rows, fields.currency)
    currency = map_distinct(written, lambda text: choose_currency(currencies_of(text), staging.currency) or None)
    at = times(rows, fields.day, staging)
    day = pc.floor_temporal(pc.local_timestamp(at.cast(pa.timestamp("us", fields.day.time_zone))), unit="day")
    rate = map_distinct(column_values(rows, fields.rate), lambda text: _read_rate(text, fields, staging), pa.float64())
    reason = pc.coalesce(
        where(pc.is_null(written), "null_key"),
        where(pc.is_null(currency), "bad_currency"),
        time_issue(at, _END_OF_TIME),
        where(pc.is_null(rate), "bad_rate"),
    )
    extra = {c.RATE: rate, c.VALUE_ISSUES: issue_lists({}, rows.num_rows)}
    return Meaning(currency, day.cast(TIME), reason, extra)


def _optional(rows: pa.Table, column: str | None) -> pa.Array:
    return column_values(rows, column) if column else pa.nulls(rows.num_rows, pa.string())


def _read_yes(text: str) -> bool | None:
    word = text.lower().replace(" ", "_").replace("-", "_")
    return True if word in _YES else False if word in _NO else None


def _read_rate(text: str, fields: RateFields, staging: Staging) -> float | None:
    """Read a rate, in which a single comma is that of decimals unless the source says otherwise."""
    decimal = staging.source.decimal or ("comma" if "," in text else "point")
    found = read_amount(text, decimal, places=_RATE_PLACES)
    if found.number is None or found.currencies or found.number <= 0:
        return None
    rate = float(1 / found.number if fields.inverse else found.number)
    return rate if rate >= float(_RATE_PLACES) else None


def merge_products(held: Iterable[Row], delivered: Iterable[Row], as_of: datetime) -> tuple[list[Row], dict[str, int]]:
    """Put delivered products among those that are held.

    Args:
        held: rows of `products`.
        delivered: such rows, in the order in which they count; `valid_from_utc` is None where it is not said.
        as_of: the run's clock.
    Returns: all rows, and how many of each source's are new or changed.
    """
    rows = {(row[c.PRODUCT_ID], row[c.VALID_FROM]): row for row in held}
    newest: dict[str, datetime] = {}
    for product_id, since in rows:
        if since <= as_of:
            newest[product_id] = max(since, newest.get(product_id, since))
    changed: dict[str, int] = {}
    for row in delivered:
        since = row[c.VALID_FROM] or as_of
        before = newest.get(row[c.PRODUCT_ID]) if row[c.VALID_FROM] is None else since
        known = rows.get((row[c.PRODUCT_ID], before)) if before else None
        version = {**row, c.VALID_FROM: since}
        if known is None or known != {**version, c.VALID_FROM: known[c.VALID_FROM]}:
            rows[row[c.PRODUCT_ID], since] = version
            changed[row[c.SOURCE]] = changed.get(row[c.SOURCE], 0) + 1
    return list(rows.values()), changed


def merge_rates(held: Iterable[Row], delivered: Iterable[Row], _as_of: datetime) -> tuple[list[Row], dict[str, int]]:
    """Put delivered rates among those that are held; as of `merge_products`."""
    rows = {(row[c.CURRENCY], row[c.DAY]): row for row in held}
    changed: dict[str, int] = {}
    for row in delivered:
        if rows.get((row[c.CURRENCY], row[c.DAY])) != row:
            rows[row[c.CURRENCY], row[c.DAY]] = row
            changed[row[c.SOURCE]] = changed.get(row[c.SOURCE], 0) + 1
    return list(rows.values()), changed
