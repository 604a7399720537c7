"""The commands that explain, judge and label, on a small warehouse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.matched_shop import Shop
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.errors import CdpError


class Calls:
    """Calls of the command line on the shop."""

    def __init__(self, shop: Shop) -> None:
        self._folder = shop.folder

    def text(self, *arguments: object) -> str:
        done = CliRunner().invoke(app, ["--project", str(self._folder), *map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, *arguments: object) -> Any:
        return json.loads(self.text(*arguments, "--json"))

    def error(self, *arguments: object) -> CdpError:
        with pytest.raises(CdpError) as raised:
            self.text(*arguments)
        return raised.value


@pytest.fixture
def calls(shop: Shop) -> Calls:
    return Calls(shop)


def test_why_prints_the_waterfall_and_writes_page_and_picture(calls: Calls, tmp_path: Path) -> None:
    page, picture = tmp_path / "why.html", tmp_path / "why.svg"
    text = calls.text("why", "crm:0", "web:0", "--html", page, "--svg", picture)
    for word in ("crm:0 and web:0: one cluster", "prior", "match weight", "found by email", "█"):
        assert word in text
    html = page.read_text(encoding="utf-8")
    assert "<svg" in html
    assert "<script" not in html
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    facts = calls.json("why", "crm:0", "web:0")
    assert facts["weight_log2"] == pytest.approx(sum(it["bits"] for it in facts["contributions"]))
    assert facts["left"]["record_key"] == "a00"


def test_why_refuses_a_file_before_it_starts(calls: Calls, tmp_path: Path) -> None:
    assert "--svg: got why.png; allowed: a name in .svg" in str(calls.error("why", "a", "b", "--svg", "why.png"))
    assert "no folder" in str(calls.error("why", "a", "b", "--html", tmp_path / "nowhere" / "why.html"))
