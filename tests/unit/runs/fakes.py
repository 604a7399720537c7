"""A small project and stages that stand in for the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Gates, Project, ProjectSettings, Warehouse
from cdp_spark.runs.publish import publish
from cdp_spark.runs.stages import STAGES, Work
from cdp_spark.tables.catalog import PROFILES, UNIFIED_IDS
from cdp_spark.tables.run import RunContext, StageResult

MONDAY = datetime(2026, 11, 23, 2, tzinfo=UTC)


def make_project(*, config_hash: str = "first", **gates: Any) -> Project:
    settings = ProjectSettings(
        name="test", namespace=UUID(int=7), warehouse=Warehouse(path="warehouse"), gates=Gates(**gates)
    )
    return Project.model_construct(
        folder=".", settings=settings, sources=(), match=MatchConfig.model_construct(), config_hash=config_hash
    )


class Killed(BaseException):
    """Stands for SIGKILL: nothing gets to record it."""


@dataclass
class FakeStages:
    """Stages that write two gold tables, remember who was called, and stop where told."""

    ids: Mapping[str, str]
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    dies_in: str | None = None
    fails_in: str | None = None
    calls: list[str] = field(default_factory=list)
    contexts: dict[str, RunContext] = field(default_factory=dict)

    def load(self, name: str) -> Work:
        return self._stage(name)

    def _stage(self, name: str) -> Callable[[RunContext], StageResult]:
        def run(context: RunContext) -> StageResult:
            self.calls.append(name)
            self.contexts[name] = context
            result = self._work(name, context)
            if name == self.dies_in:
                raise Killed
            if name == self.fails_in:
                raise ValueError("someone@example.org")
            return result

        return run

    def _work(self, name: str, context: RunContext) -> StageResult:
        if name == "publish":
            return publish(context)
        versions = {}
        if name == "identity":
            rows = [(key, "person", unified_id) for key, unified_id in self.ids.items()]
            versions = {UNIFIED_IDS.name: context.store.overwrite(UNIFIED_IDS, UNIFIED_IDS.table(rows))}
        if name == "profiles":
            versions = {PROFILES.name: context.store.overwrite(PROFILES, self._profiles())}
        return StageResult(versions=versions, metrics=self.metrics.get(name, {}), detail=f"{name} done")

    def _profiles(self) -> pa.Table:
        empty: dict[str, Any] = dict.fromkeys(PROFILES.schema.names)
        lists = {"emails": [], "phones": [], "attributes": {}, "sources": [], "consents": {}, "record_count": 1}
        rows = [{**empty, **lists, "unified_id": it, "entity_type": "person"} for it in sorted(set(self.ids.values()))]
        return PROFILES.table([[row[name] for name in PROFILES.schema.names] for row in rows])


ALL = list(STAGES)
