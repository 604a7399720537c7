"""Counts of records and events by source."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import SparkSession

from cdp_spark.quality.frames import count_events, count_records
from cdp_spark.quality.measures import FieldCount, SourceCount
from cdp_spark.tables.catalog import RECORDS, SOURCE_EVENTS

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 6, 2, 12, tzinfo=UTC)


def record(key: str, **values: object) -> tuple[object, ...]:
    row: dict[str, object] = {
        "record_key": key,
        "entity_type": "person",
        "source": "crm",
        "source_record_id": key,
        "content_hash": key,
        "ingested_at_utc": NOON,
        "emails": [],
        "phones": [],
        "attributes": {},
        "value_issues": [],
        **values,
    }
    return tuple(row.get(name) for name in RECORDS.schema.names)


def test_values_unread_ones_and_attributes_are_counted_by_source(spark: SparkSession) -> None:
    rows = [
        record(
            "1", observed_at_utc=NOON, email="a@x.de", attributes={"tier": "gold"}, value_issues=["phone:too_short"]
        ),
        record("2", observed_at_utc=LATER, email="a@x.de", attributes={"tier": None}),
        record("3", source="shop", city="Ulm"),
        record("4", entity_type="visitor", source="web", email="b@x.de"),
    ]
    found = count_records(spark.createDataFrame(rows, RECORDS.schema))
    crm = [FieldCount("observed_at_utc", 2, 2), FieldCount("email", 2, 1), FieldCount("phone", 0, 0, unread=1)]
    assert sorted(found, key=lambda it: it.source) == [
        SourceCount("crm", 2, LATER, (*crm, FieldCount("tier", 1, 1))),
        SourceCount("shop", 1, None, (FieldCount("city", 1, 1),)),
    ]


def test_events_are_counted_with_the_identifiers_that_they_bear(spark: SparkSession) -> None:
    borne = [{"cookie_id": "c"}, {"cookie_id": "c", "user_id": "u"}, {}]
    rows = [
        {
            "event_key": str(place),
            "source": "web",
            "content_hash": "",
            "event_type": "view",
            "run_id": "r",
            "occurred_at_utc": NOON,
            "ingested_at_utc": LATER,
            "identifiers": it,
            "properties": {},
            "value_issues": [],
        }
        for place, it in enumerate(borne)
    ]
    values = [tuple(row.get(name) for name in SOURCE_EVENTS.schema.names) for row in rows]
    found = count_events(spark.createDataFrame(values, SOURCE_EVENTS.schema))
    assert [(it.source, it.rows) for it in found] == [("web", 3)]
    assert found[0].fields == (FieldCount("cookie_id", 2, 1), FieldCount("user_id", 1, 1))
