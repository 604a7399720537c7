from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp_spark.config.expressions.compile import compile_expression
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.segment import Condition, SegmentConfig
from cdp_spark.segments.members import build_memberships
from cdp_spark.segments.stage import run
from cdp_spark.tables.catalog import PROFILES, SEGMENT_CHANGES, SEGMENT_MEMBERS, SEGMENTS, TRAITS
from cdp_spark.tables.run import Basis, RunContext
from cdp_spark.tables.store import Store


def context_of(store: Store, **values: Any) -> RunContext:
    settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="warehouse"))
    romans = SegmentConfig(name="romans", members=Condition(where="city = 'Rome'"))
    germans = SegmentConfig(name="germans", members=Condition(where="country = 'Germany'"))
    project = Project(
        folder=".", settings=settings, sources=(), match=MatchConfig(), segments=(romans, germans), config_hash="-"
    )
    return RunContext(store=store, project=project, **values)


def profiles_of(spark: SparkSession, **cities: str) -> DataFrame:
    defaults = {"entity_type": "person", "emails": [], "phones": [], "attributes": {}, "sources": [], "record_count": 1}
    complete = [
        {**dict.fromkeys(PROFILES.schema.names), **defaults, "consents": {}, "unified_id": unified_id, "city": city}
        for unified_id, city in cities.items()
    ]
    return spark.createDataFrame(complete, PROFILES.schema)


def test_nights_of_a_segment(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    versions: dict[str, int] = {}
    for ordinal, cities in enumerate(({"a": "Rome"}, {"a": "Ulm", "b": "Rome"}, {"a": "Ulm", "b": "Rome"}), start=1):
        versions[PROFILES.name] = store.overwrite(PROFILES, profiles_of(spark, **cities))
        base = {name: version for name, version in versions.items() if ordinal > 1}
        context = context_of(
            store,
            run_id=f"run-{ordinal}",
            ordinal=ordinal,
            as_of=datetime(2026, 1, ordinal, tzinfo=UTC),
            base_versions=base | ({PROFILES.name: versions[PROFILES.name] - 1} if ordinal > 1 else {}),
        )
        result = run(context)
        versions |= result.versions
    assert result.metrics == {"segments.romans": 1.0, "segments.germans": 0.0}
    assert result.warnings == (
        "segment germans: country is never 'Germany': it holds two-letter codes such as DE. Write 'DE'.",
        "segment germans: it has no members.",
    )
    expected = [
        (1, "romans", "a", "enter", "definition"),
        (2, "romans", "a", "exit", "data"),
        (2, "romans", "b", "enter", "data"),
    ]
    assert_df_equality(
        store.read(SEGMENT_CHANGES),
        spark.createDataFrame(expected, SEGMENT_CHANGES.schema),
        ignore_row_order=True,
        ignore_nullable=True,
    )
    spans = store.read(SEGMENT_MEMBERS).select("unified_id", "entered_at_utc", "exited_at_utc")
    assert_df_equality(
        spans,
        spark.createDataFrame(
            [
                ("a", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
                ("b", datetime(2026, 1, 2, tzinfo=UTC), None),
            ],
            spans.schema,
        ),
        ignore_row_order=True,
    )


def test_a_segment_that_fails_keeps_its_members_and_harms_no_other(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    first = store.overwrite(PROFILES, profiles_of(spark, a="Rome", b="Ulm", c="Rome"))
    context = context_of(store, run_id="1", ordinal=1, as_of=datetime(2026, 1, 1, tzinfo=UTC))
    outer = SegmentConfig(
        name="outer", members=Condition(all=(Condition(segment="romans"), Condition(where="city = 'Ulm'")))
    )
    project = context.project.model_copy(update={"segments": (*context.project.segments, outer)})
    context = replace(context, project=project)
    before = run(context)
    store.overwrite(PROFILES, profiles_of(spark, a="Ulm", b="Rome"))

    def compile_to_failure(text: str, **others: Any) -> Column:
        return F.raise_error(F.lit("-")).cast("boolean") if "Rome" in text else compile_expression(text, **others)

    monkeypatch.setattr("cdp_spark.segments.compile.compile_expression", compile_to_failure)
    later = replace(
        context,
        run_id="2",
        ordinal=2,
        as_of=datetime(2026, 1, 2, tzinfo=UTC),
        base_versions={PROFILES.name: first, **before.versions},
    )
    result = run(later)
    columns = ("segment", "status", "reason", "member_count", "computed_at_utc")
    reason = "its evaluation ended with USER_RAISED_EXCEPTION"
    assert [tuple(row.values()) for row in store.fetch(SEGMENTS, columns).to_pylist()] == [
        ("germans", "ok", None, 0, later.as_of),
        ("outer", "ok", None, 1, later.as_of),
        ("romans", "failed", reason, 1, context.as_of),
    ]
    assert f"segment romans keeps its previous members, and destinations that use it get nothing: {reason}." in (
        result.warnings
    )
    assert result.metrics["segments_failed"] == 1.0
    changes = store.fetch(SEGMENT_CHANGES, only={"release": pa.array([2], pa.int64())}).to_pylist()
    assert {tuple(row.values()) for row in changes} == {
        (2, "romans", "c", "exit", "data"),  # whose profile is gone
        (2, "outer", "a", "enter", "data"),
    }


def test_a_night_asks_profiles_that_changed_and_everyone_only_where_the_day_decides(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    profiles = store.overwrite(PROFILES, profiles_of(spark, a="Rome", b="Ulm", c="Rome", d="Rome"))
    context = context_of(store, run_id="1", ordinal=1, as_of=datetime(2026, 1, 1, tzinfo=UTC))
    quiet = SegmentConfig(name="quiet", members=Condition(where="days_since(last_seen_at_utc) > 3"))
    project = context.project.model_copy(update={"segments": (*context.project.segments, quiet)})
    before = run(replace(context, project=project))
    store.overwrite(PROFILES, profiles_of(spark, a="Rome", b="Rome", c="Rome"))
    asked: list[set[str]] = []

    def record(rows: DataFrame, *others: Any) -> DataFrame:
        asked.append({row["unified_id"] for row in rows.collect()})
        return build_memberships(rows, *others)

    monkeypatch.setattr("cdp_spark.segments.evaluate.build_memberships", record)
    read = {PROFILES.name: profiles, TRAITS.name: -1}
    later = replace(
        context,
        project=project,
        ordinal=2,
        as_of=datetime(2026, 1, 2, tzinfo=UTC),
        base_versions={PROFILES.name: profiles, **before.versions},
        basis=Basis(1, context.as_of, read, before.versions, before.metrics),
    )
    assert run(later).metrics["segments.romans"] == 3.0
    assert asked == [{"b"}, {"a", "b", "c"}]
    changes = store.fetch(SEGMENT_CHANGES, only={"release": pa.array([2], pa.int64())}).to_pylist()
    assert {tuple(row.values()) for row in changes} == {
        (2, "romans", "b", "enter", "data"),
        (2, "romans", "d", "exit", "data"),
    }
    first, second = context.as_of, later.as_of
    spans = store.fetch(SEGMENT_MEMBERS, ("unified_id", "entered_at_utc", "exited_at_utc")).to_pylist()
    assert {tuple(row.values()) for row in spans} == {
        ("a", first, None),
        ("b", second, None),
        ("c", first, None),
        ("d", first, second),
    }
