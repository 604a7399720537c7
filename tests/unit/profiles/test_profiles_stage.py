from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.profiles.stage import run
from cdp_spark.tables.catalog import PROFILE_HISTORY, PROFILE_VALUES, PROFILES, RECORDS, UNIFIED_IDS
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store

Rows = Callable[..., DataFrame]


def context_of(store: Store, **values: Any) -> RunContext:
    settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="warehouse"))
    project = Project(folder=".", settings=settings, sources=(), match=MatchConfig(), config_hash="-")
    defaults = {"run_id": "run-1", "ordinal": 1, "as_of": datetime(2026, 1, 9, tzinfo=UTC)}
    return RunContext(store=store, project=project, **{**defaults, **values})


def test_a_second_night_on_the_same_input_changes_nothing(
    spark: SparkSession, tmp_path: Path, make_records: Rows, make_ids: Rows
) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    store.overwrite(RECORDS, make_records({"record_key": "a", "city": "Ulm"}, {"record_key": "b"}))
    store.overwrite(UNIFIED_IDS, make_ids(a="u", b="v"))
    first = run(context_of(store))
    assert first.metrics == {"profiles.person": 2.0}
    assert set(first.versions) == {"profiles", "profile_values", "profile_history"}
    before = [store.read(spec).localCheckpoint() for spec in (PROFILES, PROFILE_VALUES, PROFILE_HISTORY)]
    later = datetime(2026, 1, 10, tzinfo=UTC)
    run(context_of(store, run_id="run-2", ordinal=2, as_of=later, base_versions=first.versions))
    for spec, rows in zip((PROFILES, PROFILE_VALUES, PROFILE_HISTORY), before, strict=True):
        keys = spec.keys
        assert_df_equality(store.read(spec), rows, transforms=[lambda each, keys=keys: each.sort(*keys)])
