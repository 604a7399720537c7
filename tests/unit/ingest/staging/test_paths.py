"""Values in nested columns, by their paths."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.checks import judge
from cdp_spark.ingest.drift import find_drift
from cdp_spark.ingest.reading import open_source
from cdp_spark.ingest.staging.facts import add_facts, count_facts
from cdp_spark.ingest.staging.faults import stage_delivery
from cdp_spark.ingest.staging.paths import value_at, with_paths
from cdp_spark.ingest.staging.rows import Staging

Make = Callable[..., SourceConfig]

_USER = json.dumps(
    {
        "name": {"first": "Ann"},
        "mails": ["a@x", "b@x"],
        "phones": [{"no": "1", "kind": "home"}, {"no": "2"}, {}],
        "one": [{"no": 7.50}],
        "a.b": {"c": True},
        "none": None,
        "empty": [],
    }
)
_SEGMENT = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "m-1",
    "anonymousId": "anon-1",
    "timestamp": "2026-10-31T10:00:00.123Z",
    "context": {"traits": {"email": "ann@x.org"}, "page": {"url": "https://shop/thanks"}},
    "properties": {
        "order_id": "o-1",
        "total": 30.5,
        "products": [{"product_id": "p1", "price": 10}, {"product_id": "p2", "price": 20.5}],
    },
}
_RUDDERSTACK = _SEGMENT | {
    "messageId": "m-2",
    "originalTimestamp": "2026-10-31T10:00:01Z",
    "context": {"traits": {"email": "bob@x.org", "address": {"city": "Bonn"}}, "library": {"name": "rudder"}},
    "properties": {"order_id": "o-2", "products": [{"product_id": "p3"}]},
}
_EVENTS: dict[str, Any] = {
    "event_type": {"from": ("event",)},
    "occurred_at": {"column": "timestamp"},
    "identifiers": {"email": "context.traits.email", "cookie_id": "anonymousId"},
    "event_id": "messageId",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("user.name.first", "Ann"),
        ("user.name", '{"first":"Ann"}'),
        ("user.mails", '["a@x","b@x"]'),
        ("user.mails.1", "b@x"),
        ("user.mails.2", None),
        ("user.phones.no", '["1","2"]'),
        ("user.phones.kind", "home"),
        ("user.phones.0.no", "1"),
        ("user.one.no", "7.5"),
        ("user.a.b.c", "true"),
        ("user.none", None),
        ("user.empty.no", None),
        ("user.name.first.more", None),
        ("user.x", "a column of that name"),
        ("note.x", None),
        ("broken.x", None),
        ("nobody.x", None),
    ],
)
def test_a_path_leads_into_a_column(path: str, value: str | None) -> None:
    row: dict[str, str | None] = {
        "user": _USER,
        "user.x": "a column of that name",
        "note": "user",
        "broken": '{"x": 1',
        "none": None,
    }

    added = with_paths(pa.table({name: pa.array([text], pa.string()) for name, text in row.items()}), [path])

    assert value_at(row, path) == value
    assert added.to_pylist()[0].get(path) == value


def test_a_path_is_no_new_column() -> None:
    source = SourceConfig.model_validate(
        {"name": "web", "kind": "events", "format": "json", "path": "web", "events": _EVENTS}
    )
    seen = dict.fromkeys([*_SEGMENT, "context.traits.email"], "json")

    assert find_drift(source, seen, dict.fromkeys(_SEGMENT, "json")).new == ()


def _staged(source: SourceConfig, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    reading = open_source(source, folder=str(folder))
    assert reading is not None
    staging = Staging(source, datetime(2026, 11, 1, tzinfo=UTC), "US", names_columns=reading.columns is None)
    tables = list(stage_delivery(reading.batches(), staging))
    tally = add_facts(map(count_facts, tables))[source.name]
    _, mistakes = judge(source, tally, reading.columns, last=None, force=False)
    return [row for table in tables for row in table.to_pylist()], [it.got for it in mistakes]


def test_payloads_of_segment_and_rudderstack_are_read_as_they_come(tmp_path: Path, source: Make) -> None:
    lines = [json.dumps(_SEGMENT), json.dumps(_RUDDERSTACK)]
    (tmp_path / "web.jsonl").write_text("\n".join(lines))

    staged, mistakes = _staged(source("visits", events=_EVENTS, drift={}), tmp_path)

    assert mistakes == []
    assert [(it["reason"], it["event_type"], dict(it["identifiers"])) for it in staged] == [
        (None, "Order Completed", {"email": "ann@x.org", "cookie_id": "anon-1"}),
        (None, "Order Completed", {"email": "bob@x.org", "cookie_id": "anon-1"}),
    ]
    assert json.loads(dict(staged[0]["row"])["properties"]) == _SEGMENT["properties"]
    assert dict(staged[0]["row"])["context.traits.email"] == "ann@x.org"


def test_what_a_row_is_does_not_depend_on_the_paths_that_are_read(tmp_path: Path, source: Make) -> None:
    (tmp_path / "web.jsonl").write_text(json.dumps(_SEGMENT))
    other = _EVENTS | {"identifiers": {"cookie_id": "anonymousId"}}

    (one,), _ = _staged(source("visits", events=_EVENTS), tmp_path)
    (another,), _ = _staged(source("visits", events=other), tmp_path)

    assert one["content_hash"] == another["content_hash"]


def test_a_path_that_no_row_has_is_told(tmp_path: Path, source: Make) -> None:
    (tmp_path / "web.jsonl").write_text(json.dumps(_SEGMENT))
    misspelt = _EVENTS | {"identifiers": {"email": "context.traits.emial"}}

    _, mistakes = _staged(source("visits", events=misspelt, drift={}), tmp_path)

    assert mistakes == ["no column 'context.traits.emial'"]


def test_a_column_of_json_in_csv_is_read_by_path_too(tmp_path: Path, source: Make) -> None:
    (tmp_path / "crm.csv").write_text('id,user\n1,"{""name"": ""Ann"", ""mails"": [""a@x"", ""b@x""]}"\n')
    crm = source("people", columns={"full_name": {"from": ("user.name",)}, "email": {"from": ("user.mails",)}})

    ((row,), mistakes) = _staged(crm, tmp_path)

    assert mistakes == []
    assert {name: dict(row["row"])[name] for name in ("user.name", "user.mails")} == {
        "user.name": "Ann",
        "user.mails": '["a@x","b@x"]',
    }
