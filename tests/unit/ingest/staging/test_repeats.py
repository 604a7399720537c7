from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from cdp_spark.ingest.staging.facts import Tally, add_facts, count_facts
from cdp_spark.ingest.staging.repeats import count_repeats
from cdp_spark.ingest.staging.rows import STAGED

DAY_1, DAY_2 = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def _tally(kind: str, *rows: dict[str, Any]) -> Tally:
    staged = pa.Table.from_pylist([{"source": "crm", "kind": kind, "time_issue": False} | row for row in rows], STAGED)
    return add_facts([count_facts(staged), count_repeats(staged)])["crm"]


def test_order_lines_under_the_id_of_their_order_conflict() -> None:
    lines = [{"key": str(min(line, 147)), "content_hash": str(line), "at_utc": DAY_1} for line in range(300)]

    assert _tally("events", *lines) == Tally(accepted=300, duplicates=152, conflicts=152)
    assert _tally("events", *({**line, "key": line["content_hash"]} for line in lines)) == Tally(accepted=300)


def test_an_event_delivered_again_is_a_duplicate_and_one_with_another_time_a_conflict_too() -> None:
    assert _tally(
        "events",
        {"key": "1", "content_hash": "a", "at_utc": DAY_1},
        {"key": "1", "content_hash": "a", "at_utc": DAY_1},
        {"key": "1", "content_hash": "b", "at_utc": DAY_2},
        {"key": "1", "content_hash": "c", "at_utc": DAY_2, "reason": "bad_time"},
        {"key": "2", "content_hash": "a", "at_utc": DAY_1},
    ) == Tally(rejected={"bad_time": 1}, accepted=4, duplicates=2, conflicts=1)


def test_versions_of_a_record_conflict_only_where_none_is_the_later_one() -> None:
    assert _tally(
        "records",
        {"key": "1", "content_hash": "a", "at_utc": DAY_1},
        {"key": "1", "content_hash": "a", "at_utc": DAY_1},
        {"key": "1", "content_hash": "b", "at_utc": DAY_2},
        {"key": "2", "content_hash": "a"},
        {"key": "2", "content_hash": "b"},
    ) == Tally(accepted=5, duplicates=1, conflicts=1)


def test_consents_are_one_by_contact_purpose_time_and_status() -> None:
    consent = {"key": "x", "purpose": "mail", "status": "granted", "at_utc": DAY_1, "content_hash": "a"}

    assert _tally(
        "consents",
        consent,
        {**consent, "content_hash": "b"},
        {**consent, "status": "denied"},
        {**consent, "at_utc": DAY_2},
    ) == Tally(accepted=4, duplicates=1, conflicts=1)
