"""The notebook runs on a fresh warehouse, and is kept without outputs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from pyspark.sql import SparkSession
from tests.integration.small_project import write_small_project

from cdp_spark.config.load import load_project
from cdp_spark.pipeline import RunOptions, nightly
from cdp_spark.tables.store import open_store

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explore_profiles.ipynb"


def read_notebook() -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_notebook_holds_no_outputs() -> None:
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(read_notebook()))


@pytest.mark.notebook
@pytest.mark.filterwarnings("default")
def test_the_notebook_explores_a_warehouse(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = load_project(write_small_project(tmp_path / "shop", people=120))
    store = open_store(spark, project)
    nightly(store, project, RunOptions(as_of=datetime(2026, 11, 23, 2, tzinfo=UTC)))
    monkeypatch.setenv("CDP_WAREHOUSE", store.location)
    notebook = read_notebook()
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    charts = [it for it in outputs if "vegaEmbed" in it.get("data", {}).get("text/html", "")]
    assert len(charts) == 4
    assert any("match weight" in it.get("text", "") for it in outputs)
