"""Going back to an older release, comparing two, and the changes between them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from tests.unit.runs.fakes import MONDAY, FakeStages, make_project

from cdp_spark.errors import StateError
from cdp_spark.runs.comparison.compare import build_id_kinds, build_record_changes, compare_releases, read_changes
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.releases import latest_release, read_releases
from cdp_spark.runs.rollback import roll_back
from cdp_spark.runs.run_log import read_runs
from cdp_spark.runs.runner import nightly, run_stages
from cdp_spark.tables.catalog import UNIFIED_IDS
from cdp_spark.tables.store import Store


def ids_of(spark: SparkSession, **ids: str) -> DataFrame:
    return spark.createDataFrame([(key, "person", unified_id) for key, unified_id in ids.items()], UNIFIED_IDS.schema)


def test_what_became_of_records_and_ids(spark: SparkSession) -> None:
    before = ids_of(spark, a="stays", b="loses", c="loses", d="goes_in", e="gone", f="parent", g="parent", h="loses")
    now = ids_of(
        spark, a="stays", b="loses", c="keeps", d="loses", f="parent", g="child", i="new", j="keeps", h="parent"
    )
    changes = build_record_changes(before, now)
    expected = [
        ("a", "stays", "stays", "unchanged"),
        ("b", "loses", "loses", "unchanged"),
        ("c", "loses", "keeps", "split"),
        ("d", "goes_in", "loses", "merged"),
        ("e", "gone", None, "removed"),
        ("f", "parent", "parent", "unchanged"),
        ("g", "parent", "child", "split"),
        ("h", "loses", "parent", "moved"),
        ("i", None, "new", "created"),
        ("j", None, "keeps", "created"),
    ]
    assert_df_equality(
        changes.drop("entity_type"),
        spark.createDataFrame(expected, "record_key string, previous_id string, unified_id string, change string"),
        ignore_row_order=True,
        ignore_nullable=True,
    )
    kinds = [
        ("stays", "unchanged"),
        ("loses", "changed"),
        ("parent", "changed"),
        ("goes_in", "merged"),
        ("gone", "closed"),
        ("child", "split"),
        ("keeps", "split"),
        ("new", "created"),
    ]
    assert_df_equality(
        build_id_kinds(changes),
        spark.createDataFrame(kinds, "unified_id string, change string"),
        ignore_row_order=True,
        ignore_nullable=True,
    )


def test_back_to_an_older_release_and_on_from_there(store: Store, stages: FakeStages) -> None:
    project = make_project()
    options = RunOptions(as_of=MONDAY, report=False, find_work=stages.load)
    with pytest.raises(StateError, match="no release yet"):
        roll_back(store, project, to=None, reason="-", author="kim")
    nightly(store, project, options)
    with pytest.raises(StateError, match="release 1: got no release before it"):
        roll_back(store, project, to=None, reason="-", author="kim")
    stages.ids = {"r1": "p1", "r2": "p1", "r3": "p2", "r4": "p9"}
    nightly(store, project, replace(options, as_of=MONDAY + timedelta(days=1)))

    release = roll_back(store, project, to=None, reason="a wrong file", author="kim")
    assert (release.number, release.restored, release.reason) == (3, 1, "kim: a wrong file")
    current = latest_release(store)
    assert current is not None
    assert current == read_releases(store)[0] == replace(release, published_at=current.published_at)
    assert current.read(store, UNIFIED_IDS).count() == 3
    run = read_runs(store)[0]
    assert (run.run_id, run.status, run.scope) == ("20261123T020000Z-3", "finished", ("rollback",))

    found = compare_releases(store, 2, 3)
    assert (found.records["unchanged"], found.records["removed"], found.ids["closed"]) == (3, 1, 1)
    assert found.examples == {"removed": ({"record_key": "r4", "previous_id": "p9", "unified_id": None},)}
    [undone] = read_changes(store, since=2).collect()
    told = (undone.release, undone.record_key, undone.unified_id, undone.change, undone.cause)
    assert told == (3, "r4", "p9", "removed", "rollback")
    assert read_changes(store, since=3).isEmpty()

    for to, message in (
        (3, "which shows what release 1 showed"),
        (7, "release 7: got no such release; allowed: 3, 2, 1"),
    ):
        with pytest.raises(StateError, match=message):
            roll_back(store, project, to=to, reason="-", author="kim")
    with pytest.raises(StateError, match="got release 3, a rollback: they would publish tables that it went back from"):
        run_stages(store, project, options, first="profiles", last="publish")
    nightly(store, project, replace(options, as_of=MONDAY + timedelta(hours=1)))
    assert stages.contexts["identity"].base_versions == current.versions
    assert [(it.number, it.restored) for it in read_releases(store)] == [(4, None), (3, 1), (2, None), (1, None)]
    assert roll_back(store, project, to=None, reason="-", author="kim").restored == 1


def test_a_vacuumed_version_cannot_come_back(store: Store, stages: FakeStages, spark: SparkSession) -> None:
    options = RunOptions(as_of=MONDAY, report=False, find_work=stages.load)
    for _ in range(2):
        run_stages(store, make_project(), options, first="identity", last="publish")
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        spark.sql(f"VACUUM {store.sql_name(UNIFIED_IDS)} RETAIN 0 HOURS")
    finally:
        spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    with pytest.raises(StateError, match="tables of which this version can no longer be read: unified_ids"):
        roll_back(store, make_project(), to=1, reason="-", author="kim")
    assert [it.number for it in read_releases(store)] == [2, 1]
