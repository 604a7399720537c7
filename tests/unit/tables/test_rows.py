"""Rows from Arrow memory to frames."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import SparkSession

from cdp_spark.tables.rows import as_frame


def test_rows_behind_an_empty_chunk_are_in_the_frame(spark: SparkSession) -> None:
    one, none, other = (pa.table({"k": pa.array(keys, pa.string())}) for keys in (["a"], [], ["b"]))
    assert sorted(row["k"] for row in as_frame(spark, pa.concat_tables([one, none, other])).collect()) == ["a", "b"]
    assert as_frame(spark, none).collect() == []
