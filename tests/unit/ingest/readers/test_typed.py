from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import DataError

Make = Callable[..., SourceConfig]
Read = Callable[[SourceConfig], Any]

_SCHEMA = (
    "`a.b` long, whole double, half double, big double, small double, nan double, amount decimal(10,2), yes boolean, "
    "day date, at timestamp, local timestamp_ntz, raw binary, tags array<string>, none string"
)
_ROW = (
    10_000_000_000,
    42.0,
    0.5,
    12345678.25,
    0.00001,
    float("nan"),
    Decimal("12.50"),
    True,
    date(2024, 2, 29),
    datetime(2024, 1, 31, 9, 0, 0, 120000, tzinfo=UTC),
    datetime(2024, 1, 31, 10, 0),  # noqa: DTZ001
    bytearray(b"\x00\x01"),
    ["x", None],
    None,
)


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_types_become_plain_text(spark: SparkSession, tmp_path: Path, source: Make, read: Read, kind: str) -> None:
    spark.createDataFrame([_ROW], _SCHEMA).write.format(kind).save(str(tmp_path / "table"))

    assert read(source("people", format=kind, path="table")) == [
        (
            {
                "a.b": "10000000000",
                "whole": "42",
                "half": "0.5",
                "big": "12345678.25",
                "small": "0.00001",
                "amount": "12.50",
                "yes": "true",
                "day": "2024-02-29",
                "at": "2024-01-31T09:00:00.12Z",
                "local": "2024-01-31T10:00:00",
                "raw": "AAE=",
                "tags": '["x",null]',
            },
            None,
            None,
        )
    ]


def test_nothing_there(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "folder").mkdir()

    assert read(source("people", format="parquet", path="folder")) is None
    assert read(source("people", format="parquet", path="missing")) is None
    assert read(source("people", format="delta", path="missing")) is None


def test_a_file_of_another_format_is_refused(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text("id,name\n1,Ann\n")

    with pytest.raises(DataError, match="source crm: got a delivery that cannot be read as parquet"):
        read(source("people", format="parquet"))


def test_a_database_that_cannot_be_reached_shows_no_password(source: Make, read: Read) -> None:
    options = {"url": "jdbc:nosuchdb://host/db?password=hunter2", "dbtable": "people", "password": "hunter2"}

    with pytest.raises(DataError) as caught:
        read(source("people", format="jdbc", path=None, options=options))

    assert "cannot be read as jdbc" in str(caught.value)
    assert "hunter2" not in str(caught.value)
