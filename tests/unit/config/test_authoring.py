"""The starter project and the schemas."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path

import jsonschema
import pytest
import yaml

from cdp_spark.config.authoring.schema import json_schemas, write_schemas
from cdp_spark.config.authoring.starter import Template, write_starter
from cdp_spark.config.checks.impossible import find_impossible
from cdp_spark.config.checks.vocabulary import PROFILE_COLUMNS, RECORD_COLUMNS, SURVIVING_ATTRIBUTES
from cdp_spark.config.expressions.compile import kinds_of
from cdp_spark.config.load import load_project
from cdp_spark.errors import ConfigError
from cdp_spark.standalone.describing.check import check_source
from cdp_spark.tables.catalog.gold import PROFILE_ATTRIBUTES, PROFILES
from cdp_spark.tables.catalog.silver import RECORDS


def test_the_starter_validates_as_written(tmp_path: Path) -> None:
    folder = tmp_path / "Corner Shop"
    written = write_starter(folder)
    project = load_project(folder, env={})
    assert project.settings.name == "corner_shop"
    assert {path.name for path in written} >= {"project.yaml", "match.yaml", "customers.yaml", "customers.csv"}
    source = project.sources[0]
    with (folder / str(source.path)).open(encoding="utf-8") as file:
        header = set(next(csv.reader(file)))
    mapped = {name for mapping in source.columns.values() for name in mapping.from_}
    assert mapped | set(source.key) | set(source.attributes.values()) <= header


@pytest.mark.parametrize("template", ["webshop", "b2b"])
@pytest.mark.parametrize("with_data", [True, False])
def test_every_template_validates_as_written(tmp_path: Path, template: Template, *, with_data: bool) -> None:
    written = write_starter(tmp_path / "shop", template, with_data=with_data)
    project = load_project(tmp_path / "shop", env={})
    assert find_impossible(project) == []
    assert {destination.segment for destination in project.destinations.destinations} <= {
        segment.name for segment in project.segments
    }
    files = {str(source.path) for source in project.sources}
    assert {path.relative_to(tmp_path / "shop").as_posix() for path in written if path.parent.name == "data"} == (
        files if with_data else set()
    )


@pytest.mark.parametrize("template", ["webshop", "b2b"])
def test_the_files_of_a_template_are_read_to_the_last_cell(tmp_path: Path, template: Template) -> None:
    write_starter(tmp_path / "shop", template)
    project = load_project(tmp_path / "shop", env={})
    as_of = datetime(2026, 2, 1, tzinfo=UTC)
    checks = [
        check_source(it, folder=tmp_path / "shop", settings=project.settings, as_of=as_of) for it in project.sources
    ]
    assert [(it.rejected, it.errors, it.warnings) for it in checks] == [(0, (), ())] * len(project.sources)


def test_the_examples_of_a_template_lead_up_to_today(tmp_path: Path) -> None:
    write_starter(tmp_path / "shop", "webshop", today=date(2027, 3, 4))
    write_starter(tmp_path / "firm", "b2b", today=date(2027, 3, 4))
    orders = (tmp_path / "shop" / "data" / "orders.csv").read_text(encoding="utf-8")
    invoices = (tmp_path / "firm" / "data" / "invoices.csv").read_text(encoding="utf-8")
    assert "o2,1001,emma.taylor@example.com,2027-02-20T09:05:00Z,102.50,GBP" in orders
    assert "R-2;a.petersen@nordwind-logistik.example;14.02.2027;5.250,00" in invoices


def test_every_starter_has_its_own_namespace(tmp_path: Path) -> None:
    namespaces = set()
    for name in ("a", "b"):
        write_starter(tmp_path / name)
        namespaces.add(load_project(tmp_path / name, env={}).settings.namespace)
    assert len(namespaces) == 2


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="got a folder that is not empty; allowed: an empty or new folder"):
        write_starter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="got file exists"):
        write_starter(tmp_path / "file")


def test_schemas_accept_the_starter_and_refuse_unknown_keys(tmp_path: Path) -> None:
    write_starter(tmp_path / "p")
    schemas = json_schemas()
    for path in (tmp_path / "p").rglob("*.yaml"):
        kind = path.stem if path.parent.name == "p" else path.parent.name.removesuffix("s")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        jsonschema.validate(content, schemas[kind])
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**content, "no_such_key": 1}, schemas[kind])


def test_schemas_are_written_one_a_kind(tmp_path: Path) -> None:
    written = write_schemas(tmp_path / "schemas")
    assert [path.name for path in written] == [
        "project.schema.json",
        "match.schema.json",
        "survivorship.schema.json",
        "insights.schema.json",
        "experiments.schema.json",
        "destinations.schema.json",
        "source.schema.json",
        "segment.schema.json",
    ]
    assert json.loads(written[6].read_text())["title"] == "cdp-spark source"


def test_the_vocabulary_is_that_of_the_tables() -> None:
    assert kinds_of({field.name: field.dataType for field in PROFILES.schema}) == PROFILE_COLUMNS
    records = kinds_of({field.name: field.dataType for field in RECORDS.schema})
    assert RECORD_COLUMNS.items() <= records.items()
    assert set(PROFILE_ATTRIBUTES) == set(SURVIVING_ATTRIBUTES)
