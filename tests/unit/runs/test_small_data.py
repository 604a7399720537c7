"""Which session settings a run chooses by the size of what it starts from."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.source import SourceConfig
from cdp_spark.runs import small_data
from cdp_spark.runs.small_data import RunSize, measure_run
from cdp_spark.session import SMALL_DATA
from cdp_spark.tables.catalog import CURRENCY_RATES
from cdp_spark.tables.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TEN_BYTES = "id,x\n1,abc"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder with one file."""
    (tmp_path / "crm.csv").write_text(TEN_BYTES)
    return tmp_path


def source_of(**given: object) -> SourceConfig:
    settings = {"name": "crm", "kind": "records", "format": "csv", "key": ("id",), "attributes": {"x": "x"}}
    return SourceConfig.model_validate(settings | given)


def project_of(folder: Path, *sources: SourceConfig, warehouse: Warehouse | None = None) -> Project:
    settings = ProjectSettings(
        name="shop", namespace=UUID(int=1), warehouse=warehouse or Warehouse(path=str(folder / "warehouse"))
    )
    return Project(folder=str(folder), settings=settings, sources=sources, match=MatchConfig(), config_hash="-")


def write_warehouse(folder: Path) -> int:
    """Write one table; returns the bytes of its files."""
    (folder / "warehouse").mkdir()
    store = Store(cast("SparkSession", None), str(folder / "warehouse"))
    vars(store)["folder"] = folder / "warehouse"
    rates = CURRENCY_RATES.table([("USD", date(2026, 1, 1), 1.1, "ecb")])
    for _ in range(2):  # the first version's file stays in the folder
        store.overwrite(CURRENCY_RATES, rates)
    table = store.open_local(CURRENCY_RATES)
    assert table is not None
    return table.bytes


def test_a_first_run_on_a_small_file_is_small(folder: Path) -> None:
    size = measure_run(project_of(folder, source_of(path="crm.csv")))
    assert size == RunSize(table_bytes=0, file_bytes=10)
    assert size.settings == SMALL_DATA
    assert size.figures == {"session.is_small": 1.0, "session.table_bytes": 0.0, "session.file_bytes": 10.0}


def test_only_the_newest_version_of_a_table_counts(folder: Path) -> None:
    table_bytes = write_warehouse(folder)
    size = measure_run(project_of(folder, source_of(path="crm.csv")))
    assert size == RunSize(table_bytes=table_bytes, file_bytes=10)
    assert size.is_small


def test_a_run_without_a_delivery_is_as_small_as_its_tables(folder: Path) -> None:
    table_bytes = write_warehouse(folder)
    assert measure_run(project_of(folder, source_of(path="none_*.csv"))) == RunSize(table_bytes, 0)


def test_many_bytes_of_tables_or_of_files_are_not_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(folder, source_of(path="crm.csv"))
    monkeypatch.setattr(small_data, "SMALL_FILE_BYTES", 9)
    assert measure_run(project).settings == {}
    monkeypatch.setattr(small_data, "SMALL_FILE_BYTES", 10)
    table_bytes = write_warehouse(folder)
    monkeypatch.setattr(small_data, "SMALL_TABLE_BYTES", table_bytes)
    assert measure_run(project).settings == SMALL_DATA
    monkeypatch.setattr(small_data, "SMALL_TABLE_BYTES", table_bytes - 1)
    assert measure_run(project).settings == {}


def test_counting_ends_where_files_are_large_in_any_case(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_data, "SMALL_FILE_BYTES", 5)
    monkeypatch.setattr(small_data, "SMALL_TABLE_BYTES", 5)
    (folder / "more.csv").write_text(TEN_BYTES)
    assert measure_run(project_of(folder, source_of(path="*.csv"))).file_bytes == 10


@pytest.mark.parametrize(
    "given",
    [
        {"path": "s3a://bucket/crm.csv"},
        {"path": "crm.csv", "format": "delta"},
        {"format": "jdbc", "options": {"url": "jdbc:h2:mem:x", "dbtable": "crm"}},
    ],
    ids=["object store", "Delta", "database"],
)
def test_a_source_whose_size_is_unknown_leaves_the_usual_settings(folder: Path, given: dict[str, object]) -> None:
    size = measure_run(project_of(folder, source_of(path="crm.csv"), source_of(**given)))
    assert size.file_bytes is None
    assert size.settings == {}
    assert size.figures["session.is_small"] == 0.0


@pytest.mark.parametrize(
    "warehouse",
    [Warehouse(catalog_schema="main.cdp"), Warehouse(path="s3a://bucket/warehouse")],
    ids=["catalog", "object store"],
)
def test_a_warehouse_whose_size_is_unknown_leaves_the_usual_settings(folder: Path, warehouse: Warehouse) -> None:
    size = measure_run(project_of(folder, source_of(path="crm.csv"), warehouse=warehouse))
    assert size == RunSize(table_bytes=None, file_bytes=10)
    assert size.settings == {}


def test_a_new_warehouse_is_unknown_where_no_file_is_on_this_machine(folder: Path) -> None:
    size = measure_run(project_of(folder, source_of(path="none.csv")))
    assert size == RunSize(table_bytes=None, file_bytes=0)
    assert size.settings == {}


def test_a_folder_without_a_manifest_is_not_taken_for_a_new_warehouse(folder: Path) -> None:
    (folder / "warehouse").mkdir()
    assert measure_run(project_of(folder, source_of(path="crm.csv"))).table_bytes is None
