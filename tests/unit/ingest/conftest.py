from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pyspark.sql import SparkSession

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.source import SourceConfig
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store

AS_OF = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)

MakeContext = Callable[..., RunContext]


@pytest.fixture
def make_context(spark: SparkSession, tmp_path: Path) -> MakeContext:
    """A run over sources whose paths are below `tmp_path`, into one warehouse a test."""

    def make(*sources: SourceConfig, run: int = 1, force: bool = False) -> RunContext:
        settings = ProjectSettings(
            name="test", namespace=UUID(int=1), warehouse=Warehouse(path="warehouse"), default_region="US"
        )
        project = Project(
            folder=str(tmp_path), settings=settings, sources=sources, match=MatchConfig(), config_hash="none"
        )
        store = Store(spark, str(tmp_path / "warehouse"))
        as_of = AS_OF.replace(day=run)
        return RunContext(store, project, f"run-{run}", run, as_of, force=force)

    return make


@pytest.fixture
def source() -> Callable[..., SourceConfig]:
    """A source of the named kind, with settings of its own: `people` CSV, `visits` JSON events, `choices` consents."""

    def build(like: str, **settings: Any) -> SourceConfig:
        return SourceConfig.model_validate(_SOURCES[like] | settings)

    return build


_SOURCES: dict[str, dict[str, Any]] = {
    "people": {
        "name": "crm",
        "kind": "records",
        "format": "csv",
        "path": "crm.csv",
        "key": ("id",),
        "columns": {"full_name": {"from": ("name",)}, "email": {"from": ("email",)}},
        "max_rejected_share": 1.0,
    },
    "visits": {
        "name": "web",
        "kind": "events",
        "format": "json",
        "path": "web.jsonl",
        "events": {
            "event_type": {"from": ("type",)},
            "occurred_at": {"column": "at"},
            "identifiers": {"cookie_id": "cookie", "email": "email"},
            "event_id": "id",
        },
        "max_conflict_share": 1.0,
        "drift": {"missing": "null"},
        "max_rejected_share": 1.0,
    },
    "choices": {
        "name": "preferences",
        "kind": "consents",
        "format": "csv",
        "path": "preferences.csv",
        "consents": {
            "contact": "contact",
            "purpose": "purpose",
            "status": "status",
            "given_at": {"column": "at"},
            "evidence": "form",
            "statuses": {"yes": "granted", "no": "denied"},
        },
        "max_rejected_share": 1.0,
    },
}
