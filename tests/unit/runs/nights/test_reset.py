from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runs.fakes import FakeStages, Killed, make_project

from cdp_spark.config.project import Project
from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import ConfigError, DataError, StateError
from cdp_spark.ingest import stage as ingest
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.rollback import reset_source
from cdp_spark.runs.run_log import read_runs
from cdp_spark.runs.runner import nightly
from cdp_spark.runs.stages import Work
from cdp_spark.tables.catalog import CONSENTS, SOURCE_DELIVERIES, SOURCE_EVENTS, SOURCE_RECORDS
from cdp_spark.tables.store import Store

_CRM = {"kind": "records", "format": "csv", "path": "crm.csv", "key": ["id"], "columns": {"full_name": "name"}}
_ORDERS = {"kind": "events", "format": "csv", "path": "orders.csv", "max_conflict_share": 1}
_CHOICES = {"contact": "email", "purpose": "purpose", "status": "status", "given_at": "at"}
_OF_RUN = ("run_id", "ingested_at_utc", "delivered_at_utc")


def _project(folder: Path, *, event_id: list[str]) -> Project:
    """Three sources of rows that do not change; the orders' events are identified by some columns."""
    (folder / "crm.csv").write_text("id,name\n1,Ann\n2,Bob\n")
    (folder / "orders.csv").write_text("order,line,at,user\n7,1,2026-10-01,u\n7,2,2026-10-01,u\n8,1,2026-10-02,u\n")
    (folder / "choices.csv").write_text("email,purpose,status,at\na@x.org,email_marketing,withdrawn,2026-10-01\n")
    events = {"event_type": {"value": "buy"}, "occurred_at": "at", "identifiers": {"user_id": "user"}}
    sources: dict[str, dict[str, Any]] = {
        "crm": _CRM,
        "orders": _ORDERS | {"events": events | {"event_id": event_id}},
        "choices": {"kind": "consents", "format": "csv", "path": "choices.csv", "consents": _CHOICES},
    }
    read = [SourceConfig.model_validate_json(json.dumps({"name": name, **it})) for name, it in sources.items()]
    project = make_project(config_hash=str(event_id))
    return project.model_copy(update={"folder": str(folder), "sources": tuple(read)})


def _options(stages: FakeStages) -> RunOptions:
    """The real ingest and stand-ins for what follows."""

    def load(name: str) -> Work:
        return ingest.run if name == "ingest" else stages.load(name)

    return RunOptions(find_work=load, report=False)


def _content(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    specs = (SOURCE_RECORDS, SOURCE_EVENTS, CONSENTS, SOURCE_DELIVERIES)
    return {
        spec.name: sorted((tuple(row) for row in store.read(spec).drop(*_OF_RUN).collect()), key=str) for spec in specs
    }


def test_a_source_with_another_key_is_refused_and_after_a_reset_loaded_as_into_a_new_warehouse(
    store: Store, stages: FakeStages, tmp_path: Path
) -> None:
    narrow, wide = (_project(tmp_path, event_id=names) for names in (["order"], ["order", "line"]))
    nightly(store, narrow, _options(stages))

    with pytest.raises(DataError, match="cdp source reset orders"):
        nightly(store, wide, _options(stages))
    removed = reset_source(store, wide, "orders", reason="order lines", author="test")
    summary = nightly(store, wide, _options(stages))

    anew = Store(store.spark, str(tmp_path / "another"))
    nightly(anew, wide, _options(stages))
    assert removed == {"source_events": 2, "source_deliveries": 1}
    assert (summary.metrics["orders.rows_new"], summary.metrics["crm.rows_new"]) == (3, 0)
    assert _content(store) == _content(anew)
    reset = next(run for run in read_runs(store) if run.scope == ("reset",))
    assert (reset.status, reset.finished["reset"].detail) == ("finished", "source orders; test: order lines")


def test_a_night_that_was_killed_is_not_continued_after_a_reset(
    store: Store, stages: FakeStages, tmp_path: Path
) -> None:
    project = _project(tmp_path, event_id=["order", "line"])
    stages.dies_in = "matching"
    with pytest.raises(Killed):
        nightly(store, project, _options(stages))
    stages.dies_in = None
    reset_source(store, project, "orders", reason="again", author="test")

    summary = nightly(store, project, _options(stages))

    assert not summary.resumed
    assert store.read(SOURCE_EVENTS).count() == 3


def test_consents_are_not_reset_nor_what_nobody_knows(store: Store, stages: FakeStages, tmp_path: Path) -> None:
    project = _project(tmp_path, event_id=["order"])
    with pytest.raises(StateError, match="source crm: got nothing in the warehouse"):
        reset_source(store, project, "crm", reason="", author="test")
    nightly(store, project, _options(stages))
    without = _without(project, "choices")

    for name, of, got in (
        ("choices", project, "'choices', a source of consents"),
        ("choices", without, "'choices', a source of consents"),
        ("order", project, "unknown source 'order'"),
    ):
        with pytest.raises(ConfigError) as caught:
            reset_source(store, of, name, reason="", author="test")
        assert caught.value.got == got
    assert store.read(CONSENTS).count() == 1


def _without(project: Project, name: str) -> Project:
    return project.model_copy(update={"sources": tuple(it for it in project.sources if it.name != name)})
