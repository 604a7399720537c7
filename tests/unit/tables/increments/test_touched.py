"""Which records the stages worked on since a run."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pyspark.sql import SparkSession

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.tables.catalog import TOUCHED_RECORDS
from cdp_spark.tables.increments.touched import (
    CLUSTERING,
    KEPT_RUNS,
    MATCHING,
    fetch_touched,
    record_touched,
)
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store

SETTINGS = ProjectSettings(name="test", namespace=UUID(int=7), warehouse=Warehouse(path="warehouse"))
PROJECT = Project(folder=".", settings=SETTINGS, sources=(), match=MatchConfig(), config_hash="0")


def _context(store: Store, ordinal: int) -> RunContext:
    return RunContext(store, PROJECT, f"run-{ordinal}", ordinal, datetime(2026, 1, 1, tzinfo=UTC))


def _read(store: Store, ordinal: int, *, since: int, entity_type: str = "person") -> list[str] | None:
    context = _context(store, ordinal)
    fetched = fetch_touched(context, MATCHING, since=since, entity_types=[entity_type])
    return None if fetched is None else sorted(fetched.to_pylist())


def test_what_runs_touched_adds_up_until_one_touched_all(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    for ordinal, keys in ((2, "ab"), (3, "bc"), (KEPT_RUNS, "d")):
        rows = spark.createDataFrame([(key,) for key in keys], "record_key string")
        everything = None if ordinal == 3 else rows
        record_touched(_context(store, ordinal), MATCHING, {"person": rows, "account": everything})
    record_touched(_context(store, KEPT_RUNS), MATCHING, {"person": rows, "account": rows})  # started again: said once
    record_touched(_context(store, KEPT_RUNS), CLUSTERING, {"person": None})
    assert store.read(TOUCHED_RECORDS).count() == 2 * 5
    assert _read(store, 4, since=1) == ["a", "b", "c", "d"]
    assert _read(store, 4, since=2) == ["b", "c", "d"]
    assert _read(store, 4, since=1, entity_type="account") is None
    assert _read(store, 4, since=3, entity_type="account") == ["d"]
    assert _read(store, KEPT_RUNS + 2, since=2) is None
    of_both = fetch_touched(_context(store, 4), MATCHING, since=3, entity_types=["person", "account"])
    assert of_both is not None
    assert of_both.to_pylist() == ["d"]
