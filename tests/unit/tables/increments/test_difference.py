from __future__ import annotations

from pyspark.sql import SparkSession

from cdp_spark.tables.increments.difference import build_changed

_SCHEMA = "k string, a string, b string, m map<string,string>"


def test_rows_that_are_new_gone_or_changed_are_found_whatever_their_order(spark: SparkSession) -> None:
    before = [
        ("same", "1", None, {"x": "1", "y": "2"}),
        ("moved_null", "1", None, {}),
        ("other_map", "1", "1", {"x": "1"}),
        ("gone", None, None, None),
        ("several", "1", "1", {}),
        ("several", "2", "2", {}),
    ]
    now = [
        ("several", "2", "2", {}),
        ("several", "1", "1", {}),
        ("several", "3", "3", {}),
        ("new", "1", "1", {}),
        ("other_map", "1", "1", {"x": "2"}),
        ("moved_null", None, "1", {}),
        ("same", "1", None, {"y": "2", "x": "1"}),
    ]
    now_rows, rows_before = (spark.createDataFrame(rows, _SCHEMA) for rows in (now, before))
    changed = {row["k"] for row in build_changed(now_rows, rows_before, ["k"], ["a", "b", "m"]).collect()}
    assert changed == {"new", "gone", "moved_null", "other_map", "several"}
    assert {row["k"] for row in build_changed(now_rows, rows_before, ["k"], ["b"]).collect()} == {
        "new",
        "gone",
        "moved_null",
        "several",
    }
