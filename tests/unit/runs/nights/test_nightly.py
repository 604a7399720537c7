"""Order, resumption, publishing and refusal, with stages that stand in for the real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest
from pyspark.sql import functions as F
from tests.unit.runs.fakes import ALL, MONDAY, FakeStages, Killed, make_project

from cdp_spark.config.project import RowBounds
from cdp_spark.errors import StateError
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.publish import ReleaseRefusedError
from cdp_spark.runs.releases import read_releases
from cdp_spark.runs.run_log import read_runs
from cdp_spark.runs.runner import nightly, run_stages
from cdp_spark.runs.stages import StageEvent
from cdp_spark.tables.catalog import RUN_METRICS, UNIFIED_IDS
from cdp_spark.tables.store import Store

FIRST = {"unified_ids": 1, "profiles": 1}


def options(stages: FakeStages, **changes: object) -> RunOptions:
    return replace(RunOptions(as_of=MONDAY, report=False, find_work=stages.load), **changes)  # type: ignore[arg-type]


def test_nightly_runs_publish_and_tell_what_they_did(store: Store, stages: FakeStages) -> None:
    events: list[StageEvent] = []
    summary = nightly(store, make_project(), options(stages, progress=events.append, figures={"session.is_small": 1.0}))
    assert stages.calls == ALL
    assert summary.run.run_id == "20261123T020000Z-1"
    assert (summary.all_sources.delivered, summary.all_sources.rejected, summary.resumed) == (10, 1, False)
    assert summary.profiles == {"person": 2}
    assert summary.release is not None
    assert summary.release.versions == FIRST
    assert [(it.stage, it.state) for it in events] == [(name, end) for name in ALL for end in ("started", "finished")]
    assert events[1].rows == 10
    figures = store.read(RUN_METRICS).where(F.col("name").startswith("gates.")).collect()
    assert {row.name.removeprefix("gates."): (row.stage, round(row.metric, 2)) for row in figures} == {
        "largest_cluster_records": ("publish", 2.0),
        "held_share": ("publish", 0.0),
        "match_rate": ("publish", 0.67),
        "rejected_share": ("publish", 0.1),
        "id_churn": ("publish", 0.0),
        "profiles": ("publish", 2.0),
    }
    assert store.fetch(RUN_METRICS, only={"stage": pa.array(["run"])}).to_pylist() == [
        {"run_id": "20261123T020000Z-1", "name": "session.is_small", "metric": 1.0, "stage": "run"}
    ]
    assert stages.contexts["identity"].base_versions == {}
    assert stages.contexts["activation"].base_versions == FIRST

    summary = nightly(store, make_project(), options(stages, as_of=MONDAY + timedelta(days=1)))
    assert summary.run.run_id == "20261124T020000Z-2"
    assert stages.contexts["identity"].base_versions == FIRST
    assert stages.contexts["activation"].base_versions == {"unified_ids": 2, "profiles": 2}

    stages.calls.clear()
    run_stages(store, make_project(), options(stages, as_of=MONDAY + timedelta(days=1)), first="activation")
    assert stages.calls == ["activation"]
    assert stages.contexts["activation"].ordinal == 2

    earlier = r"--as-of: got 2026-11-23T02.*allowed: 2026-11-24T02:00:00\+00:00 or later"
    with pytest.raises(StateError, match=earlier):
        nightly(store, make_project(), options(stages))


def test_a_run_killed_four_times_goes_on_where_it_stopped(store: Store, stages: FakeStages) -> None:
    expected = ALL
    for stage in ("ingest", "identity", "publish", "activation"):
        stages.dies_in = stage
        stages.calls.clear()
        with pytest.raises(Killed):
            nightly(store, make_project(), options(stages, as_of=MONDAY if stage == "ingest" else None))
        assert stages.calls == expected[: expected.index(stage) + 1]
        expected = ALL[ALL.index(stage) :]
    wanted = r"run 20261123T020000Z-1: got as-of 2026-11-24.*allowed: its own, 2026-11-23"
    with pytest.raises(StateError, match=wanted):
        nightly(store, make_project(), options(stages, as_of=MONDAY + timedelta(days=1)))
    stages.dies_in = None
    summary = nightly(store, make_project(), options(stages, as_of=None))
    assert (summary.run.run_id, summary.run.as_of, summary.resumed) == ("20261123T020000Z-1", MONDAY, True)
    assert [(it.stage, it.status) for it in summary.outcomes] == [(name, "finished") for name in ALL]
    assert summary.metrics["crm.rows_delivered"] == 10
    assert [it.number for it in read_releases(store)] == [1]
    assert [run.status for run in read_runs(store)] == ["finished"]


def test_a_killed_run_is_not_continued_with_another_configuration(store: Store, stages: FakeStages) -> None:
    stages.dies_in = "ingest"
    with pytest.raises(Killed):
        nightly(store, make_project(), options(stages))
    with pytest.raises(Killed):
        nightly(store, make_project(config_hash="second"), options(stages))
    newest, oldest = read_runs(store)
    assert (newest.run_id, newest.status, oldest.status) == ("20261123T020000Z-2", "interrupted", "failed")
    assert oldest.outcomes[-1].detail == "interrupted, and not continued because the configuration changed"


def test_a_failure_ends_a_run_and_keeps_values_out_of_the_log(store: Store, stages: FakeStages) -> None:
    for stages.fails_in in ("standardise", "ingest"):
        with pytest.raises(ValueError, match="someone"):
            nightly(store, make_project(), options(stages))
    newest, oldest = read_runs(store)
    assert (newest.ordinal, oldest.ordinal) == (2, 1)
    assert [(it.stage, it.status, it.detail) for it in newest.outcomes[-2:]] == [
        ("ingest", "failed", "ValueError"),
        ("run", "failed", "ValueError"),
    ]


def test_a_closed_gate_refuses_the_release_and_the_last_one_stays(store: Store, stages: FakeStages) -> None:
    run_stages(store, make_project(), options(stages), first="identity", last="publish")
    stages.ids = {"r1": "p1", "r2": "p1", "r3": "p1"}
    stages.calls.clear()
    wanted = (
        r"release 2: got gate max_cluster_records 3, at most 2; gate max_id_churn 33.33%, at most 20.00%; "
        r"gate rows.profiles.max_change 50.00%, at most 10.00%. Fix: "
    )
    strict = make_project(max_cluster_records=2, rows={"profiles": RowBounds(max_change=0.1)})
    with pytest.raises(ReleaseRefusedError, match=wanted) as refused:
        run_stages(store, strict, options(stages), first="identity")
    assert refused.value.exit_code == 5
    assert stages.calls[-1] == "publish"
    assert read_runs(store)[0].status == "refused"
    [release] = read_releases(store)
    assert release.number == 1
    assert release.read(store, UNIFIED_IDS).where(F.col("unified_id") == "p2").count() == 1


def test_some_stages_run_without_publishing(store: Store, stages: FakeStages) -> None:
    with pytest.raises(StateError, match="got no release yet"):
        run_stages(store, make_project(), options(stages), first="activation")
    summary = run_stages(store, make_project(), options(stages), first="identity", last="profiles")
    assert stages.calls == ["identity", "events", "sessions", "profiles"]
    assert summary.release is None
    summary = run_stages(store, make_project(), options(stages), first="publish", last="publish")
    assert summary.release is not None
    assert (summary.release.number, dict(summary.release.versions)) == (3, FIRST)
