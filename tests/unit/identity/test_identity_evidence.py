"""What is asked of records whose ids are contested, and a run's figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.identity_night import clusters_of

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.identity.causes import Evidence
from cdp_spark.identity.changes import count_figures, with_churn
from cdp_spark.identity.frames_tables import fetch_limits, make_readers, read_limits
from cdp_spark.identity.members import join_members
from cdp_spark.tables.catalog import (
    CUTS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTIFIERS,
    LABELS,
    RECORDS,
    RELEASES,
    RUNS,
    UNIFIED_IDS,
)
from cdp_spark.tables.increments.touched import ERASURE, record_touched
from cdp_spark.tables.rows import tuples_of
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store

SETTINGS = ProjectSettings(name="test", namespace=UUID(int=7), warehouse=Warehouse(path="warehouse"))
PROJECT = Project(folder=".", settings=SETTINGS, sources=(), match=MatchConfig(), config_hash="0")
CLOCK = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def context(spark: SparkSession, tmp_path: Path) -> RunContext:
    store = Store(spark, str(tmp_path / "warehouse"))
    return RunContext(store, PROJECT, "run-3", 3, CLOCK + 2 * DAY)


def _record(key: str, ingested_at: datetime) -> tuple[object, ...]:
    filled = {"record_key": key, "entity_type": "person", "ingested_at_utc": ingested_at}
    empty: dict[str, object] = {"string": "", "array": [], "map": {}}
    required = {it.name: empty.get(it.dataType.typeName()) for it in RECORDS.schema if not it.nullable}
    return tuple((required | filled).get(name) for name in RECORDS.schema.names)


def _write_runs(store: Store) -> None:
    starts: list[tuple[object, ...]] = [
        (f"run-{number}", "run", "started", CLOCK, number, CLOCK + (number - 1) * DAY, "0", None, None, None, {}, {})
        for number in (1, 2, 3)
    ]
    store.overwrite(RUNS, RUNS.table(starts))


def _write_releases(store: Store, *run_ids: str) -> None:
    rows: list[tuple[object, ...]] = [
        (number, run_id, CLOCK, "published", {}, None, None) for number, run_id in enumerate(run_ids, start=1)
    ]
    store.overwrite(RELEASES, RELEASES.table(rows))


def test_evidence_is_what_changed_since_the_last_release_and_pairs_of_labels_and_limits(context: RunContext) -> None:
    store = context.store
    _write_runs(store)
    _write_releases(store, "run-1", "run-2", "run-3")
    changed = [_record("a", CLOCK + DAY), _record("b", CLOCK + 1.5 * DAY), _record("c", CLOCK + 1.5 * DAY)]
    store.overwrite(RECORDS, RECORDS.table(changed))
    store.overwrite(
        LABELS, LABELS.table([("a", "z", CLOCK, "must_link", "x", None), ("y", "z", CLOCK, "withdrawn", "x", None)])
    )
    cuts = [
        ("b", "z", "run-3", "person", None, "unique_value", "loyalty_id"),
        ("c", "z", "run-3", "person", None, "max_people", "device_id"),
        ("a", "b", "run-2", "person", None, "unique_value", "loyalty_id"),
        ("a", "c", "run-3", "person", 1.0, "weak", None),
    ]
    store.overwrite(CUTS, CUTS.table(cuts))
    limits = fetch_limits(context)
    assert sorted(limits.to_pylist(), key=str) == [
        {"record_key_l": "b", "record_key_r": "z", "identifier_type": "loyalty_id", "reason": "unique_value"},
        {"record_key_l": "c", "record_key_r": "z", "identifier_type": "device_id", "reason": "max_people"},
    ]
    for ordinal, beside in ((1, "a"), (2, "b"), (2, "z")):
        touched = {"person": pa.table({"record_key": [beside]})}
        record_touched(replace(context, run_id=f"erasure-{beside}", ordinal=ordinal), ERASURE, touched)
    read = make_readers(context, limits).evidence
    assert read({"a", "b"}) == Evidence(
        [("b", "changed_value"), ("b", "erasure")], [("a", "z", "label"), ("b", "z", "limit")]
    )


def test_before_the_first_release_nothing_has_changed(context: RunContext) -> None:
    context.store.overwrite(RECORDS, RECORDS.table([_record("a", CLOCK)]))
    assert make_readers(context, fetch_limits(context)).evidence({"a"}) == Evidence([], [])


def test_a_release_of_a_run_that_is_forgotten_has_the_clock_of_its_publication(context: RunContext) -> None:
    _write_releases(context.store, "forgotten")
    records = [_record("a", CLOCK), _record("b", CLOCK + DAY)]
    context.store.overwrite(RECORDS, RECORDS.table(records))
    assert make_readers(context, fetch_limits(context)).evidence({"a", "b"}) == Evidence([("b", "changed_value")], [])


def test_usable_strong_identifiers_are_read(context: RunContext) -> None:
    rows = [
        ("a", "person", "email", "x", "hash-x", True, None, None),
        ("a", "person", "email", "y", "hash-y", False, "shared", None),
        ("a", "person", "cookie_id", "z", "hash-z", True, None, None),
        ("b", "person", "email", "x", "hash-x", True, None, None),
    ]
    context.store.overwrite(IDENTIFIERS, IDENTIFIERS.table(rows))
    assert make_readers(context, fetch_limits(context)).identifiers({"a"}) == [("a", "email", "hash-x")]


def test_a_runs_figures_leave_visitors_out() -> None:
    registry = [
        ("b", "person", "live", None, None, 2, None, "new_record"),
        ("c", "person", "live", None, "a", 2, None, "model"),
        ("d", "person", "merged", "a", None, 1, 2, "model"),
        ("e", "person", "closed", None, None, 1, 2, "removed_record"),
    ]
    changes = [
        (2, "p", "a", "person", "d", "merged", "model"),
        (2, "v", "a", "visitor", "d", "merged", "model"),
        (2, "q", "e", "person", "e", "removed", "removed_record"),
        (2, "n", "b", "person", None, "resurrected", "new_record"),
        (2, "m", "b", "person", None, "resurrected", "new_record"),
        (2, "k", "a", "person", "a", "moved", "moved_key"),
    ]
    before = UNIFIED_IDS.table([("p", "person", "d"), ("q", "person", "e"), ("v", "visitor", "d")])
    clusters = clusters_of([("p", "person", "p"), ("v", "visitor", "p"), ("n", "person", "n"), ("m", "person", "n")])
    members, borne = join_members(clusters, before, []), pa.table({"unified_id": ["a", "b", "c"]})
    tables = ID_CHANGES.table(changes), ID_REGISTRY.table(registry)
    assert with_churn(count_figures(members, borne, *tables, release=2)) == {
        "ids.live": 3.0,
        "ids.created": 1.0,
        "ids.split": 1.0,
        "ids.merged": 1.0,
        "ids.closed": 1.0,
        "ids.resurrected": 1.0,
        "ids.records_changed": 1.0,
        "ids.records_ended": 1.0,
        "ids.moved_keys": 1.0,
        "ids.churn": 1.0,
    }


def test_a_value_that_would_have_joined_people_is_a_limit(context: RunContext) -> None:
    rows = [
        ("a", "person", "user_id", "till", "hash-t", False, "contradicted", None),
        ("b", "person", "user_id", "till", "hash-t", False, "contradicted", None),
        ("c", "person", "user_id", "x", "hash-x", True, None, None),
        ("v", "visitor", "user_id", "till", "hash-t", False, "contradicted", None),
    ]
    context.store.overwrite(IDENTIFIERS, IDENTIFIERS.table(rows))
    assert tuples_of(fetch_limits(context)) == [("a", "b", "user_id", "contradicted")]
    assert [tuple(row) for row in read_limits(context).collect()] == [("a", "b", "user_id", "contradicted")]
