"""How the tests of Column helpers are written: a table of texts and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from chispa import assert_column_equality
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

Check = Callable[[Callable[[Column], Column], Mapping[str, object]], None]
Evaluate = Callable[[Callable[[Column], Column], Sequence[str | None]], list[object]]


@pytest.fixture
def check(spark: SparkSession) -> Check:
    """Compare a Column helper with what is expected of each text; a null row is always among them."""

    def compare(expr: Callable[[Column], Column], expected: Mapping[str, object]) -> None:
        rows = [(None, None), *((text, None if wanted is None else str(wanted)) for text, wanted in expected.items())]
        df = spark.createDataFrame(rows, "text string, expected string").coalesce(1)
        assert_column_equality(df.withColumn("got", expr(F.col("text")).cast("string")), "got", "expected")

    return compare


@pytest.fixture
def evaluate(spark: SparkSession) -> Evaluate:
    """What a Column helper makes of each text."""

    def collect(expr: Callable[[Column], Column], texts: Sequence[str | None]) -> list[object]:
        rows = spark.createDataFrame([(text,) for text in texts], "text string").coalesce(1)
        return [row[0] for row in rows.select(expr(F.col("text"))).collect()]

    return collect
