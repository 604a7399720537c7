"""From events to visitors: one record for each set of identifiers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp_spark.standardise.mapping import RawMapping
from cdp_spark.standardise.visitors import build_identifier_sets, build_visitors
from cdp_spark.tables.catalog import RECORDS, SOURCE_EVENTS
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr

MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))
EVENTS = [
    ("1", "web", MAY, JULY, {"cookie_id": "c1"}),
    ("2", "web", JULY, JUNE, {"cookie_id": "c1"}),
    ("3", "ads", JUNE, JULY, {"cookie_id": "c1"}),
    ("4", "web", JUNE, JUNE, {"user_id": "u1", "cookie_id": "c1"}),
    ("5", "web", JULY, JULY, {"cookie_id": "c1", "user_id": "u1"}),
    ("6", "web", MAY, MAY, {}),
    ("7", "gone", MAY, MAY, {"cookie_id": "c2"}),
]


def _events(spark: SparkSession) -> DataFrame:
    unsaid = [None] * 13
    rows: list[tuple[object, ...]] = [
        (key, source, "hash", "view", at, loaded, "run", None, ids, *unsaid, [], {})
        for key, source, at, loaded, ids in EVENTS
    ]
    return spark.createDataFrame(rows, SOURCE_EVENTS.schema)


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_set_is_one_row_whatever_the_order(spark: SparkSession, partitions: int) -> None:
    found = build_identifier_sets(_events(spark).repartition(partitions), ["ads", "web"])
    expected = [
        ('{"cookie_id":"c1"}', MAY, JULY, JUNE, ["ads", "web"]),
        ('{"cookie_id":"c1","user_id":"u1"}', JUNE, JULY, JUNE, ["web"]),
    ]
    frame = spark.createDataFrame(expected, found.schema)
    assert_df_equality(found, frame, ignore_row_order=True, ignore_nullable=True)


def test_a_visitor_has_identifiers_and_no_attributes(spark: SparkSession) -> None:
    sets = [
        ('{"cookie_id":"c1","device_id":"AB","email":"Ann.Lee@gmail.com","user_id":"null"}', MAY, JULY, MAY, ["web"])
    ]
    schema = build_identifier_sets(_events(spark), ["web"]).schema
    mapping = RawMapping({}, {it: it for it in ("cookie_id", "device_id", "email", "user_id")}, default_region="DE")
    found = build_visitors(spark.createDataFrame(sets, schema), mapping, as_of=date(2026, 7, 2))
    assert [name for name in found.columns if name not in RECORDS.schema.names] == ["identifiers"]
    row = found.select("*", F.filter("identifiers", lambda item: item.isNotNull()).alias("ids")).collect()[0].asDict()
    ids = [(item.type, item.value, item.reason) for item in row.pop("ids") if item.type != "email_sha256"]
    assert ids == [
        ("email", "annlee@gmail.com", None),
        ("user_id", "null", "placeholder"),
        ("device_id", "ab", None),
        ("cookie_id", "c1", None),
    ]
    filled = {name: value for name, value in row.items() if value not in (None, [], {}) and name != "identifiers"}
    assert set(filled) == {
        *("record_key", "entity_type", "source", "source_record_id", "content_hash", "observed_at_utc"),
        *("ingested_at_utc", "first_seen_at_utc", "event_sources"),
    }
    assert (row["entity_type"], row["source"], row["source_record_id"]) == ("visitor", "events", sets[0][0])


def test_an_event_knows_the_key_of_its_visitor(spark: SparkSession) -> None:
    keyed = _events(spark).select(visitor_key_expr(identifier_set_expr(F.col("identifiers"))).alias("record_key"))
    sets = build_identifier_sets(_events(spark), ["ads", "web"])
    visitors = build_visitors(sets, RawMapping({}, {it: it for it in ("cookie_id", "user_id")}), as_of=date(2026, 7, 2))
    counts = {row.record_key: row["count"] for row in keyed.groupBy("record_key").count().collect()}
    known = {row.record_key for row in visitors.select("record_key").collect()}
    assert sorted(count for key, count in counts.items() if key in known) == [2, 3]
    assert counts[None] == 1
