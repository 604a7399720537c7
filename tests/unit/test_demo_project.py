"""The demo project: valid as it stands, and about the data that the demo really makes."""

from __future__ import annotations

import csv
import gzip
import json
import typing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cdp_spark.config.load import load_project
from cdp_spark.config.source import configured_columns
from cdp_spark.demo import DemoSummary, generate

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

    from cdp_spark.config.project import Project
    from cdp_spark.config.source import SourceConfig

CONF = Path(__file__).parents[2] / "conf"
DEMO = CONF.parent / "demo"
DATA = "../demo/data"


class DemoData(typing.NamedTuple):
    """A small set of demo data."""

    folder: Path
    summary: DemoSummary


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(CONF, env={})


@pytest.fixture(scope="module")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> DemoData:
    folder = tmp_path_factory.mktemp("demo")
    return DemoData(folder, generate(folder, people=300, seed=7, nights=2))


def test_every_source_of_the_demo_is_configured_in_a_file_of_its_name(project: Project, demo_data: DemoData) -> None:
    names = [source.name for source in project.sources]
    assert sorted(names) == sorted(demo_data.summary.rows) == sorted(path.stem for path in CONF.glob("sources/*.yaml"))
    assert [source.path for source in project.sources] == [f"{DATA}/{name}" for name in names]


def test_everything_is_written_to_the_demo_folder(project: Project) -> None:
    settings = project.settings
    written = [settings.warehouse.path, settings.report, *(each.path for each in project.destinations.files)]
    assert all((CONF / str(path)).resolve().is_relative_to(DEMO) for path in written)


def test_every_configured_column_is_in_the_data(project: Project, demo_data: DemoData) -> None:
    missing = {
        source.name: sorted(configured_columns(source) - columns_of(source, demo_data.folder))
        for source in project.sources
    }
    assert {name: columns for name, columns in missing.items() if columns} == {}


def test_malformed_rows_of_a_small_demo_are_tolerated(project: Project, demo_data: DemoData) -> None:
    rows, malformed = demo_data.summary.rows, demo_data.summary.malformed
    shares = {source.name: malformed[source.name] / rows[source.name] for source in project.sources}
    assert [source.name for source in project.sources if shares[source.name] > source.max_rejected_share] == []


def test_records_of_both_entity_types_are_matched(project: Project) -> None:
    types = {source.entity_type for source in project.sources if source.kind == "records"}
    assert types == set(project.match.entities) == {"person", "account"}


def test_segments_and_exports_show_what_there_is(project: Project) -> None:
    destinations = project.destinations.destinations
    assert {destination.kind for destination in destinations} == {"csv", "parquet"}
    assert {segment.entity_type for segment in project.segments} == {"person", "account"}
    assert any(part.not_ is not None and part.not_.segment for s in project.segments for part in s.members.all)


def columns_of(source: SourceConfig, data: Path) -> set[str]:
    files = sorted((data / source.name).iterdir())
    return set().union(*(_columns_of_file(source, file) for file in files))


def _columns_of_file(source: SourceConfig, file: Path) -> Iterable[str]:
    if source.format == "parquet":
        return typing.cast("list[str]", pq.read_schema(file).names)
    encoding = source.options.get("encoding", "utf-8-sig")
    content = file.read_bytes()
    text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode(encoding)
    if source.format == "json":
        return {key for line in text.splitlines() for key in _keys(line)}
    return next(csv.reader(text.splitlines(), delimiter=source.options.get("delimiter", ",")))


def _keys(line: str) -> Iterable[str]:
    try:
        row: object = json.loads(line)
    except ValueError:
        return ()
    return row.keys() if isinstance(row, dict) else ()
