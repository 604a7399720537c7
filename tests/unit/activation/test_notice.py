"""Destinations are told who was erased; what was exported before is gone."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from pyspark.sql import SparkSession
from tests.unit.privacy.conftest import JANUARY

from cdp_spark.activation.notice import remove_exports, tell_erased
from cdp_spark.activation.stage import hand_over
from cdp_spark.config.destination import DestinationsConfig, FileDestination
from cdp_spark.config.load.secrets import reveal
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.sending import SentColumn
from cdp_spark.errors import StateError
from cdp_spark.tables.catalog import DELIVERIES
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store

MAILING = FileDestination(
    name="mailing",
    kind="csv",
    segment="all",
    path="exports/mailing",
    columns=(SentColumn(of="email"),),
    purpose="mail",
)


@pytest.fixture
def context(spark: SparkSession, tmp_path: Path) -> RunContext:
    settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="warehouse"))
    project = Project(
        folder=str(tmp_path),
        settings=settings,
        sources=(),
        match=MatchConfig(),
        destinations=DestinationsConfig(destinations=(MAILING,)),
        config_hash="-",
    )
    return RunContext(Store(spark, str(tmp_path / "warehouse")), project, "erasure-3", 3, JANUARY)


def test_ids_are_told_and_earlier_exports_go(context: RunContext, tmp_path: Path) -> None:
    told = tell_erased(context, MAILING, ("b", "a"))
    assert (told.status, told.row_count) == ("delivered", 2)
    [file] = Path(told.location).glob("*.csv")
    assert (told.location, file.read_text()) == (f"{tmp_path}/exports/mailing/_erased/release=3", "unified_id\na\nb\n")
    moved = tmp_path / "elsewhere" / "release=1"
    for release, location in ((1, str(moved)), (2, f"{tmp_path}/exports/mailing/release=2"), (3, told.location)):
        Path(location).mkdir(parents=True, exist_ok=True)
        delivery = replace(told, segment="all" if release < 3 else told.segment, location=location)
        hand_over(replace(context, ordinal=release), {"mailing": partial(replace, delivery)}, again="-")
    for unrecorded in ("release=1", "release=12"):
        (tmp_path / "exports/mailing" / unrecorded).mkdir()
    assert remove_exports(context) == []
    assert sorted(path.name for path in (tmp_path / "exports/mailing").iterdir()) == ["_erased", "release=12"]
    assert not moved.exists()
    assert file.exists()


def test_a_folder_named_by_a_variable_is_recorded_by_its_name(
    context: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDP_TEST_TOKEN", "hunter2")
    hidden = reveal(MAILING.model_copy(update={"path": "exports/${CDP_TEST_TOKEN}/"}), os.environ)
    told = replace(tell_erased(context, hidden, ("a",)), segment="all")
    assert Path(told.location) == tmp_path / "exports/hunter2/_erased/release=3"
    assert Path(told.location).is_dir()
    hand_over(replace(context, ordinal=2), {"mailing": lambda: told}, again="-")
    [recorded] = context.store.fetch(DELIVERIES, ["location"]).to_pylist()
    assert recorded == {"location": "exports/${CDP_TEST_TOKEN}/_erased/release=3"}
    with pytest.raises(StateError, match=r"mailing at exports/\$\{CDP_TEST_TOKEN\}/_erased/release=3: got x"):
        hand_over(context, {"mailing": lambda: replace(told, status="failed", problem="x")}, again="-")
    assert remove_exports(context) == []
    assert not Path(told.location).exists()


def test_a_destination_that_cannot_be_told(context: RunContext, tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("a file where the folder should be")
    told = tell_erased(context, MAILING, ("a",))
    assert (told.status, told.row_count) == ("failed", 0)
    assert told.problem.endswith("while writing")
