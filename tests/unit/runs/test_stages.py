"""The stage table: what a stage reads was made before, what it writes is made once, and nothing else is touched."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.runs.fakes import MONDAY, FakeStages, make_project

from cdp_spark.errors import ConfigError, ContractError
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.run_log import read_runs
from cdp_spark.runs.runner import run_stages
from cdp_spark.runs.stages import ERASING, NIGHTLY, OUTSIDE, STAGES, Stage, Work, stages_between
from cdp_spark.tables.catalog import CLUSTERS, PROFILES, RECORDS, SCORE_MODELS, TABLES, TOUCHED_RECORDS, UNIFIED_EVENTS
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.store import Store

FROM_OUTSIDE = {spec.name for specs in OUTSIDE.values() for spec in specs}


def names(specs: tuple[object, ...]) -> set[str]:
    return {getattr(spec, "name", "") for spec in specs}


def test_every_table_is_made_by_one_stage_or_outside_the_stages() -> None:
    made = [spec.name for stage in NIGHTLY for spec in stage.writes]
    logged = {spec.name for stage in NIGHTLY for spec in stage.logs}
    assert sorted([*made, *logged, *FROM_OUTSIDE]) == sorted(TABLES)
    assert logged == {TOUCHED_RECORDS.name, SCORE_MODELS.name}


@pytest.mark.parametrize("run", [NIGHTLY, ERASING], ids=["nightly", "erasure"])
def test_what_a_stage_reads_was_made_by_an_earlier_stage(run: tuple[Stage, ...]) -> None:
    made = set(FROM_OUTSIDE)
    for stage in run:
        before = made if run is NIGHTLY else set(TABLES)
        assert names(stage.reads) <= before, stage.name
        made |= names(stage.writes) | names(stage.logs)
    assert made <= set(TABLES)


def test_what_a_stage_reads_of_earlier_runs_is_made_by_a_later_stage_or_outside() -> None:
    for place, stage in enumerate(NIGHTLY):
        later = {spec.name for it in NIGHTLY[place + 1 :] for spec in it.writes}
        assert names(stage.earlier) <= later | FROM_OUTSIDE, stage.name


def test_an_erasure_changes_every_table_that_it_vacuums() -> None:
    rows = {stage.name: stage for stage in ERASING}
    assert names(rows["vacuum"].writes) <= names(rows["erasure"].writes)


def test_every_stage_says_what_it_does_in_a_sentence() -> None:
    for stage in (*NIGHTLY, *ERASING):
        assert re.fullmatch(r"[A-Z].*\.", stage.does), stage.name
        assert stage.work.__module__.startswith("cdp_spark."), stage.name


def test_the_import_contracts_name_the_stages() -> None:
    settings = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {it["name"]: it for it in settings["tool"]["importlinter"]["contracts"]}
    modules = [stage.work.__module__ for stage in NIGHTLY]
    assert contracts["No stage imports another"]["modules"] == modules
    layers = contracts["Layers"]["layers"]
    below = {name for row in layers[layers.index("runs") + 1 :] for name in row.split(" | ")}
    stages = {module.split(".")[1] for module in modules} - {"runs"}
    assert stages <= below


def test_stages_are_named_in_order() -> None:
    assert stages_between(None, None) == STAGES
    assert stages_between("identity", "profiles") == ("identity", "events", "sessions", "profiles")


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("nowhere", None, "--from: got 'nowhere'; allowed: ingest, standardise, "),
        (None, "nowhere", "--to: got 'nowhere'; allowed: ingest, "),
        ("publish", "ingest", "--from, --to: got publish to ingest"),
    ],
)
def test_unknown_stages_are_refused(first: str | None, last: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stages_between(first, last)


def test_a_stage_that_touches_a_table_that_its_row_does_not_name_fails(store: Store, stages: FakeStages) -> None:
    def find(name: str) -> Work:
        def events(context: RunContext) -> StageResult:
            context.store.read(CLUSTERS)
            return StageResult()

        return events if name == "events" else stages.load(name)

    options = replace(RunOptions(as_of=MONDAY, report=False), find_work=find)
    told = "stage events: got an attempt to read table clusters; allowed: "
    told += "currency_rates, source_events, source_order_lines, unified_events, unified_ids. "
    with pytest.raises(ContractError, match=f"^{told}Fix: name the table in the stage's row"):
        run_stages(store, make_project(), options, first="events", last="events")
    [run] = read_runs(store)
    assert (run.status, run.outcomes[-1].detail.startswith(told)) == ("failed", True)


def test_a_limited_store_refuses_every_way_to_touch_another_table(store: Store) -> None:
    [row] = [stage for stage in NIGHTLY if stage.name == "relations"]
    limited, rows = store.limited_to(row.access), PROFILES.table([])
    assert limited.fetch(PROFILES).num_rows == limited.count(RECORDS) == 0
    for read in (limited.read, limited.fetch, limited.count, limited.version, limited.open_local, limited.exists):
        with pytest.raises(ContractError, match="attempt to read table unified_events"):
            read(UNIFIED_EVENTS)
    writes: list[Callable[[], object]] = [
        lambda: limited.overwrite(PROFILES, rows),
        lambda: limited.append(PROFILES, rows, application=None),
        lambda: limited.rewind(PROFILES, 0),
        lambda: limited.name_to_change(PROFILES),
    ]
    for write in writes:
        with pytest.raises(
            ContractError, match="write table profiles; allowed: account_hierarchy, account_members, house"
        ):
            write()
