"""docs/architecture.md names what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from cdp_spark.runs.stages import NIGHTLY

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_page_lists_the_packages_in_the_order_of_the_layers() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {it["name"]: it for it in settings["tool"]["importlinter"]["contracts"]}
    layers = [row.split(" | ") for row in contracts["Layers"]["layers"]]
    section = PAGE.split("## Packages")[1].split("\n## ")[0]
    listed = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in section.splitlines() if line.startswith("| `")]
    order = {name: place for place, names in enumerate(layers) for name in names}
    named = [name for names in listed for name in names]
    assert sorted(named) == sorted(order)
    assert [order[name] for name in named] == sorted(order[name] for name in named)


def test_the_page_lists_the_stages_with_what_they_write() -> None:
    section = PAGE.split("## How data flows")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
    assert [(name, written.split(", ")) for name, _, written in cells[1:]] == [
        (stage.name, [spec.name for spec in stage.writes]) for stage in NIGHTLY
    ]


def test_the_links_of_the_pages_lead_somewhere() -> None:
    for page in sorted((ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
