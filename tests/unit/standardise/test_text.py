from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.unit.standardise.conftest import Check

from cdp_spark.standardise.lookup import is_listed_expr, lookup_expr


def test_lookup_finds_what_the_table_has(check: Check) -> None:
    table = {f"word{number}": f"value{number}" for number in range(500)}
    check(lambda word: lookup_expr(table, word), {**table, "word500": None, "": None})
    check(lambda word: is_listed_expr(table, word), {"word7": "true", "word-7": "false", "": "false"})
    check(lambda word: is_listed_expr([], word), {"word7": "false"})


def test_lookups_are_constants(spark: SparkSession) -> None:
    """The table is folded once: no row parses it."""
    rows = spark.createDataFrame([("a",)], "text string")
    plan = (
        rows.select(lookup_expr({"a": "b"}, F.col("text")).alias("found"))
        ._jdf.queryExecution()
        .optimizedPlan()
        .toString()
    )
    assert "from_json" not in plan
