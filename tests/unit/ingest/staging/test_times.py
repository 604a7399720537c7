from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp_spark.config.source import TimeField
from cdp_spark.ingest.staging.times import plausible_time_expr, utc_time_expr


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


_CASES: list[tuple[dict[str, Any], dict[str | None, datetime | None]]] = [
    (
        {"time_zone": "Europe/Berlin"},
        {
            "2024-01-31T10:00:00Z": _utc(2024, 1, 31, 10),
            "2024-01-31 10:00": _utc(2024, 1, 31, 9),
            "2024-07-31T10:00:00.5": _utc(2024, 7, 31, 8, 0, 0, 500_000),
            "2024-01-31T10:00+0230": _utc(2024, 1, 31, 7, 30),
            "2024-01-31": _utc(2024, 1, 30, 23),
            "2023-02-29": None,
            "12:30": None,
            "2024": None,
            None: None,
        },
    ),
    (
        {"formats": ["dd.MM.yyyy HH:mm", "dd.MM.yyyy"], "time_zone": "Europe/Berlin"},
        {"31.01.2024 10:00": _utc(2024, 1, 31, 9), "31.07.2024": _utc(2024, 7, 30, 22), "31.13.2024": None},
    ),
    ({"formats": ["dd/MM/yyyy HH:mm XXX"]}, {"31/01/2024 10:00 +02:00": _utc(2024, 1, 31, 8)}),
    ({"formats": ["epoch_seconds"]}, {"1706695200.5": _utc(2024, 1, 31, 10, 0, 0, 500_000), "9e99": None, "x": None}),
    ({"formats": ["epoch_millis"]}, {"1706695200000": _utc(2024, 1, 31, 10)}),
]


@pytest.mark.parametrize(("field", "expected"), _CASES)
def test_times_are_read_by_format_and_zone(
    spark: SparkSession, field: dict[str, Any], expected: dict[str | None, datetime | None]
) -> None:
    texts = spark.createDataFrame([(text,) for text in expected], "text string")
    parsed = utc_time_expr(F.col("text"), TimeField.model_validate(field | {"column": "text"}))

    rows = texts.select("text", F.unix_micros(parsed).alias("micros")).collect()

    assert {row["text"]: row["micros"] for row in rows} == {
        text: None if at is None else round(at.timestamp() * 1_000_000) for text, at in expected.items()
    }


def test_times_before_1900_and_after_tomorrow_are_null(spark: SparkSession) -> None:
    texts = ["0001-01-01", "1899-12-31", "1900-01-01", "2026-11-02", "2026-11-03", "9999-12-31"]
    times = spark.createDataFrame([(text,) for text in texts], "text string")
    at = plausible_time_expr(F.col("text").cast("timestamp"), as_of=_utc(2026, 11, 1, 2))

    kept = times.where(at.isNotNull()).collect()

    assert [row["text"] for row in kept] == ["1900-01-01", "2026-11-02"]
