from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.profiles.history import NOT_CONTENT, profile_at
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


def test_the_history_of_a_time_and_the_table_of_that_night_agree(
    spark: SparkSession, tmp_path: Path, make_records: Rows, make_ids: Rows
) -> None:
    """A merge, its end, a changed value and a person who leaves; `NOT_CONTENT` moves without a span of its own."""
    store = Store(spark, str(tmp_path / "warehouse"))
    ulm, rome, bonn = ({"record_key": "a", "city": city} for city in ("Ulm", "Rome", "Bonn"))
    other, late = {"record_key": "b", "family_name": "Lee"}, {"observed_at_utc": datetime(2026, 1, 31, tzinfo=UTC)}
    nights: list[tuple[list[dict[str, Any]], dict[str, str]]] = [
        ([ulm, other], {"a": "u", "b": "v"}),
        ([ulm, other], {"a": "u", "b": "u"}),
        ([rome, other], {"a": "u", "b": "v"}),
        ([rome, other | late], {"a": "u", "b": "v"}),
        ([bonn], {"a": "u"}),
    ]
    versions: list[dict[str, int]] = [{}]
    for number, (records, ids) in enumerate(nights, start=1):
        store.overwrite(RECORDS, make_records(*records))
        store.overwrite(UNIFIED_IDS, make_ids(**ids))
        context = context_of(
            store, run_id=f"run-{number}", ordinal=number, as_of=night(number), base_versions=versions[-1]
        )
        versions.append({**run(context).versions})
    history = store.read(PROFILE_HISTORY)
    for number, written in enumerate(versions[1:], start=1):
        travelled = store.read(PROFILES, version=written["profiles"])
        for at in (night(number), night(number) + timedelta(hours=23)):
            told, held = (frame.drop(*MOVING).sort("unified_id") for frame in (profile_at(history, at), travelled))
            assert_df_equality(told, held, ignore_nullable=True)
    assert profile_at(history, night(1) - timedelta(seconds=1)).isEmpty()


MOVING = [name for name in NOT_CONTENT if name != "unified_id"]


def night(number: int) -> datetime:
    return datetime(2026, 2, number, 2, tzinfo=UTC)
