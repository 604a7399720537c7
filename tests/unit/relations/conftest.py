"""Rows of records and profiles from the few columns that a test is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from cdp_spark.tables.catalog import PROFILES, RECORDS
from cdp_spark.tables.spec import TableSpec

_DEFAULTS = {
    "emails": [],
    "phones": [],
    "attributes": {},
    "sources": [],
    "consents": {},
    "value_issues": [],
    "record_count": 1,
    "source": "crm",
    "source_record_id": "-",
    "content_hash": "-",
    "entity_type": "person",
    "ingested_at_utc": datetime(2026, 1, 1, tzinfo=UTC),
}


def rows_of(spark: SparkSession, spec: TableSpec, *rows: dict[str, Any]) -> DataFrame:
    """Rows of a table whose other columns are empty; persons, unless a row says otherwise."""
    names = spec.schema.names
    empty = {**dict.fromkeys(names), **{name: value for name, value in _DEFAULTS.items() if name in names}}
    return spark.createDataFrame([tuple({**empty, **row}.values()) for row in rows], spec.schema)


def people_records(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    """Records of persons; `unified_id` is the person's."""
    return _with_column(spark, "unified_id", rows)


def account_records(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    """Records of accounts with `account_id` and `account_record_key`, as `with_ids` gives them."""
    named = [{**row, "record_key": row["account_record_key"]} for row in rows]
    return _with_column(spark, "account_id", named).withColumnRenamed("record_key", "account_record_key")


def _with_column(spark: SparkSession, name: str, rows: Any) -> DataFrame:
    records = rows_of(spark, RECORDS, *[{key: row[key] for key in row if key in RECORDS.schema.names} for row in rows])
    ids = spark.createDataFrame([(row["record_key"], row[name]) for row in rows], f"record_key string, {name} string")
    return records.join(ids, on="record_key", how="inner")


def profiles_of(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    """Profiles."""
    return rows_of(spark, PROFILES, *rows)
