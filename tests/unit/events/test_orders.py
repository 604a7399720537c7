"""Which sources may deliver an order as several rows, and what becomes of these."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark import columns as c
from cdp_spark.config.source import SourceConfig
from cdp_spark.events.orders import find_sources_of_rows, unite_orders
from cdp_spark.normalise.amounts import MAX_AMOUNT
from cdp_spark.tables.catalog import SOURCE_EVENTS
from cdp_spark.tables.rows import as_table

if TYPE_CHECKING:
    from random import Random


@pytest.mark.parametrize(
    ("event_id", "order_id", "may_repeat"),
    [
        (["order_no", "line_no"], "order_no", True),
        ([], "order_no", True),
        (["order_no"], "order_no", False),
        (["order_no", "status"], "order_no", False),
        (["order_no", "line_no"], None, False),
    ],
)
def test_an_order_may_be_several_rows_where_more_than_its_number_and_status_identifies_them(
    event_id: list[str], order_id: str | None, *, may_repeat: bool
) -> None:
    fields = {"event_type": "status", "occurred_at": "at", "identifiers": {"email": "mail"}}
    events = {**fields, "event_id": event_id, "order_id": order_id}
    source = SourceConfig.model_validate(
        {"name": "tills", "kind": "events", "format": "csv", "path": "tills.csv", "events": events}
    )
    assert find_sources_of_rows([source]) == (("tills",) if may_repeat else ())


_LINES = (
    {c.PRODUCT_ID: "A", c.CATEGORY: "tools", c.QUANTITY: 1.0, c.VALUE: Decimal(1)},
    {c.PRODUCT_ID: "B", c.CATEGORY: None, c.QUANTITY: 2.0, c.VALUE: None},
)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            c.ORDER_KEY: st.sampled_from(["O1", "O2"]),
            c.CURRENCY: st.sampled_from(["EUR", "USD", None]),
            c.OCCURRED_AT: st.integers(0, 3).map(lambda hours: datetime(2026, 1, 1, hours, tzinfo=UTC)),
            c.VALUE_GIVEN: st.none() | st.integers(0, 9999).map(lambda cents: Decimal(cents).scaleb(-2)),
            c.QUANTITY: st.none() | st.sampled_from([0.1, 0.2, 2.0]),
            c.PRODUCT_ID: st.sampled_from(["A", "B", None]),
            c.CATEGORY: st.sampled_from(["tools", None]),
            c.LINES: st.none() | st.lists(st.sampled_from(_LINES), max_size=2),
        }
    ),
    max_size=8,
)


_COLUMNS = (c.ORDER_KEY, c.CURRENCY, c.OCCURRED_AT, c.VALUE_GIVEN, c.QUANTITY, c.PRODUCT_ID, c.CATEGORY, c.LINES)


def _one_purchase(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the rows of one order are, from the first to the last."""
    if len(rows) == 1:
        return rows[0]
    values, pieces = [it[c.VALUE_GIVEN] for it in rows], [it[c.QUANTITY] for it in rows if it[c.QUANTITY] is not None]
    made = {name: rows[0][name] if len({it[name] for it in rows}) == 1 else None for name in (c.PRODUCT_ID, c.CATEGORY)}
    lines: list[dict[str, Any]] = []
    for row in rows:
        lines += row[c.LINES] if row[c.LINES] is not None else _own_line(row)
    return {
        **rows[0],
        **made,
        c.VALUE_GIVEN: None if None in values else sum(values),
        c.QUANTITY: round(sum(pieces), 4) if pieces else None,
        c.LINES: lines or None,
    }


def _own_line(row: dict[str, Any]) -> list[dict[str, Any]]:
    if row[c.PRODUCT_ID] is None and row[c.CATEGORY] is None:
        return []
    pieces = 1.0 if row[c.QUANTITY] is None else row[c.QUANTITY]
    line = {c.PRODUCT_ID: row[c.PRODUCT_ID], c.CATEGORY: row[c.CATEGORY]}
    return [{**line, c.QUANTITY: pieces, c.VALUE: row[c.VALUE_GIVEN]}]


def test_an_order_worth_more_than_an_amount_can_be_has_no_value() -> None:
    row = {c.ORDER_KEY: "O1", c.CURRENCY: "EUR", c.OCCURRED_AT: datetime(2026, 1, 1, tzinfo=UTC)}
    rows = [{c.EVENT_KEY: key, **row, c.VALUE_GIVEN: MAX_AMOUNT / 2} for key in ("E1", "E2")]
    table = pa.Table.from_pylist(rows, SOURCE_EVENTS.fetched_schema([c.EVENT_KEY, *_COLUMNS]))
    assert as_table(unite_orders(table, row_count=2))[c.VALUE_GIVEN].to_pylist() == [None]


@given(_ROWS, st.randoms(use_true_random=False))
def test_the_rows_of_an_order_are_one_purchase_in_whatever_order_they_come(
    rows: list[dict[str, Any]], chance: Random
) -> None:
    keyed = [{c.EVENT_KEY: f"E{at}", **row} for at, row in enumerate(rows)]
    orders: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for row in sorted(keyed, key=lambda it: (it[c.OCCURRED_AT], it[c.EVENT_KEY])):
        orders.setdefault((row[c.ORDER_KEY], row[c.CURRENCY]), []).append(row)
    chance.shuffle(keyed)
    schema = SOURCE_EVENTS.fetched_schema([c.EVENT_KEY, *_COLUMNS])
    united = as_table(unite_orders(pa.Table.from_pylist(keyed, schema), row_count=len(keyed)))
    assert sorted(united.to_pylist(), key=_key) == sorted(map(_one_purchase, orders.values()), key=_key)


def _key(row: dict[str, Any]) -> str:
    return str(row[c.EVENT_KEY])
