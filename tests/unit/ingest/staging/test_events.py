"""What events are worth and of what, order lines, products and rates: delivered rows as they are staged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.checks import judge
from cdp_spark.ingest.outcome import Outcome, count_rows, tell_warnings
from cdp_spark.ingest.reading import ReadBatch
from cdp_spark.ingest.reading.batch import rejected_table
from cdp_spark.ingest.staging.facts import add_facts, count_facts
from cdp_spark.ingest.staging.reference import merge_products, merge_rates
from cdp_spark.ingest.staging.repeats import count_repeats
from cdp_spark.ingest.staging.rows import STAGED, Staging, stage_batch
from cdp_spark.normalise.hashing import hash_key

AS_OF = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
EVENTS: dict[str, Any] = {
    "event_type": "what",
    "occurred_at": "at",
    "identifiers": {"email": "mail"},
    "event_id": "id",
}
SHOP: dict[str, str | None] = {"id": "1", "what": "purchase", "at": "2026-10-01", "mail": "a@x.org"}


def _source(kind: str, fields: dict[str, Any], **settings: Any) -> SourceConfig:
    given = {"name": "shop", "kind": kind, "format": "csv", "path": "x", kind: fields, **settings}
    return SourceConfig.model_validate(given)


def _stage(source: SourceConfig, *rows: Mapping[str, str | None]) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.Table.from_pylist(list(rows), pa.schema([(name, pa.string()) for name in names]))
    staged = stage_batch(ReadBatch(table, rejected_table([]), "a"), Staging(source, as_of=AS_OF, region="DE"))
    assert staged.schema == STAGED
    return staged


def _events(fields: dict[str, Any], *rows: Mapping[str, str | None], **settings: Any) -> list[dict[str, Any]]:
    staged: list[dict[str, Any]] = _stage(
        _source("events", EVENTS | fields, **settings), *({**SHOP, **row} for row in rows)
    ).to_pylist()
    return staged


def test_an_event_has_what_its_columns_and_constants_say() -> None:
    fields = {
        "event_types": {"Kauf": "purchase"},
        "received_at": {"column": "got", "time_zone": "Europe/Berlin"},
        "value": "amount",
        "currency": {"value": "GBP"},
        "quantity": "pieces",
        "product_id": "item.sku",
        "category": "item.kind",
        "campaign": ["utm", "campaign"],
        "channel": {"value": "web"},
        "url": "page",
    }
    item = '{"sku": 7, "kind": "books"}'
    row = {"what": "Kauf", "got": "2026-10-01 14:30", "amount": "1.234,50", "pieces": "2", "item": item}

    [staged] = _events(fields, row | {"campaign": "spring", "page": "https://x/7"})

    expected = {
        "event_type": "purchase",
        "received_at_utc": datetime(2026, 10, 1, 12, 30, tzinfo=UTC),
        "value_given": Decimal("1234.5000"),
        "currency": "GBP",
        "quantity": 2.0,
        "product_id": "7",
        "category": "books",
        "campaign": "spring",
        "channel": "web",
        "url": "https://x/7",
        "lines": None,
        "value_issues": [],
        "reason": None,
    }
    assert {name: staged[name] for name in expected} == expected


def test_what_cannot_be_read_is_null_with_a_reason_and_counted() -> None:
    fields = {
        "value": "amount",
        "currency": "cur",
        "quantity": "pieces",
        "received_at": "got",
        "lines": {"column": "items", "product_id": "sku", "price": "p"},
    }
    bad = {"amount": "1,234", "cur": "dollars", "pieces": "3 kg", "got": "soon", "items": "none"}
    source = _source("events", EVENTS | fields, max_rejected_share=1.0)

    staged = _stage(
        source,
        {**SHOP, **bad},
        {**SHOP, "id": "2", "amount": "5", "cur": "dollars"},
        {**SHOP, "id": "3", "at": "x", "pieces": "?"},
    )

    tally = add_facts([count_facts(staged), count_repeats(staged)])["shop"]
    assert [row["value_issues"] for row in staged.to_pylist()[:2]] == [
        ["value:ambiguous", "quantity:malformed", "lines:malformed", "received_at_utc:bad_time"],
        ["currency:malformed"],
    ]
    [first, second] = staged.to_pylist()[:2]
    assert [first[name] for name in ("value_given", "currency", "quantity", "received_at_utc", "lines")] == [None] * 5
    assert (second["value_given"], second["currency"]) == (Decimal(5), None)
    outcome = Outcome(
        source, judge(source, tally, dict.fromkeys(staged.column_names, "string"), last=None, force=False)[0]
    )
    assert count_rows(outcome)["value.ambiguous"] == count_rows(outcome)["currency.malformed"] == 1
    assert tell_warnings(outcome) == [
        "source shop: 5 values are null because they could not be read: currency malformed 1, lines malformed 1, "
        "quantity malformed 1, received_at_utc bad_time 1, value ambiguous 1. Say which sign separates decimals: "
        "`decimal: comma` or `decimal: point`."
    ]


@pytest.mark.parametrize(
    ("fields", "settings", "row", "expected"),
    [
        ({}, {}, {"amount": "5"}, (Decimal(5), "EUR")),
        ({}, {}, {"amount": "$5"}, (Decimal(5), None)),
        ({}, {}, {"amount": "5 CHF"}, (Decimal(5), "CHF")),
        ({"currency": "cur"}, {}, {"amount": "5 CHF", "cur": "usd"}, (Decimal(5), "USD")),
        ({"currency": "cur"}, {}, {"amount": "£5", "cur": ""}, (Decimal(5), "GBP")),
        ({"currency": "cur"}, {}, {"amount": "5", "cur": ""}, (Decimal(5), None)),
        ({"currency": "cur"}, {}, {"amount": None, "cur": "usd"}, (None, None)),
        ({}, {"decimal": "comma"}, {"amount": "1.234"}, (Decimal(1234), "EUR")),
        ({}, {"format": "json"}, {"amount": "1.234"}, (Decimal("1.234"), "EUR")),
    ],
)
def test_an_amounts_currency_is_the_columns_then_its_own_sign_then_the_projects(
    fields: dict[str, Any], settings: dict[str, Any], row: dict[str, str | None], expected: tuple[object, ...]
) -> None:
    [staged] = _events({"value": "amount"} | fields, row, **settings)
    assert (staged["value_given"], staged["currency"]) == expected


def test_an_orders_lines_are_read_from_json_and_make_its_value() -> None:
    lines = {"column": "items", "product_id": "product.sku", "category": "kind", "quantity": "qty", "price": "price"}
    fields = {"value": "amount", "lines": lines}
    first = '{"product": {"sku": "A"}, "qty": 2, "price": 9.99, "kind": "books"}'
    items = "[" + first + ', {"product": {"sku": "B"}, "price": "1,50"}]'

    summed, given, empty, one_bad = _events(
        fields,
        {"items": items},
        {"items": items, "amount": "20"},
        {"items": "[]"},
        {"items": '{"product": {"sku": "A"}, "price": "free"}'},
    )

    of_order = [
        {"product_id": "A", "category": "books", "quantity": 2.0, "value": Decimal("19.9800")},
        {"product_id": "B", "category": None, "quantity": 1.0, "value": Decimal("1.5000")},
    ]
    assert (summed["value_given"], summed["currency"], summed["lines"]) == (Decimal("21.4800"), "EUR", of_order)
    assert (given["value_given"], given["lines"]) == (Decimal(20), of_order)
    assert (empty["value_given"], empty["lines"], empty["value_issues"]) == (None, None, [])
    assert one_bad["lines"] == [{"product_id": "A", "category": None, "quantity": 1.0, "value": None}]
    assert (one_bad["value_given"], one_bad["value_issues"]) == (None, ["lines:price_malformed"])


def test_a_row_that_says_the_price_of_a_piece_is_worth_all_its_pieces() -> None:
    fields = {"price": "each", "quantity": "n"}
    rows: list[dict[str, str | None]] = [
        {"each": "€2.50", "n": "3"},
        {"each": "4", "n": None},
        {"each": "4", "n": "few"},
        {"each": None, "n": "2"},
    ]
    staged = [(it["value_given"], it["currency"], it["value_issues"]) for it in _events(fields, *rows)]
    assert staged == [
        (Decimal("7.5000"), "EUR", []),
        (Decimal("4.0000"), "EUR", []),
        (None, None, ["value:quantity_malformed", "quantity:malformed"]),
        (None, None, []),
    ]


def test_cancellations_and_lines_name_their_order() -> None:
    of_shop, of_items = hash_key(source="shop", order_id="O1"), hash_key(source="items", order_id="O1")
    lines_from = {"source": "items", "order_id": "order"}
    undone: dict[str, str | None] = {"order": "O1", "what": "cancellation"}

    staged = _events({"order_id": "order", "lines_from": lines_from}, {"order": "O1"}, undone, {"order": " "})

    assert [(row["order_key"], row["cancels_key"], row["lines_key"]) for row in staged] == [
        (of_shop, None, of_items),
        (of_shop, of_shop, of_items),
        (None, None, None),
    ]
    of_till = {"cancels": {"order_id": "order", "source": "till"}}
    elsewhere, other = _events(of_till, undone, {"order": "O1", "what": "return"})
    assert elsewhere["cancels_key"] == hash_key(source="till", order_id="O1")
    assert other["cancels_key"] is None


def test_order_lines_of_a_source_of_their_own() -> None:
    fields = {"order_id": "order", "line_id": "no", "product_id": "sku", "quantity": "qty", "value": "total"}
    row = {"order": "O1", "no": "1", "sku": "A", "qty": "2", "total": "20,00"}

    line, twin, refused = _stage(
        _source("order_lines", fields), row, row | {"no": "2"}, row | {"order": ""}
    ).to_pylist()

    expected: dict[str, object] = {
        "order_key": hash_key(source="shop", order_id="O1"),
        "line_id": "1",
        "product_id": "A",
    }
    expected |= {"quantity": 2.0, "value_given": Decimal(20), "value_issues": [], "reason": None}
    assert {name: line[name] for name in expected} == expected
    assert line["key"] != twin["key"]
    assert refused["reason"] == "null_key"


def test_products_are_in_stock_unless_they_say_otherwise() -> None:
    fields = {
        "product_id": "sku",
        "valid_from": "since",
        "name": "name",
        "category": "kind",
        "price": "price",
        "stock": "n",
        "in_stock": "there",
    }
    row = {"sku": "A", "since": "2027-01-01", "name": "Ball", "kind": "toys", "price": "$9", "n": "3"}

    staged = _stage(
        _source("products", fields, max_rejected_share=1.0),
        row,
        row | {"n": "0"},
        row | {"n": "0", "there": "yes"},
        row | {"there": "Sold out"},
        row | {"n": None, "there": "perhaps"},
        row | {"sku": " "},
        row | {"since": "soon"},
    ).to_pylist()

    assert [row["in_stock"] for row in staged[:5]] == [True, False, True, False, True]
    assert (staged[0]["at_utc"], staged[0]["value_given"], staged[0]["currency"]) == (
        datetime(2027, 1, 1, tzinfo=UTC),
        9,
        None,
    )
    assert staged[4]["value_issues"] == ["currency:ambiguous", "in_stock:malformed"]
    assert [row["reason"] for row in staged[5:]] == ["null_key", "bad_time"]


def test_rates_are_what_a_unit_is_worth_from_a_local_day_on() -> None:
    fields = {"currency": "code", "day": {"column": "on", "time_zone": "Europe/Berlin"}, "rate": "rate"}
    rows = [
        {"code": "usd", "on": "2026-10-01", "rate": "0,925"},
        {"code": "JPY", "on": "2026-10-01T23:30:00Z", "rate": "0.0061"},
        {"code": "", "on": "2026-10-01", "rate": "1"},
        {"code": "dollar", "on": "2026-10-01", "rate": "1"},
        {"code": "USD", "on": "soon", "rate": "1"},
        {"code": "USD", "on": "2026-10-01", "rate": "0"},
    ]

    staged = _stage(_source("rates", fields, max_rejected_share=1.0), *rows).to_pylist()

    found = [(row["key"], row["at_utc"] and row["at_utc"].date(), row["rate"], row["reason"]) for row in staged]
    assert found[:2] == [("USD", date(2026, 10, 1), 0.925, None), ("JPY", date(2026, 10, 2), 0.0061, None)]
    assert [reason for *_, reason in found[2:]] == ["null_key", "bad_currency", "bad_time", "bad_rate"]
    [inverse] = _stage(_source("rates", fields | {"inverse": True}), rows[0] | {"rate": "1.25"}).to_pylist()
    assert inverse["rate"] == 0.8


def _product(name: str, since: datetime | None, *, source: str = "shop") -> dict[str, Any]:
    return {"product_id": "A", "valid_from_utc": since, "name": name, "source": source}


def test_a_product_without_a_date_has_a_new_version_when_it_changed() -> None:
    first, _ = merge_products([], [_product("Ball", None)], AS_OF)
    later = AS_OF.replace(day=2)
    same, unchanged = merge_products(first, [_product("Ball", None)], later)
    renamed, changed = merge_products(first, [_product("Great Ball", None)], later)
    assert first == same == [_product("Ball", AS_OF)]
    assert renamed == [_product("Ball", AS_OF), _product("Great Ball", later)]
    assert (unchanged, changed) == ({}, {"shop": 1})
    corrected, _ = merge_products(first, [_product("Bell", AS_OF)], later)
    assert corrected == [_product("Bell", AS_OF)]


def test_a_rate_that_comes_again_replaces_the_one_of_its_day() -> None:
    rate = {"currency": "USD", "day": date(2026, 10, 1), "rate": 0.9, "source": "bank"}
    held, counted = merge_rates([], [rate], AS_OF)
    assert (merge_rates(held, [rate], AS_OF), counted) == ((held, {}), {"bank": 1})
    assert merge_rates(held, [rate | {"rate": 0.8}], AS_OF) == ([rate | {"rate": 0.8}], {"bank": 1})


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-29 02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-10-25 02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_an_hour_that_the_clock_leaves_out_counts_on_and_one_it_has_twice_is_the_first(
    local: str, utc: datetime
) -> None:
    [row] = _events({"occurred_at": {"column": "at", "time_zone": "Europe/Berlin"}}, {"at": local})
    assert (row["at_utc"], row["reason"]) == (utc, None)
