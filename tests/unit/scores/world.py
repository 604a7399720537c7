"""A few people's events, and the runs of a stage on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.runs.dependencies import DEPENDENCIES
from cdp_spark.runs.stages import work_of
from cdp_spark.tables.catalog import PROFILES, SCORE_MODELS, UNIFIED_EVENTS
from cdp_spark.tables.increments.basis import work_or_keep
from cdp_spark.tables.run import LastFinish, RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

CLOCK = datetime(2026, 2, 1, 2, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return CLOCK - timedelta(days=days)


def event(key: str, who: str | None, kind: str, days: float, **values: Any) -> dict[str, Any]:
    """An event of somebody, some days before the clock; a value may be a float."""
    if "value" in values:
        values["value"] = Decimal(str(values["value"]))
    named = {"event_key": key, "unified_id": who, "event_type": kind, "occurred_at_utc": days_ago(days)}
    return {"source": "web", "properties": {}, **named, **values}


def rows_of(spec: TableSpec, rows: Sequence[Mapping[str, Any]]) -> Any:
    return spec.table([[row.get(name) for name in spec.schema.names] for row in rows])


@dataclass
class Runs:
    """A warehouse with people and their events, and what a stage made of them.

    Args:
        store: the warehouse.
        insights: of the project.
        stage: that runs.
    """

    store: Store
    insights: InsightsConfig
    stage: str
    last: LastFinish | None = None
    released: dict[str, int] = field(default_factory=dict)
    ordinal: int = 0

    def write(self, events: Sequence[Mapping[str, Any]], *, visitors: Sequence[str] = ()) -> None:
        """Write the events, and a profile of everybody who has one."""
        self.store.overwrite(UNIFIED_EVENTS, rows_of(UNIFIED_EVENTS, events))
        ids = sorted({row["unified_id"] for row in events if row["unified_id"]})
        kinds = [(it, "visitor" if it in visitors else "person") for it in ids]
        empty = {"first_seen_at_utc": CLOCK, "last_seen_at_utc": CLOCK, "sources": [], "record_count": 1}
        profiles = [{**empty_row(PROFILES), **empty, "unified_id": it, "entity_type": kind} for it, kind in kinds]
        self.store.overwrite(PROFILES, rows_of(PROFILES, profiles))

    def save_model(self, **values: Any) -> None:
        """Save a version of a model."""
        empty = {"version": 1, "as_of_utc": CLOCK, "created_at_utc": CLOCK, "run_id": "by-hand", "evaluation": "{}"}
        self.store.append(SCORE_MODELS, rows_of(SCORE_MODELS, [{**empty, **values}]), application=None)

    def night(self, *, full: bool = False, as_of: datetime = CLOCK) -> StageResult:
        """Run the stage as a night does, and publish what it made."""
        self.ordinal += 1
        settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="w"))
        sections: dict[str, Any] = {
            "settings": settings,
            "sources": (),
            "match": MatchConfig(),
            "insights": self.insights,
        }
        project = Project(folder=".", config_hash="-", **sections)
        named: dict[str, Any] = {"run_id": f"run-{self.ordinal}", "ordinal": self.ordinal, "as_of": as_of, "full": full}
        context = RunContext(self.store, project, base_versions=self.released, last=self.last, **named)
        result = work_or_keep(context, DEPENDENCIES[self.stage], work_of(self.stage), lambda versions, _: versions)
        self.released = {**self.released, **result.versions}
        self.last = LastFinish(self.ordinal, self.released, self.released, result.metrics)
        return result


def empty_row(spec: TableSpec) -> dict[str, Any]:
    """Empty values of the columns that must have one."""
    kinds = {"array": [], "map": {}, "long": 0, "integer": 0, "string": "", "double": 0.0, "timestamp": CLOCK}
    return {it.name: kinds.get(it.dataType.typeName()) for it in spec.schema if not it.nullable}
