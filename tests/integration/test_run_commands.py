"""The commands of the command line on a real run's tables, and a second run at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.integration.pages.notebook import run_notebook
from tests.integration.small_project import write_small_project

from cdp_spark.cli import main as cli
from cdp_spark.config.load import load_project
from cdp_spark.tables.catalog import TABLES
from cdp_spark.tables.lock import hold_warehouse
from cdp_spark.tables.store import open_store


class Shop:
    """A project whose nightly run was made by the command line, and a way to call more commands."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys

    def first_night(self) -> Any:
        """What the first nightly run of the project told; made by the test that asks first."""
        told = self.folder / "first_night.json"
        if not told.exists():
            told.write_text(json.dumps(self.json("run", "nightly", "--as-of", "2026-11-23T02:00")))
        return json.loads(told.read_text())

    def call(self, *arguments: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["cdp", *arguments, "--project", str(self.folder)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = self._capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    def json(self, *arguments: str) -> Any:
        code, out, err = self.call(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_project(tmp_path_factory.mktemp("project") / "shop", people=120)


@pytest.fixture
def shop(
    spark: SparkSession, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shop:
    return Shop(folder, monkeypatch, capsys)


@pytest.mark.slow
def test_the_commands_on_a_run(shop: Shop, spark: SparkSession) -> None:
    summary = shop.first_night()
    assert (summary["run_id"], summary["release"], summary["rows_delivered"]) == ("20261123T020000Z-1", 1, 160)
    tables = {row["table"]: row for row in shop.json("tables")}
    assert list(tables) == list(TABLES)
    assert tables["source_records"]["rows"] == 160
    assert tables["profiles"]["rows"] == sum(summary["profiles"].values())
    assert [(row["run_id"], row["status"]) for row in shop.json("runs")] == [("20261123T020000Z-1", "finished")]
    assert shop.json("runs", "20261123T020000Z-1")[-1]["stage"] == "run"
    assert [row["release"] for row in shop.json("releases")] == [1]
    store = open_store(spark, load_project(shop.folder))
    email = store.read(TABLES["profiles"]).where("size(emails) > 0").select("email").first()
    assert email is not None
    [profile] = shop.json("profile", "show", f" {email[0].upper()} ")
    assert profile["profile"]["email"] == email[0]
    assert profile["records"]
    assert {row["attribute"] for row in profile["values"]} >= {"email", "family_name"}
    [then] = shop.json("profile", "show", profile["unified_id"], "--at", "2026-11-24")
    assert then["profile"]["email"] == email[0]
    code, _, err = shop.call("profile", "show", profile["unified_id"], "--at", "2020-01-01")
    assert (code, "had no profile at 2020-01-01" in err) == (4, True)
    code, _, err = shop.call("profile", "show", "nobody@example.com")
    assert (code, "nobody" in err) == (4, False)
    code, out, _ = shop.call("profile", "show", profile["unified_id"])
    assert (code, email[0] in out) == (0, True)


@pytest.mark.notebook
@pytest.mark.filterwarnings("default")
def test_the_notebook_explores_the_warehouse(
    shop: Shop, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.first_night()
    monkeypatch.setenv("CDP_WAREHOUSE", open_store(spark, load_project(shop.folder)).location)
    outputs = run_notebook("explore_profiles", tmp_path)
    charts = [it for it in outputs if "vegaEmbed" in it.get("data", {}).get("text/html", "")]
    assert len(charts) == 4
    assert any("match weight" in it.get("text", "") for it in outputs)


@pytest.mark.notebook
@pytest.mark.filterwarnings("default")
def test_the_other_notebooks_read_the_project_without_spark(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.first_night()
    monkeypatch.setenv("CDP_PROJECT", str(shop.folder))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    charts = {}
    for name in ("behaviour_and_value", "segments_and_activation"):
        outputs = run_notebook(name, tmp_path)
        data = [it.get("data", {}) for it in outputs]
        charts[name] = sum("vegaEmbed" in it.get("text/html", "") for it in data)
        assert "release 1 of" in outputs[0]["text"]
    assert charts == {"behaviour_and_value": 6, "segments_and_activation": 1}
    requests = [text for it in data if "message_id" in (text := it.get("text/plain", ""))]
    assert [line.split()[2:] for line in requests[0].splitlines()[1:]] == [["20", "503"]] * 4 + [["20", "200"]]


@pytest.mark.slow
def test_releases_ids_and_the_way_back(shop: Shop) -> None:
    first = shop.first_night()
    assert Path(first["report"]).name == f"{first['run_id']}.html"
    assert Path(first["report"]).is_file()
    second = shop.json("run", "nightly", "--as-of", "2026-11-25T02:00", "--no-report")
    assert second["report"] is None
    before, now = first["release"], second["release"]
    found = shop.json("diff", str(before), str(now))
    assert (found["records"]["unchanged"], found["ids"]["unchanged"]) == (160, sum(second["profiles"].values()))
    code, out, _ = shop.call("changes", "--since", "0", "--csv")
    lines = out.splitlines()
    assert (code, lines[0].split(",")[:3], len(lines)) == (0, ["release", "record_key", "unified_id"], 161)
    unified_id = lines[1].split(",")[2]
    assert shop.json("id", "resolve", unified_id)["resolved_id"] == unified_id
    code, _, err = shop.call("id", "resolve", "nobody")
    assert (code, "id nobody: got an id that was never issued" in err) == (5, True)
    code, _, err = shop.call("diff", "1", "99")
    assert (code, "release 99: got no such release" in err) == (5, True)
    back = shop.json("rollback", "--reason", "a wrong file", "--author", "kim")
    assert back == {"release": now + 1, "restored": before, "reason": "kim: a wrong file"}
    newest = shop.json("releases")[0]
    assert (newest["release"], newest["restored"]) == (now + 1, before)


@pytest.mark.slow
def test_a_second_run_at_the_same_time_is_refused(shop: Shop, spark: SparkSession) -> None:
    store = open_store(spark, load_project(shop.folder))
    with hold_warehouse(store) as lock:
        lock.announce("20261123T020000Z-1")
        command = [str(Path(sys.executable).with_name("cdp")), "run", "nightly", "--project", str(shop.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 5
    assert "a second run: run 20261123T020000Z-1 holds it" in done.stderr
