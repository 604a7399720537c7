"""The demo's folder and project."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.config.load import load_project
from cdp_spark.demo.run import claim_folder, move_project
from cdp_spark.errors import ConfigError

CONF = Path(__file__).parents[3] / "conf"


def test_a_moved_demo_reads_and_writes_in_its_folder_only(tmp_path: Path) -> None:
    project = load_project(CONF, env={})
    moved = move_project(project, tmp_path)
    places = [moved.settings.warehouse.path, moved.settings.report]
    places += [source.path for source in moved.sources]
    places += [destination.path for destination in moved.destinations.files]
    assert all(Path(str(place)).is_relative_to(tmp_path) for place in places)
    assert moved.sources[0].path == str(tmp_path / "data" / moved.sources[0].name)
    assert moved.config_hash == project.config_hash


def test_another_project_is_not_taken_for_the_demo(tmp_path: Path) -> None:
    write_starter(tmp_path / "shop")
    with pytest.raises(ConfigError, match="cdp run nightly runs your own"):
        move_project(load_project(tmp_path / "shop", env={}), tmp_path)


def test_a_folder_holds_one_demo(tmp_path: Path) -> None:
    claim_folder(tmp_path / "demo", people=500, seed=7)
    claim_folder(tmp_path / "demo", people=500, seed=7)
    with pytest.raises(ConfigError, match="the demo of people 500, seed 7"):
        claim_folder(tmp_path / "demo", people=500, seed=8)
