"""Rows of records and profiles that name only what a test is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.tables.catalog import PROFILES, RECORDS, UNIFIED_IDS

Rows = Callable[..., DataFrame]

DAY_1 = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def make_records(spark: SparkSession) -> Rows:
    """Records of persons from source crm, observed on the first day, unless a row says otherwise."""

    def make(*rows: dict[str, Any]) -> DataFrame:
        defaults = {
            "entity_type": "person",
            "source": "crm",
            "content_hash": "-",
            "observed_at_utc": DAY_1,
            "ingested_at_utc": DAY_1,
            "emails": [],
            "phones": [],
            "attributes": {},
            "value_issues": [],
        }
        complete = [
            {**dict.fromkeys(RECORDS.schema.names), **defaults, "source_record_id": row["record_key"], **row}
            for row in rows
        ]
        return spark.createDataFrame(complete, RECORDS.schema)

    return make


@pytest.fixture(scope="session")
def make_ids(spark: SparkSession) -> Rows:
    """Unified ids from `record_key=unified_id`."""

    def make(**ids: str) -> DataFrame:
        return spark.createDataFrame([(key, "person", value) for key, value in ids.items()], UNIFIED_IDS.schema)

    return make


@pytest.fixture(scope="session")
def make_profiles(spark: SparkSession) -> Rows:
    """Profiles of persons without any value unless a row says otherwise."""

    def make(*rows: dict[str, Any]) -> DataFrame:
        defaults = {
            "entity_type": "person",
            "emails": [],
            "phones": [],
            "attributes": {},
            "sources": ["crm"],
            "record_count": 1,
            "consents": {},
        }
        complete = [{**dict.fromkeys(PROFILES.schema.names), **defaults, **row} for row in rows]
        return spark.createDataFrame(complete, PROFILES.schema)

    return make
