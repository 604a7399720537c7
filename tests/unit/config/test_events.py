"""Sources of events, and of what belongs to events, as they are configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cdp_spark.config.load import load_project
from cdp_spark.config.source import SourceConfig, configured_columns
from cdp_spark.errors import InvalidProjectError

EVENTS = """\
name: {name}
kind: events
format: csv
path: {name}.csv
events:
  event_type: {{value: purchase}}
  occurred_at: at
  identifiers: {{email: mail}}
"""


def _mistakes(project: Path, *sources: tuple[str, str]) -> list[str]:
    for name, more in sources:
        (project / "sources" / f"{name}.yaml").write_text(EVENTS.format(name=name) + more, encoding="utf-8")
    with pytest.raises(InvalidProjectError) as caught:
        load_project(project)
    return [str(error).removeprefix(f"{project}/") for error in caught.value.errors]


def test_lines_and_cancelled_orders_are_in_sources_that_exist(project: Path) -> None:
    lines = "  lines_from: {source: crm, order_id: id}\n"
    till = "  order_id: bon\n"
    cancelled = "  cancels: {order_id: bon, source: tilll}\n"
    assert _mistakes(project, ("shop", lines), ("till", till), ("service", cancelled), ("web", "  cancels: id\n")) == [
        "sources/service.yaml:9:12 events.cancels: got 'tilll', which is not an event source with `order_id`; "
        "allowed: till. Fix: choose one of these (did you mean 'till'?)",
        "sources/shop.yaml:9:15 events.lines_from: got 'crm', which is not a source of order_lines; "
        "allowed: a source of order_lines. Fix: add a source of order_lines",
        "sources/web.yaml:9:12 events.cancels: got 'web', which is not an event source with `order_id`; "
        "allowed: till. Fix: choose one of these",
    ]


def test_an_event_is_worth_its_value_or_its_price(project: Path) -> None:
    assert _mistakes(project, ("shop", "  value: total\n  price: each\n")) == [
        "sources/shop.yaml:6:3 events: got `price` and `value`; allowed: one of them. "
        "Fix: keep `value`, the whole event's"
    ]


def _source(kind: str, fields: dict[str, Any], **settings: Any) -> SourceConfig:
    given = {"name": "shop", "kind": kind, "format": "csv", "path": "x", kind: fields, **settings}
    return SourceConfig.model_validate(given)


def test_every_column_that_a_setting_names_is_one_of_the_source() -> None:
    events = {"event_type": "a", "occurred_at": "b", "received_at": "c", "identifiers": {"email": "d"}, "event_id": "e"}
    events |= {"value": "f", "currency": "g", "quantity": "h", "product_id": "i", "category": "j", "campaign": "k"}
    events |= {"channel": "l", "url": "m", "order_id": "n", "cancels": "o"}
    events |= {"lines": {"column": "p", "product_id": "inside"}}
    assert configured_columns(_source("events", events)) == set("abcdefghijklmnop")
    by_price = {name: events[name] for name in ("event_type", "occurred_at", "identifiers")} | {"price": "f"}
    assert configured_columns(_source("events", by_price)) == set("abdf")
    lines = {"order_id": "a", "line_id": "b", "product_id": "c", "category": "d", "quantity": "e", "price": "f"}
    assert configured_columns(_source("order_lines", lines)) == set("abcdef")
    products = {"product_id": "a", "valid_from": "b", "name": "c", "category": "d", "price": "e", "currency": "f"}
    products |= {"stock": "g", "in_stock": "h"}
    assert configured_columns(_source("products", products)) == set("abcdefgh")
    assert configured_columns(_source("rates", {"currency": "a", "day": "b", "rate": "c"})) == set("abc")


@pytest.mark.parametrize(
    ("kind", "fields", "settings", "got"),
    [
        ("order_lines", {"order_id": "a", "product_id": "b", "price": "c", "value": "d"}, {}, "`price` and `value`"),
        ("rates", {"currency": "a", "day": "b", "rate": "c"}, {"priority": 1}, "`priority`, which a source of rates"),
        ("products", {"product_id": "a"}, {"rates": {"currency": "a", "day": "b", "rate": "c"}}, "`rates`, which a"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    kind: str, fields: dict[str, Any], settings: dict[str, Any], got: str
) -> None:
    with pytest.raises(ValueError, match=got):
        _source(kind, fields, **settings)
