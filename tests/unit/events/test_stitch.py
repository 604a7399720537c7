"""Events and the profiles of their visitors, as whole tables, on the driver and in Spark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp_spark.events.stitch import OrderLines, build_unified_events
from cdp_spark.events.visitors import identifier_sets, visitor_keys
from cdp_spark.events.worth import Rates
from cdp_spark.tables.catalog import SOURCE_EVENTS, SOURCE_ORDER_LINES, UNIFIED_EVENTS
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr
from cdp_spark.tables.rows import Rows, as_frame, as_table

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVENTS: dict[str, dict[str, str]] = {
    "anonymous": {"cookie_id": "c1"},
    "logged in": {"user_id": "u1", "cookie_id": "c1"},
    "the same": {"cookie_id": "c1", "user_id": "u1"},
    "stranger": {"cookie_id": "c2"},
    "odd signs": {"cookie_id": 'a"b\\c\x1f\n/é', "x\u2028": "\x7f"},
    "nobody": {},
}
UNSAID = [None] * 10
KEYS = visitor_keys(
    identifier_sets(pa.array([list(it.items()) for it in EVENTS.values()], pa.map_("string", "string")))
)
IDS = pa.table({"record_key": [KEYS[0], KEYS[1]], "unified_id": ["p", "p"]})


def _tables(spark: SparkSession, engine: str, *tables: pa.Table) -> list[Rows]:
    return [as_frame(spark, it) if engine == "Spark" else it for it in tables]


def _sorted(rows: Rows) -> list[dict[str, Any]]:
    return sorted(as_table(rows).to_pylist(), key=lambda row: str(row["event_key"]))


def test_spark_and_the_driver_know_a_visitor_by_the_same_key(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(it,) for it in EVENTS.values()], "identifiers map<string,string>")
    keyed = frame.select(visitor_key_expr(identifier_set_expr(F.col("identifiers"))).alias("key"))
    assert [row.key for row in keyed.collect()] == KEYS.to_pylist()
    assert KEYS[1] == KEYS[2]
    assert KEYS[5].as_py() is None


@pytest.mark.parametrize("engine", ["driver", "Spark"])
def test_every_event_stays_and_has_the_id_of_its_visitor(spark: SparkSession, engine: str) -> None:
    events = SOURCE_EVENTS.table(
        [
            (key, "web", "hash", "view", NOON, NOON, "run", None, borne, *UNSAID, None, None, None, [], {"url": "/"})
            for key, borne in EVENTS.items()
        ]
    )
    source, ids = _tables(spark, engine, events, IDS)
    found = build_unified_events(source, ids, Rates("EUR"))
    of_person = dict.fromkeys(("anonymous", "logged in", "the same"), "p")
    expected = UNIFIED_EVENTS.table(
        [
            (name, "web", "view", NOON, None, key, of_person.get(name), *UNSAID, {"url": "/"})
            for name, key in zip(EVENTS, KEYS.to_pylist(), strict=True)
        ]
    )
    assert _sorted(found) == _sorted(expected)


def _order(key: str, at: datetime) -> tuple[Any, ...]:
    return (key, "shop", "hash", "purchase", at, NOON, "run", None, {}, None, None, "EUR", *[None] * 6)


@pytest.mark.parametrize("engine", ["driver", "Spark"])
def test_orders_have_their_lines_in_order_and_are_cancelled(spark: SparkSession, engine: str) -> None:
    own = [{"product_id": "Z", "category": None, "quantity": 1.0, "value": Decimal(7)}]
    rows = [
        (*_order(f"e{number}", NOON + timedelta(hours=number)), lines, order, None, order, [], {})
        for number, (order, lines) in enumerate([("O1", None), ("O2", own), (None, None), ("O3", None)])
    ]
    delivered = [("O1", "10", "k1", "A"), ("O1", "9", "k2", "B"), ("O1", None, "k3", "C"), ("O2", "1", "k4", "D")]
    lines = SOURCE_ORDER_LINES.table(
        [
            (key, "items", order, line, "h", product, None, 2.0, Decimal(3), [], NOON, "run", None)
            for order, line, key, product in delivered
        ]
    )
    cancelled = pa.table({"order_key": ["O3", "O4"]})
    source, ids, orders, of_lines = _tables(spark, engine, SOURCE_EVENTS.table(rows), IDS, cancelled, lines)
    found = build_unified_events(source, ids, Rates("EUR"), cancelled=orders, order_lines=OrderLines(of_lines, 4))
    told = [
        (row["event_type"], row["value"], row["lines"] and [(it["product_id"], it["value"]) for it in row["lines"]])
        for row in _sorted(found)
    ]
    assert told == [
        ("purchase", 9, [("C", 3), ("B", 3), ("A", 3)]),
        ("purchase", 7, [("Z", 7)]),
        ("purchase", None, None),
        ("cancelled_order", None, None),
    ]
