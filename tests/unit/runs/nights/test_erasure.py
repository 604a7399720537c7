"""An erasure as a run: its release, what it expires, and what happens when it stops half way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession
from tests.unit.runs.fakes import ALL, MONDAY, FakeStages, Killed, make_project

from cdp_spark.config.project import Project, SuppressionKey
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.privacy.people.requests import Request
from cdp_spark.runs.comparison.compare import read_changes
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.publish import expire
from cdp_spark.runs.releases import find_release, latest_release, read_releases
from cdp_spark.runs.rollback import roll_back
from cdp_spark.runs.run_log import read_runs
from cdp_spark.runs.runner import continue_erasures, erase, finish_erasures, nightly
from cdp_spark.runs.stages import AFTER_IDENTITY, ERASURE_STAGES
from cdp_spark.tables.catalog import ERASURES, UNIFIED_IDS
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.store import Store

REQUEST = Request(("p1",), "kim", "request 7", MONDAY)


@dataclass
class ErasingStages(FakeStages):
    """The fake stages, and those of an erasure, which takes an id's rows out of one table."""

    def _work(self, name: str, context: RunContext) -> StageResult:
        if name == "expire":
            return expire(context)
        if name != "erasure":
            return super()._work(name, context)
        kept = context.fetch_released(UNIFIED_IDS).filter(pc.field("unified_id") != "p1")
        versions = {**context.base_versions, UNIFIED_IDS.name: context.store.overwrite(UNIFIED_IDS, kept)}
        return StageResult(versions, detail="1 ids")


@pytest.fixture
def stages() -> ErasingStages:
    return ErasingStages(ids={"r1": "p1", "r2": "p1", "r3": "p2"})


@pytest.fixture
def project() -> Project:
    plain = make_project()
    key = SuppressionKey(secret_key="0123456789abcdef-not-shown")
    return plain.model_copy(update={"settings": plain.settings.model_copy(update={"suppression": key})})


def options_of(stages: FakeStages, day: int = 0) -> RunOptions:
    return RunOptions(as_of=MONDAY + timedelta(days=day), report=False, find_work=stages.load)


def test_an_erasure_is_a_release_that_expires_all_before(
    spark: SparkSession, store: Store, stages: ErasingStages, project: Project
) -> None:
    nightly(store, project, options_of(stages))
    nightly(store, project, options_of(stages, day=1))
    stages.calls.clear()
    with pytest.raises(ConfigError, match="no section `suppression`"):
        erase(store, make_project(), REQUEST, options_of(stages))

    done = erase(store, project, REQUEST, options_of(stages))
    assert stages.calls == list(ERASURE_STAGES)
    assert (done.release.number, done.release.reason, done.run.status) == (3, "1 ids", "finished")
    assert done.run.as_of == MONDAY + timedelta(days=1)
    assert [(it.number, it.status) for it in read_releases(store)] == [
        (3, "published"),
        (2, "expired"),
        (1, "expired"),
    ]
    current = latest_release(store)
    assert current is not None
    assert [row.record_key for row in current.read(store, UNIFIED_IDS).collect()] == ["r3"]
    noted = sorted((row.record_key, row.run_id) for row in store.read(ERASURES).collect())
    assert noted == [("r1", done.run.run_id), ("r2", done.run.run_id)]

    expired = "release 2: got a release that an erasure expired"
    with pytest.raises(StateError, match=expired):
        find_release(store, 2)
    with pytest.raises(StateError, match=expired):
        roll_back(store, project, to=2, reason="-", author="kim")
    assert read_changes(store, since=1).isEmpty()  # who has an expired release may still ask for what followed

    stages.ids = {"r3": "p2"}
    nightly(store, project, options_of(stages, day=1))
    assert stages.contexts["identity"].base_versions == current.versions
    built_on = [name for name in ALL[:-1] if stages.contexts[name].last]
    assert built_on == list(AFTER_IDENTITY), "these go on from what the erasure left"
    nightly(store, project, options_of(stages, day=2))
    assert stages.contexts["matching"].last is not None


def test_one_that_was_killed_is_finished_by_the_next_run(store: Store, stages: ErasingStages, project: Project) -> None:
    nightly(store, project, options_of(stages))
    stages.dies_in = "erasure"
    with pytest.raises(Killed):
        erase(store, project, REQUEST, options_of(stages))
    assert [(it.number, it.status) for it in read_releases(store)] == [(1, "published")]
    stages.dies_in, stages.ids = None, {"r3": "p2"}
    stages.calls.clear()
    nightly(store, project, options_of(stages))
    assert stages.calls == [*ERASURE_STAGES, *ALL]
    assert [(it.number, it.status) for it in read_releases(store)] == [
        (3, "published"),
        (2, "published"),
        (1, "expired"),
    ]
    assert [run.status for run in read_runs(store)] == ["finished"] * 3


def test_a_rollback_cannot_pass_one_that_was_killed(
    store: Store, stages: ErasingStages, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly(store, project, options_of(stages))
    nightly(store, project, options_of(stages, day=1))
    stages.dies_in = "expire"
    with pytest.raises(Killed):
        erase(store, project, REQUEST, options_of(stages))
    run = read_runs(store)[0]
    assert (list(run.finished), run.status) == (["erasure"], "interrupted")
    stages.dies_in = None
    stages.calls.clear()
    finish = partial(finish_erasures, options=options_of(stages))
    monkeypatch.setattr("cdp_spark.runs.rollback.finish_erasures", finish)
    with pytest.raises(StateError, match="release 1: got a release that an erasure expired"):
        roll_back(store, project, to=1, reason="-", author="kim")
    assert stages.calls == list(ERASURE_STAGES[1:])


def test_a_destination_that_failed_is_told_again(store: Store, stages: ErasingStages, project: Project) -> None:
    nightly(store, project, options_of(stages))
    with pytest.raises(StateError, match="no erasure that was begun and has not finished"):
        continue_erasures(store, project, options_of(stages))
    stages.fails_in = "notice"
    with pytest.raises(ValueError, match="example"):
        erase(store, project, REQUEST, options_of(stages))
    stages.fails_in, stages.ids = None, {"r3": "p2"}
    nightly(store, project, options_of(stages))
    stages.calls.clear()
    [done] = continue_erasures(store, project, options_of(stages))
    assert stages.calls == ["notice", "activation"]
    assert done.run.status == "finished"
    assert done.release.number == 3


def test_one_of_which_nobody_is_noted_erased_nobody(
    store: Store, stages: ErasingStages, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    nightly(store, project, options_of(stages))
    monkeypatch.setattr("cdp_spark.runs.runner.record_request", die)
    with pytest.raises(Killed):
        erase(store, project, REQUEST, options_of(stages))
    stages.calls.clear()
    nightly(store, project, options_of(stages))
    assert stages.calls == ALL
    told = [(run.status, run.outcomes[-1].detail) for run in read_runs(store)]
    assert told[1] == ("failed", "interrupted before it was noted whom to erase; nothing was erased")
