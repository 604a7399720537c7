"""The quality stage over several runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from pyspark.sql import SparkSession
from tests.unit.quality.test_frames import record

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.source import SourceConfig
from cdp_spark.quality.stage import run
from cdp_spark.tables.catalog import DATA_QUALITY, RECORDS
from cdp_spark.tables.run import Basis, LastFinish, RunContext
from cdp_spark.tables.store import Store

NIGHT = datetime(2026, 6, 1, 2, tzinfo=UTC)
CRM = SourceConfig.model_validate(
    {"name": "crm", "kind": "records", "format": "csv", "path": "crm.csv", "key": "id", "columns": {"email": "E-Mail"}}
)
SETTINGS = ProjectSettings(name="test", namespace=UUID(int=7), warehouse=Warehouse(path="warehouse"))
PROJECT = Project(folder=".", settings=SETTINGS, sources=(CRM,), match=MatchConfig(), config_hash="0")


def measured(store: Store, ordinal: int) -> dict[str, float]:
    rows = [row for row in store.fetch(DATA_QUALITY).to_pylist() if row["ordinal"] == ordinal]
    return {f"{row['field'] or 'crm'} {row['measure']}": row["value"] for row in rows}


def context_of(store: Store, ordinal: int, basis: Basis | None = None) -> RunContext:
    last = LastFinish(ordinal - 1, {}, {}) if ordinal > 1 else None
    as_of = NIGHT + timedelta(days=ordinal)
    return RunContext(store, PROJECT, f"run-{ordinal}", ordinal, as_of, last=last, basis=basis)


def test_unchanged_rows_are_not_counted_again_and_a_field_that_nobody_fills_any_more_is_told(
    spark: SparkSession, tmp_path: Path
) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    filled = [record("1", email="a@x.de", city="Ulm", observed_at_utc=NIGHT), record("2", observed_at_utc=NIGHT)]
    version = store.overwrite(RECORDS, RECORDS.table(filled))
    first = {"crm rows": 2, "crm freshness_days": 1.0}
    fields = {
        "email completeness": 0.5,
        "email validity": 1.0,
        "email uniqueness": 1.0,
        "city completeness": 0.5,
        "city validity": 1.0,
        "city uniqueness": 1.0,
        "observed_at_utc completeness": 1.0,
        "observed_at_utc validity": 1.0,
        "observed_at_utc uniqueness": 0.5,
    }
    run(context_of(store, 1))
    run(context_of(store, 1))  # started again: said once
    assert measured(store, 1) == {**first, **fields}
    assert store.count(DATA_QUALITY) == len(first) + len(fields)

    basis = Basis(1, NIGHT + timedelta(days=1), {RECORDS.name: version, "source_events": -1}, {})
    assert run(context_of(store, 2, basis)).detail == "rows unchanged since run 1"
    assert measured(store, 2) == {**first, **fields, "crm freshness_days": 2.0}

    emptied = spark.createDataFrame([record("1"), record("2")], RECORDS.schema)
    store.overwrite(RECORDS, emptied)
    run(context_of(store, 3, basis))
    gone = {"email completeness": 0.0, "city completeness": 0.0, "observed_at_utc completeness": 0.0}
    assert measured(store, 3) == {"crm rows": 2, **gone}
