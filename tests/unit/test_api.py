"""`cdp_spark.open`: the examples of docs/python.md, and what they do not show, on one small warehouse."""

from __future__ import annotations

import doctest
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

import cdp_spark
from cdp_spark.api import OpenProject
from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.tables.catalog import PROFILES, TABLES
from cdp_spark.tables.consents import OpenWithdrawal

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture(scope="module")
def executed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenProject, str]]:
    """Execute the page's examples in a folder of their own; the project that they opened, and what failed."""
    folder, before = tmp_path_factory.mktemp("python"), Path.cwd()
    write_starter(folder / "conf")
    told: list[str] = []
    os.chdir(folder)
    try:
        page = doctest.DocTestParser().get_doctest(PAGE.read_text(encoding="utf-8"), {}, PAGE.name, str(PAGE), 0)
        doctest.DocTestRunner().run(page, out=told.append, clear_globs=False)
        yield page.globs["project"], "".join(told)
    finally:
        os.chdir(before)


@pytest.fixture
def project(executed: tuple[OpenProject, str]) -> OpenProject:
    return executed[0]


def test_the_examples_of_the_page_give_what_it_says(executed: tuple[OpenProject, str]) -> None:
    assert executed[1] == ""


def test_a_relative_folder_is_that_of_python_and_not_of_java(project: OpenProject) -> None:
    """Java stays in the folder it was started in, whatever folder Python works in."""
    folder = Path(project.project.folder)
    assert folder == Path.cwd() / "conf"
    assert {path.name for path in folder.iterdir()} >= {"warehouse", "exports"}


@pytest.fixture
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a session was asked for")

    monkeypatch.setattr("cdp_spark.api.get_project_session", refuse)


@pytest.mark.usefixtures("no_spark")
def test_pandas_and_arrow_need_no_session(project: OpenProject) -> None:
    fresh = cdp_spark.open(project.project.folder)
    people = fresh.profiles(as_="arrow", entity_type="person")
    assert people.schema.names == PROFILES.schema.names
    assert sorted(people["family_name"].to_pylist()) == ["Jensen", "Novak", "Okafor", "Okafor"]
    assert isinstance(fresh.table("pair_scores"), pd.DataFrame)
    assert fresh.at("2026-03-04").segment("reachable_gold", as_="arrow").num_rows == 0
    assert fresh.table("labels", as_="arrow").equals(
        TABLES["labels"].fetched_schema(TABLES["labels"].schema.names).empty_table()
    )


def test_all_forms_have_the_same_rows(project: OpenProject) -> None:
    columns = ["unified_id", "record_count", "emails"]
    spark = project.table("profiles", as_="spark", columns=columns)
    arrow = project.table("profiles", as_="arrow", columns=columns)
    assert isinstance(spark, DataFrame)
    assert isinstance(arrow, pa.Table)
    by_id = [("unified_id", "ascending")]
    assert spark.toArrow().sort_by(by_id).to_pylist() == arrow.sort_by(by_id).to_pylist()
    assert project.table("profiles", columns=columns).columns.tolist() == columns
    assert project.segment("reachable_gold", as_="spark").collect() == []


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda it: it.table("profile"), "table: got 'profile'; allowed: abandoned, .*did you mean 'profiles'"),
        (lambda it: it.table("profiles", columns=["emial"]), "column: got 'emial'; .*did you mean 'email'"),
        (
            lambda it: it.profiles(as_="panda"),
            "form: got 'panda'; allowed: arrow, pandas, spark.*did you mean 'pandas'",
        ),
        (lambda it: it.profiles(entity_type="people"), "entity_type: got 'people'; allowed: account, person, visitor"),
        (lambda it: it.profiles(purpose="mail"), "purpose: got 'mail'; allowed: email_marketing, sms_marketing"),
        (lambda it: it.segment("none", as_="spark"), "segment: got 'none'; allowed: reachable_gold"),
        (lambda it: it.at(), "at: got neither or both"),
        (lambda it: it.at("yesterday"), "at: got 'yesterday'; allowed: a time in ISO 8601"),
        (lambda it: it.run(as_of="noon"), "as_of: got 'noon'"),
    ],
)
def test_what_is_not_known_is_refused(project: OpenProject, call: object, told: str) -> None:
    assert callable(call)
    with pytest.raises(ConfigError, match=told):
        call(project)


def test_profiles_of_a_purpose_wait_for_withdrawals_that_cannot_be_read(
    project: OpenProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue = OpenWithdrawal("consents", "438af34c304cff", None, "withdrawn", datetime(2026, 3, 1, tzinfo=UTC), None, 0)
    monkeypatch.setattr("cdp_spark.api.find_open", lambda _issues: [issue])
    with pytest.raises(StateError, match=r"purpose sms_marketing: got a withdrawal .*: consents:438af34c304c"):
        project.profiles(purpose="sms_marketing")


def test_before_the_first_release_there_is_nothing(project: OpenProject) -> None:
    with pytest.raises(StateError, match="no release whose run is as early"):
        project.at("2026-03-03T01:59")


def test_an_older_release_has_gold_tables_only(project: OpenProject) -> None:
    with pytest.raises(
        StateError, match="release 1: got table pair_scores, which is not published; allowed: unified_ids,"
    ):
        project.at(release=1).table("pair_scores")


def test_a_release_whose_files_are_gone_says_so(project: OpenProject, tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    shutil.copytree(project.project.folder, folder)
    for file in (folder / "warehouse" / "profiles").glob("*.parquet"):
        file.unlink()
    copy = cdp_spark.open(folder)
    with pytest.raises(StateError, match="release 1: got table profiles, files of which VACUUM has deleted"):
        copy.at(release=1).profiles()
    with pytest.raises(StateError, match="profiles"):
        copy.profiles()


def test_the_bare_package_imports_no_spark() -> None:
    code = "import sys, cdp_spark; print([it for it in ('pyspark', 'pandas', 'pydantic') if it in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
