"""What only Spark reads, staged in its tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import DataError
from cdp_spark.ingest.deliveries import open_deliveries
from cdp_spark.ingest.frames import SparkReading, open_in_spark, stage_in_spark
from cdp_spark.ingest.reading import open_source
from cdp_spark.ingest.staging.rows import Staging, stage_batch

Make = Callable[..., SourceConfig]
_AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
_SCHEMA = (
    "`a.b` long, whole double, small double, amount decimal(10,2), day date, at timestamp, local timestamp_ntz, "
    "raw binary, tags array<string>, none string"
)
_ROW = (
    10_000_000_000,
    42.0,
    0.00001,
    Decimal("12.50"),
    date(2024, 2, 29),
    datetime(2024, 1, 31, 9, 0, 0, 120000, tzinfo=UTC),
    datetime(2024, 1, 31, 10, 0),  # noqa: DTZ001
    bytearray(b"\x00\x01"),
    ["x", None],
    None,
)
_TEXTS = {
    "a.b": "10000000000",
    "whole": "42",
    "small": "0.00001",
    "amount": "12.50",
    "day": "2024-02-29",
    "at": "2024-01-31T09:00:00.12Z",
    "local": "2024-01-31T10:00:00",
    "raw": "AAE=",
    "tags": '["x",null]',
}


def _rows(reading: SparkReading, source: SourceConfig) -> list[tuple[Any, ...]]:
    staging = Staging(source, _AS_OF, "US", names_columns=reading.columns is None)
    names = ("key", "content_hash", "row", "reason", "raw_text", "line")
    return sorted((tuple(row) for row in stage_in_spark(reading, staging).select(*names).collect()), key=str)


def _rows_here(source: SourceConfig, folder: Path) -> list[tuple[Any, ...]]:
    reading = open_source(source, folder=str(folder))
    assert reading is not None
    staging = Staging(source, _AS_OF, "US")
    rows = [row for batch in reading.batches() for row in stage_batch(batch, staging).to_pylist()]
    told = [
        (it["key"], it["content_hash"], it["row"] and dict(it["row"]), it["reason"], it["raw_text"], it["line"])
        for it in rows
    ]
    return sorted(told, key=str)


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_types_become_plain_text(spark: SparkSession, tmp_path: Path, source: Make, kind: str) -> None:
    spark.createDataFrame([_ROW], _SCHEMA).write.format(kind).save(str(tmp_path / "table"))
    table = source("people", format=kind, path="table", key=("whole",))

    reading = open_in_spark(spark, table, str(tmp_path / "table"))

    assert reading is not None
    assert list((reading.columns or {}).values())[:6] == [
        "bigint",
        "double",
        "double",
        "decimal(10,2)",
        "date",
        "timestamp",
    ]
    assert [row[2] for row in _rows(reading, table)] == [_TEXTS]
    if kind == "parquet":
        here = open_source(table, folder=str(tmp_path))
        assert here is not None
        assert here.columns == reading.columns
        assert _rows_here(table, tmp_path) == _rows(reading, table)


_FILES = {
    "a.csv": b'\xef\xbb\xbfid,name,email\r\n1,Ann,a@x\r\n2,"Bob\r\n3,Cy\r",c\r\n4,"Di,d\r\n5,E\xeb,e\r\n\r\n6,Flo\r\n',
    "b.csv": b"email;id;name;age\nb;7;Bo;40\n",
    "c.csv": b"",
}
_BY_LINE = {"a.csv": b'\xef\xbb\xbfid,name,email\r\n1,"A",\xeb\r\n\r\n6,Flo\r\n', "b.csv": _FILES["b.csv"]}
_LINES = {"a.csv": b'{"id": 1}\n\n{"id": 2, "x": [1]}\r\n{"id"\n', "b.csv": b'{"id": 3, "x": "J\xe9r"}'}


@pytest.mark.parametrize(
    ("settings", "contents"),
    [
        ({"format": "csv"}, _FILES),
        ({"format": "csv", "options": {"multiLine": "false", "encoding": "Windows-1252"}}, _BY_LINE),
        (
            {"format": "csv", "options": {"encoding": "UTF-16", "skipLines": "2", "delimiter": "\\t"}},
            {"a.csv": "All\r\n\r\nid\tname\temail\r\n1\tÄnn\ta\r\n".encode("utf-16"), "b.csv": b""},
        ),
        ({"format": "json"}, _LINES | {"c.json": b'[{"id": 4},\n{"id": 5}, {]'[:-3] + b"]"}),
        ({"format": "json", "options": {"encoding": "UTF-16"}}, {"a.csv": '{"id": 1}\n{"id": "Ä"}\n'.encode("utf-16")}),
        (
            {"format": "json", "options": {"multiLine": "true"}},
            {"a.csv": b'[{"id": 1},\n{"id": 2}]', "b.csv": b'{"id": 3}'},
        ),
    ],
)
def test_files_elsewhere_are_read_alike(
    spark: SparkSession, tmp_path: Path, source: Make, settings: dict[str, Any], contents: dict[str, bytes]
) -> None:
    (tmp_path / "crm").mkdir()
    for name, content in contents.items():
        (tmp_path / "crm" / name).write_bytes(content)
    crm = source("people", path="crm", **settings)

    reading = open_in_spark(spark, crm, str(tmp_path / "crm"))

    assert reading is not None
    assert _rows(reading, crm) == _rows_here(crm, tmp_path)


def test_what_cannot_be_read(spark: SparkSession, tmp_path: Path, source: Make) -> None:
    (tmp_path / "crm.csv").write_text("id,name\n1,Ann\n")
    options = {"url": "jdbc:nosuchdb://host/db?password=hunter2", "dbtable": "people", "password": "hunter2"}

    assert open_in_spark(spark, source("people"), str(tmp_path / "missing")) is None
    assert open_in_spark(spark, source("people", format="delta"), str(tmp_path / "missing")) is None
    opened = open_deliveries(spark, [source("people", format="parquet")], folder=str(tmp_path))
    assert "source crm: got a delivery that cannot be read as parquet" in str(opened["crm"])
    pq.write_table(pa.table({"at": pa.array([1], pa.timestamp("ns"))}), tmp_path / "nanos.parquet")
    with pytest.raises(DataError, match="times in nanoseconds, which Spark does not read"):
        open_in_spark(spark, source("people", format="parquet"), str(tmp_path / "nanos.parquet"))
    with pytest.raises(DataError) as caught:
        open_in_spark(spark, source("people", format="jdbc", path=None, options=options), None)
    assert "cannot be read as jdbc" in str(caught.value)
    assert "hunter2" not in str(caught.value)
