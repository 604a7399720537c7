"""Events and the profiles of their visitors, as whole frames."""

from __future__ import annotations

from datetime import UTC, datetime

from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp_spark.events.stitch import build_unified_events
from cdp_spark.events.worth import Rates
from cdp_spark.tables.catalog import SOURCE_EVENTS, UNIFIED_EVENTS, UNIFIED_IDS
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVENTS = {
    "anonymous": {"cookie_id": "c1"},
    "logged in": {"user_id": "u1", "cookie_id": "c1"},
    "the same": {"cookie_id": "c1", "user_id": "u1"},
    "stranger": {"cookie_id": "c2"},
    "nobody": {},
}


def test_every_event_stays_and_has_the_id_of_its_visitor(spark: SparkSession) -> None:
    unsaid = [None] * 10
    rows: list[tuple[object, ...]] = [
        (key, "web", "hash", "view", NOON, NOON, "run", None, borne, *unsaid, None, None, None, [], {"url": "/"})
        for key, borne in EVENTS.items()
    ]
    events = spark.createDataFrame(rows, SOURCE_EVENTS.schema)
    keyed = events.select("event_key", visitor_key_expr(identifier_set_expr(F.col("identifiers"))).alias("key"))
    keys = {row.event_key: row.key for row in keyed.collect()}
    assert keys["logged in"] == keys["the same"]
    ids = [(keys["anonymous"], "visitor", "p"), (keys["logged in"], "visitor", "p"), ("crm-1", "person", "p")]
    found = build_unified_events(events, spark.createDataFrame(ids, UNIFIED_IDS.schema), Rates("EUR"))
    of_person = dict.fromkeys(("anonymous", "logged in", "the same"), "p")
    expected = [
        (key, "web", "view", NOON, None, keys[key], of_person.get(key), *unsaid, {"url": "/"}) for key in EVENTS
    ]
    frame = spark.createDataFrame(expected, UNIFIED_EVENTS.schema)
    assert_df_equality(found.orderBy("event_key"), frame.orderBy("event_key"), ignore_nullable=True)
