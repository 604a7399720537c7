"""`cdp profile show` on a warehouse in a folder: no session is asked for, whatever the form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import pytest
from tests.unit.view.conftest import ADA, BOB, PHONE
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.config.project import Project
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.view.warehouse import ReleasedWarehouse


@pytest.fixture(autouse=True)
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a session was asked for")

    monkeypatch.setattr("cdp_spark.cli.commands.opening.get_project_session", refuse)


@pytest.fixture
def show(project: Project, warehouse: ReleasedWarehouse) -> Show:
    assert warehouse.release.number == 3
    return Show(project.folder)


class Show:
    """Calls of the command."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __call__(self, *arguments: object) -> str:
        command = ["--project", self._folder, "profile", "show", *map(str, arguments)]
        done = CliRunner().invoke(app, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout


def test_people_programs_and_a_browser_are_shown_the_same_profile(show: Show, tmp_path: Path) -> None:
    assert show("crm:K1").splitlines()[1] == f"Ada Reed, person {ADA}"
    [facts] = json.loads(show("crm:K1", "--json"))
    assert (facts["unified_id"], len(facts["timeline"])) == (ADA, 2)
    page = tmp_path / "ada.html"
    assert show("crm:K1", "--html", page) == f"wrote {page}\n"
    assert f"<code>{ADA}</code>" in page.read_text(encoding="utf-8")


def test_it_prints_as_many_events_as_are_asked_for(show: Show) -> None:
    assert "last events (1 of 2)" in show(ADA, "--events", "1")
    assert "last events" not in show(ADA, "--events", "0")


def test_a_page_is_of_one_profile_and_has_a_name_of_a_page(show: Show, tmp_path: Path) -> None:
    assert [it["name"] for it in json.loads(show(PHONE, "--json"))] == ["Ada Reed", "Bob Reed"]
    page = tmp_path / "both.html"
    with pytest.raises(DataError, match=f"got 2 profiles with this e-mail or phone. Fix: name one: {ADA}, {BOB}"):
        show(PHONE, "--html", page)
    with pytest.raises(ConfigError, match=r"--html: got ada.txt; allowed: a name in .html"):
        show(ADA, "--html", tmp_path / "ada.txt")
    assert list(tmp_path.iterdir()) == []
