"""Rows and columns of nested JSON."""

from __future__ import annotations

from typing import Any

import pytest

from cdp_spark.ingest.reading.nested import flat, rows_of

ROWS = [{"id": "1", "n": "a"}, {"id": "2", "n": "b"}]


@pytest.mark.parametrize(
    "document",
    [
        ROWS,
        {"object": "list", "data": ROWS, "has_more": False},
        {"meta": [{"page": 1}], "result": {"contacts": ROWS}},
        {"data": {"people": {"edges": [{"cursor": "x", "node": row} for row in ROWS]}}},
        [["id", "n"], ["1", "a"], ["2", "b"]],
        {"id": {"0": "1", "1": "2"}, "n": {"0": "a", "1": "b"}},
    ],
)
def test_rows_are_found_within_a_document(document: Any) -> None:
    assert rows_of(document) == ROWS


def test_objects_by_key_keep_their_key() -> None:
    assert rows_of({"x": {"n": 1}, "y": {"n": 2, "m": 3}}) == [{"key": "x", "n": 1}, {"key": "y", "n": 2, "m": 3}]


def test_one_object_is_a_row() -> None:
    assert rows_of({"id": 1, "tags": ["a"]}) == [{"id": 1, "tags": ["a"]}]


def test_nested_fields_are_called_by_their_path() -> None:
    row = {
        "id": 1,
        "name": {"first": "Ann", "last": {"now": "Lee"}},
        "phones": ["1"],
        "tags": ["a", "b"],
        "none": [],
        "mails": [{"mail": "a@x", "kind": "home"}, {"mail": "b@x"}],
        "id.x": 2,
    }
    assert flat(row) == {
        "id": 1,
        "name.first": "Ann",
        "name.last.now": "Lee",
        "phones": "1",
        "tags": ["a", "b"],
        "none": None,
        "mails.mail": ["a@x", "b@x"],
        "mails.kind": "home",
        "id.x": 2,
    }
