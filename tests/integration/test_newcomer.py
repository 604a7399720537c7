"""From six export files to segments and exports, without an edit: what docs/tutorial.md tells."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.standalone.describing.newcomer import write_files
from typer.testing import CliRunner

from cdp_spark.cli.main import app


def _call(project: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["--project", str(project), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.slow
def test_six_files_become_members_of_segments_and_an_export(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    _call(conf, "init", str(conf), "--template", "webshop")
    _call(conf, "source", "add", *write_files(tmp_path / "files"))
    told: dict[str, Any] = json.loads(_call(conf, "run", "nightly", "--as-of", "2026-02-01T02:00:00Z", "--json"))
    assert told["segments"] == {"at_risk": 7, "cart_abandoners": 0, "newsletter": 43, "vip": 23}
    files = [*(conf / "exports" / "newsletter" / "release=1").glob("*.csv")]
    rows = [row for path in files for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    assert [*rows[0]] == ["unified_id", "given_name", "family_name", "email"]
    assert len({row["email"] for row in rows}) == len(rows) == 43
