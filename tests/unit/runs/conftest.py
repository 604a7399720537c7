"""A warehouse in a temporary folder and stages that stand in for the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.unit.runs.fakes import FakeStages

from cdp_spark.tables.store import Store


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path) -> Store:
    return Store(spark, str(tmp_path / "warehouse"))


@pytest.fixture
def stages() -> FakeStages:
    return FakeStages(
        ids={"r1": "p1", "r2": "p1", "r3": "p2"},
        metrics={"ingest": {"crm.rows_delivered": 10.0, "crm.rows_rejected": 1.0}},
    )
