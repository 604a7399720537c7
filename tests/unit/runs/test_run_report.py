"""Where a run's report goes, and that a run does not end with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.runs.fakes import MONDAY, FakeStages, make_project

from cdp_spark.config.project import Project, Warehouse
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.runner import nightly
from cdp_spark.runs.summary import report_folder, write_run_report
from cdp_spark.tables.store import Store


def project_at(folder: Path, **settings: Any) -> Project:
    project = make_project()
    return project.model_copy(update={"folder": str(folder), "settings": project.settings.model_copy(update=settings)})


@pytest.mark.parametrize(
    ("settings", "folder"),
    [
        ({"warehouse": Warehouse(path="../tables/warehouse")}, "tables/report"),
        ({"warehouse": Warehouse(path="s3a://bucket/cdp")}, "conf/report"),
        ({"warehouse": Warehouse(catalog_schema="main.cdp")}, "conf/report"),
        ({"report": "../told"}, "told"),
    ],
)
def test_reports_are_beside_the_warehouse_unless_told(tmp_path: Path, settings: dict[str, Any], folder: str) -> None:
    assert report_folder(project_at(tmp_path / "conf", **settings)) == tmp_path / folder


def test_a_nightly_run_writes_its_report_and_survives_a_folder_that_cannot_be_written(
    store: Store, stages: FakeStages, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    summary = nightly(store, project_at(tmp_path, report="told"), RunOptions(as_of=MONDAY, find_work=stages.load))
    assert summary.report == tmp_path / "told" / "20261123T020000Z-1.html"
    assert "20261123T020000Z-1" in summary.report.read_text(encoding="utf-8")
    (tmp_path / "file").write_text("")
    assert summary.run.status == "finished"
    assert write_run_report(store, project_at(tmp_path, report="file"), summary) is None
    assert f"the report could not be written to {tmp_path / 'file'}" in caplog.text
