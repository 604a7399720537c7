"""The project that drt runs, and what its results say of each row."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from pydantic import ValidationError
from tests.unit.activation.drt.outcome import drt_ran

from cdp_spark.activation.destinations.interface import Fate, Row
from cdp_spark.activation.drt.project import HandedRow, Mark, read_mark, read_rows, write_project
from cdp_spark.activation.drt.results import SentRow, name_run, read_results
from cdp_spark.config.destination import DrtDestination
from cdp_spark.errors import ConfigError, DataError

MARK = Mark(7, "run-7", ("crm",))
RENAMED = {"given_name": "firstname"}


def crm(**values: Any) -> DrtDestination:
    defaults: dict[str, Any] = {
        "name": "crm",
        "kind": "drt",
        "segment": "all",
        "columns": ("email", "given_name", "birth_date", "attributes.tier"),
        "purpose": "mail",
        "to": {"type": "hubspot", "auth": {"type": "bearer", "token_env": "HUBSPOT_TOKEN"}},
        "left": {"type": "rest_api", "url": "https://crm.example.com/{{ row.unified_id }}", "method": "DELETE"},
        "sync": {"field_mappings": RENAMED, "batch_size": 50},
    }
    return DrtDestination(**{**defaults, **values})


def added(unified_id: str, **values: Any) -> HandedRow:
    row = {"email": f"{unified_id}@x.org", "given_name": None, "birth_date": date(1990, 1, 2), "tier": "gold"}
    return HandedRow(Row(unified_id, "add", f"key-{unified_id}", row | values), 1)


def gone(unified_id: str) -> HandedRow:
    return HandedRow(Row(unified_id, "remove", f"key-{unified_id}"), 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_project(tmp_path, MARK, {"crm": crm()}, {"crm": [added("a"), added("b", given_name="Jo"), gone("c")]})
    return tmp_path


def sent(name: str) -> dict[str, Any]:
    record = {"email": f"{name}@x.org", "firstname": None, "birth_date": "1990-01-02", "tier": "gold"}
    return record | ({"firstname": "Jo"} if name == "b" else {})


def fates(folder: Path, **settings: Any) -> dict[str, str | None]:
    rows = read_results(folder, "crm", **{"renamed": RENAMED, "replaces": False, **settings})
    return {it.unified_id: it.fate.status if it.fate else None for it in rows}


def test_a_project_has_a_sync_for_those_who_are_there_and_one_for_those_who_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert yaml.safe_load((folder / "drt_project.yml").read_text())["profile"] == "cdp"
    assert yaml.safe_load((folder / ".drt" / "profiles.yml").read_text()) == {
        "cdp": {"type": "duckdb", "database": ":memory:"}
    }
    ours = {"mode": "full", "on_error": "skip", "dlq": {"enabled": True, "max_records": 0}}
    sync = yaml.safe_load((folder / "syncs" / "crm.yml").read_text())
    assert (sync["name"], sync["destination"], sync["sync"]) == (
        "crm",
        {"type": "hubspot", "auth": {"type": "bearer", "token_env": "HUBSPOT_TOKEN"}},
        {"field_mappings": RENAMED, "batch_size": 50, **ours},
    )
    left = yaml.safe_load((folder / "syncs" / "crm_left.yml").read_text())
    assert (left["name"], left["destination"]["method"], left["sync"]) == (
        "crm_left",
        "DELETE",
        {"batch_size": 50, **ours},
    )
    monkeypatch.chdir(folder)
    with duckdb.connect() as engine:
        found = engine.execute(sync["model"])
        assert [column[0] for column in found.description] == ["email", "given_name", "birth_date", "tier"]
        assert found.fetchall() == [
            ("a@x.org", None, "1990-01-02", "gold"),
            ("b@x.org", "Jo", "1990-01-02", "gold"),
        ]
        assert engine.execute(left["model"]).fetchall() == [("c",)]
    assert read_mark(folder) == MARK


def test_columns_go_by_the_names_that_they_are_sent_by(tmp_path: Path) -> None:
    of_two = crm(
        columns=({"name": "mail", "of": "email"}, "trait.spend"), segment=None, segments=("all", "vips"), left=None
    )
    row = HandedRow(Row("a", "add", "k", {"mail": "a@x.org", "spend": 2.5, "segments": ["vips"]}), 1)
    write_project(tmp_path, MARK, {"crm": of_two}, {"crm": [row]})
    assert read_rows(tmp_path, "crm")[0]["values"] == {"mail": "a@x.org", "spend": 2.5, "segments": ["vips"]}
    query = yaml.safe_load((tmp_path / "syncs" / "crm.yml").read_text())["model"]
    assert query.startswith(
        'SELECT "values.mail" AS "mail", "values.spend" AS "spend", "values.segments" AS "segments" '
    )


def test_lists_and_maps_come_back_as_they_went(tmp_path: Path) -> None:
    several = crm(columns=("unified_id", "emails", "phones", "consents"), left=None)
    rows = [HandedRow(Row("a", "add", "k", {"emails": ["a@x.org"], "phones": [], "consents": {"mail": "granted"}}), 1)]
    write_project(tmp_path, MARK, {"crm": several}, {"crm": rows})
    assert read_rows(tmp_path, "crm") == [
        {
            "unified_id": "a",
            "idempotency_key": "k",
            "action": "add",
            "attempt": 1,
            "values": {"emails": ["a@x.org"], "phones": [], "consents": '{"mail": "granted"}'},
        }
    ]
    assert [path.name for path in (tmp_path / "syncs").iterdir()] == ["crm.yml"]


def test_an_export_replaces_an_earlier_one_and_nothing_else(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    drt_ran(folder, {"name": "crm", "rows_synced": 2})
    write_project(folder, MARK, {"other": crm(name="other")}, {"other": []})
    assert sorted(path.name for path in (folder / "syncs").iterdir()) == ["other.yml", "other_left.yml"]
    assert not (folder / "target").exists()
    full = tmp_path_factory.mktemp("full")
    (full / "thesis.txt").touch()
    with pytest.raises(ConfigError, match="got a folder that holds something else"):
        write_project(full, MARK, {}, {})
    with pytest.raises(DataError, match="no project of `cdp activation export`"):
        read_mark(full)


def test_rows_that_drt_was_refused_are_found_by_their_values(folder: Path) -> None:
    letter = {"record": sent("b"), "error_message": "bad e-mail " + "x" * 300, "http_status": 400}
    drt_ran(
        folder,
        {"name": "crm", "rows_synced": 1, "rows_failed": 1},
        {"name": "crm_left", "rows_synced": 1},
        refused={"crm": [letter, {**letter, "record": sent("a"), "sync_run_id": "an earlier run"}]},
    )
    assert read_results(folder, "crm", renamed=RENAMED, replaces=False) == [
        SentRow("a", "key-a", "add", 1, Fate("acknowledged")),
        SentRow("b", "key-b", "add", 1, Fate("refused", "HTTP 400", ("bad e-mail " + "x" * 300)[:200])),
        SentRow("c", "key-c", "remove", 2, Fate("acknowledged")),
    ]
    assert name_run(folder) == "r1"


@pytest.mark.parametrize(
    ("status", "fate"), [(429, "unsent"), (500, "unknown"), (503, "unknown"), (422, "refused"), (None, "refused")]
)
def test_an_http_status_says_whether_a_row_may_have_arrived(folder: Path, status: int | None, fate: str) -> None:
    letters = [{"record": sent(name), "http_status": status} for name in "ab"]
    drt_ran(folder, {"name": "crm", "status": "failed", "rows_synced": 0, "rows_failed": 2}, refused={"crm": letters})
    assert fates(folder) == {"a": fate, "b": fate, "c": None}


@pytest.mark.parametrize(
    "result",
    [
        {"status": "partial", "rows_synced": 1, "rows_failed": 1},
        {"status": "success", "rows_synced": 1},
        {"status": "success", "rows_synced": 1, "rows_skipped": 1},
        {"status": "failed", "error": "no route"},
    ],
    ids=["a failure without a row", "too few", "skipped", "an error"],
)
def test_where_the_counts_do_not_add_up_nobody_knows(folder: Path, result: dict[str, Any]) -> None:
    drt_ran(folder, {"name": "crm", **result})
    assert fates(folder) == {"a": "unknown", "b": "unknown", "c": None}


def test_of_rows_that_are_alike_one_refusal_says_nothing(tmp_path: Path) -> None:
    alike = [added(name, email="shared@x.org") for name in "ab"]
    write_project(tmp_path, MARK, {"crm": crm()}, {"crm": alike})
    letter = {"record": sent("a") | {"email": "shared@x.org"}, "http_status": 400}
    drt_ran(tmp_path, {"name": "crm", "rows_synced": 1, "rows_failed": 1}, refused={"crm": [letter]})
    assert fates(tmp_path) == {"a": "unknown", "b": "unknown"}
    drt_ran(tmp_path, {"name": "crm", "rows_synced": 0, "rows_failed": 2}, refused={"crm": [letter, letter]})
    assert fates(tmp_path) == {"a": "refused", "b": "refused"}


def test_those_who_left_are_gone_where_a_run_replaces_everything(folder: Path) -> None:
    drt_ran(folder, {"name": "crm", "rows_synced": 2})
    assert fates(folder, replaces=True) == {"a": "acknowledged", "b": "acknowledged", "c": "acknowledged"}
    drt_ran(folder, {"name": "crm", "rows_synced": 0, "rows_failed": 2})
    assert fates(folder, replaces=True) == {"a": "unknown", "b": "unknown", "c": None}


def test_a_dry_run_and_no_run_say_nothing(folder: Path) -> None:
    with pytest.raises(DataError, match="got no results"):
        fates(folder)
    drt_ran(folder, {"name": "crm", "rows_synced": 2, "dry_run": True})
    with pytest.raises(DataError, match="got a dry run"):
        fates(folder)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"to": {"object_type": "contacts"}}, "no type"),
        ({"left": {"url": "https://x.org"}}, "no type"),
        ({"replaces": True, "left": None}, "replaces with mode diff"),
        ({"replaces": True, "mode": "full"}, "left and replaces"),
        ({"replaces": True, "mode": "full", "left": None, "channel": "email"}, "channel and replaces"),
        ({"sync": {"mode": "mirror"}}, "mode, which `cdp activation export` sets"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        crm(**values)
