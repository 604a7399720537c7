from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.ingest.reading import open_source
from cdp_spark.ingest.reading.typed import text_column

Make = Callable[..., SourceConfig]
Read = Callable[[SourceConfig], Any]

_TABLE = {
    "a.b": pa.array([10_000_000_000], pa.int64()),
    "whole": pa.array([42.0], pa.float64()),
    "half": pa.array([0.5], pa.float32()),
    "big": pa.array([12345678.25], pa.float64()),
    "small": pa.array([0.00001], pa.float64()),
    "nan": pa.array([float("nan")], pa.float64()),
    "amount": pa.array([Decimal("12.50")], pa.decimal128(10, 2)),
    "yes": pa.array([True], pa.bool_()),
    "day": pa.array([date(2024, 2, 29)], pa.date32()),
    "at": pa.array([datetime(2024, 1, 31, 9, 0, 0, 120000, tzinfo=UTC)], pa.timestamp("us", "Europe/Berlin")),
    "local": pa.array([datetime(2024, 1, 31, 10, 0)], pa.timestamp("ns")),  # noqa: DTZ001
    "raw": pa.array([b"\x00\x01"], pa.binary()),
    "tags": pa.array([["x", None]], pa.list_(pa.string())),
    "kind": pa.array(["x"]).dictionary_encode(),
    "person": pa.array(
        [{"name": "Ann", "age": None, "born": date(2000, 1, 2), "at": datetime(2024, 1, 31, 9, tzinfo=UTC)}],
        pa.struct(
            [("name", pa.string()), ("age", pa.int32()), ("born", pa.date32()), ("at", pa.timestamp("us", "UTC"))]
        ),
    ),
    "rates": pa.array([[("x", Decimal("1.10"))]], pa.map_(pa.string(), pa.decimal128(4, 2))),
    "none": pa.array([None], pa.string()),
}
_COLUMNS = {
    "a.b": "bigint",
    "whole": "double",
    "half": "float",
    "big": "double",
    "small": "double",
    "nan": "double",
    "amount": "decimal(10,2)",
    "yes": "boolean",
    "day": "date",
    "at": "timestamp",
    "local": "timestamp_ntz",
    "raw": "binary",
    "tags": "array<string>",
    "kind": "string",
    "person": "struct<name:string,age:int,born:date,at:timestamp>",
    "rates": "map<string,decimal(4,2)>",
    "none": "string",
}
_TEXTS = {
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
    "kind": "x",
    "person": '{"at":"2024-01-31T09:00:00.000000Z","born":"2000-01-02","name":"Ann"}',
    "rates": '{"x":1.1}',
}


def test_types_become_plain_text(tmp_path: Path, source: Make, read: Read) -> None:
    pq.write_table(pa.table(_TABLE), tmp_path / "crm.parquet")
    crm = source("people", format="parquet", path="crm.parquet")

    reading = open_source(crm, folder=str(tmp_path))

    assert reading is not None
    assert reading.columns == _COLUMNS
    assert read(crm) == [(_TEXTS, None, None)]


def test_the_oldest_kind_of_times_is_utc(tmp_path: Path, source: Make, read: Read) -> None:
    times = pa.table({"at": _TABLE["local"]})
    pq.write_table(times, tmp_path / "crm.parquet", use_deprecated_int96_timestamps=True)
    crm = source("people", format="parquet", path="crm.parquet")

    reading = open_source(crm, folder=str(tmp_path))

    assert reading is not None
    assert reading.columns == {"at": "timestamp"}
    assert read(crm) == [({"at": "2024-01-31T10:00:00Z"}, None, None)]


_IN_NANOS = pa.timestamp("ns")
_NANOS = 1_706_695_200_123_456_789


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([_NANOS], pa.timestamp("ns")), "2024-01-31T10:00:00.123456"),
        (pa.array([_NANOS], pa.timestamp("ns", "Europe/Berlin")), "2024-01-31T10:00:00.123456Z"),
        (
            pa.array(
                [{"at": _NANOS, "in": [_NANOS]}],
                pa.struct({"at": pa.timestamp("ns"), "in": pa.list_(pa.timestamp("ns"))}),
            ),
            '{"at":"2024-01-31T10:00:00.123456","in":["2024-01-31T10:00:00.123456"]}',
        ),
        (pa.array([253_402_300_800_000_000], pa.timestamp("us")), "253402300800000000"),
        (pa.array([None], pa.timestamp("ns")), None),
    ],
)
def test_times_in_nanoseconds_and_beyond_the_calendar(column: pa.Array, text: str | None) -> None:
    assert text_column(pa.chunked_array([column])).to_pylist() == [text]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (-0.0, "0"),
        (1e15, "1000000000000000"),
        (1234567.5, "1234567.5"),
        (-1.5e-7, "-0.00000015"),
        (1e-30, "0"),
        (2.0**60, "1152921504606847000"),
        (1e22, "1.0E22"),
        (1.25e30, "1.25E30"),
        (float("inf"), "Infinity"),
        (None, None),
    ],
)
def test_numbers_are_plain(number: float | None, text: str | None) -> None:
    assert text_column(pa.array([number], pa.float64())).to_pylist() == [text]


def test_a_short_number_has_no_more_digits_than_it_needs() -> None:
    assert text_column(pa.array([np.float32(0.1), np.float32(1e-5)], pa.float32())).to_pylist() == ["0.1", "0.00001"]


def test_nothing_there(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "folder").mkdir()

    assert read(source("people", format="parquet", path="folder")) is None
    assert read(source("people", format="parquet", path="missing")) is None


def test_a_file_of_another_format_is_refused(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text("id,name\n1,Ann\n")

    with pytest.raises(DataError, match="source crm: got a delivery that cannot be read as parquet"):
        read(source("people", format="parquet"))


@pytest.mark.parametrize("place", [{"path": "s3://bucket/crm.csv"}, {"format": "delta"}])
def test_what_only_spark_reads(source: Make, read: Read, place: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="files of this machine"):
        read(source("people", **place))
