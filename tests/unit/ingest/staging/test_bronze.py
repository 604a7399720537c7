from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from cdp_spark.ingest.staging.bronze import (
    EVENTS,
    RECORDS,
    REJECTIONS,
    SNAPSHOT,
    NewRows,
    changed_rows,
    newest_rows,
    without_known,
)
from cdp_spark.ingest.staging.rows import STAGED


def _staged(kind: str, *rows: dict[str, Any]) -> pa.Table:
    told = {"source": "crm", "kind": kind, "time_issue": False}
    return pa.Table.from_pylist([told | row for row in rows], STAGED)


def _shown(rows: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in rows.select(names).to_pylist()), key=str)


def test_of_one_version_delivered_twice_one_row_is_left_and_others_are_not_taken() -> None:
    staged = _staged(
        "records",
        {"key": "1", "content_hash": "a", "source_file": "f2", "row": [("id", "1")]},
        {"key": "1", "content_hash": "a", "source_file": "f1"},
        {"key": "1", "content_hash": "a"},
        {"key": "1", "content_hash": "b"},
        {"key": "2", "content_hash": "a", "reason": "null_key"},
        {"key": "3", "content_hash": "a", "kind": "events"},
    )

    newest = newest_rows(staged, RECORDS)

    assert _shown(newest, "source_record_id", "content_hash", "source_file") == [("1", "a", "f2"), ("1", "b", None)]
    assert [("id", "1")] in newest["row"].to_pylist()


def test_of_an_event_and_of_a_record_in_a_snapshot_the_latest_counts() -> None:
    rows: list[dict[str, Any]] = [
        {"key": "1", "content_hash": "a", "at_utc": datetime(2026, 1, 2, tzinfo=UTC)},
        {"key": "1", "content_hash": "c", "at_utc": datetime(2026, 1, 1, tzinfo=UTC)},
        {"key": "1", "content_hash": "d"},
        {"key": "1", "content_hash": "b", "at_utc": datetime(2026, 1, 2, tzinfo=UTC)},
    ]
    for kind, rule, key in (("events", EVENTS, "event_key"), ("records", SNAPSHOT, "source_record_id")):
        assert _shown(newest_rows(_staged(kind, *rows), rule), key, "content_hash") == [("1", "b")]


def test_what_the_table_holds_is_not_new() -> None:
    staged = _staged(
        "records", *({"key": str(number), "content_hash": "a", "row": [("n", "1")]} for number in range(5))
    )
    newest = newest_rows(staged, RECORDS)
    known = pa.table(
        {"source": ["crm", "crm", "web"], "source_record_id": ["1", "2", "3"], "content_hash": ["a", "b", "a"]}
    )

    assert _shown(without_known(newest, known, RECORDS), "source_record_id") == [("0",), ("2",), ("3",), ("4",)]
    assert without_known(newest, known.slice(0, 0), RECORDS).num_rows == 5


def test_an_event_that_is_stored_with_another_content_is_changed() -> None:
    staged = _staged("events", *({"key": key, "content_hash": "a"} for key in "1234"))
    newest = newest_rows(staged, EVENTS)
    known = pa.table({"event_key": ["2", "3", "5"], "content_hash": ["a", "b", "c"]})

    assert _shown(changed_rows(newest, known, EVENTS), "event_key") == [("3",)]
    assert changed_rows(newest, known.slice(0, 0), EVENTS).num_rows == 0


def test_a_refused_row_is_told_once_for_each_reason() -> None:
    rule: NewRows = REJECTIONS
    staged = _staged(
        "records",
        {"row_hash": "x", "reason": "null_key"},
        {"row_hash": "x", "reason": "bad_time"},
        {"row_hash": "y", "reason": "null_key"},
        {"row_hash": None, "reason": "suppressed"},
        {"key": "1"},
    )

    newest = newest_rows(staged, rule)

    assert _shown(newest, "row_hash", "reason") == [("x", "null_key"), ("y", "null_key")]
    known = pa.table({"source": ["crm", "crm"], "row_hash": ["x", "y"], "reason": ["null_key", "bad_time"]})
    assert _shown(without_known(newest, known, rule), "row_hash") == [("y",)]
