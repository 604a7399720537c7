"""The identity stage on a warehouse: two nights, the second one run three times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.identity import stage
from cdp_spark.tables.catalog import (
    CLUSTERS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTITY_ISSUES,
    RECORDS,
    RELEASES,
    RUNS,
    UNIFIED_IDS,
)
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

SETTINGS = ProjectSettings(name="test", namespace=UUID(int=7), warehouse=Warehouse(path="warehouse"))
PROJECT = Project(folder=".", settings=SETTINGS, sources=(), match=MatchConfig(), config_hash="0")
FIRST, SECOND = datetime(2026, 1, 1), datetime(2026, 1, 2)  # noqa: DTZ001 - Spark's UTC session time
OUTPUTS = (UNIFIED_IDS, ID_REGISTRY, ID_CHANGES, IDENTITY_ISSUES)


@dataclass(frozen=True)
class TwoNights:
    """What was written."""

    first: StageResult
    second: StageResult
    tables: dict[str, list[tuple[object, ...]]]
    in_spark: dict[str, list[tuple[object, ...]]]
    of_remote_tables: dict[str, list[tuple[object, ...]]]
    feed: list[tuple[str, str]]


@pytest.fixture(scope="module")
def two_nights(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TwoNights:
    store = Store(spark, str(tmp_path_factory.mktemp("warehouse")))
    first = _night(store, "one", 1, FIRST, {"a1": "a", "a2": "a", "a3": "a", "b1": "b"}, {})
    _publish(store, first)
    _write_changed_record(store, "a1")
    after = {"a1": "c", "a2": "a", "a3": "a", "b1": "b", "n1": "b"}
    second = _night(store, "two", 2, SECOND, after, first.versions)
    tables = _rows(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "CONTESTED_ON_DRIVER_RECORDS", -1)  # this time in Spark
        _night(store, "two", 2, SECOND, after, first.versions)
    in_spark = _rows(store)
    _night(replace(store, direct=False), "two", 2, SECOND, after, first.versions)
    feed = _feed(store, first.versions[ID_CHANGES.name] + 1)
    return TwoNights(first, second, tables, in_spark, _rows(store), feed)


def _feed(store: Store, version: int) -> list[tuple[str, str]]:
    """What the change feed says from a version on: change and record key."""
    reader = store.spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", version)
    rows = reader.load(store.identifier(ID_CHANGES)).orderBy("_commit_version", "record_key")
    return [(row["_change_type"], row["record_key"]) for row in rows.collect()]


def _night(
    store: Store, run_id: str, ordinal: int, as_of: datetime, clusters: dict[str, str], base: Mapping[str, int]
) -> StageResult:
    rows = [(record, "person", cluster, cluster) for record, cluster in clusters.items()]
    store.overwrite(CLUSTERS, CLUSTERS.table(rows))
    return stage.run(RunContext(store, PROJECT, run_id, ordinal, as_of, base_versions=base))


def _publish(store: Store, result: StageResult) -> None:
    _append(store, RUNS, {"run_id": "one", "stage": "run", "as_of_utc": FIRST, "status": "started"})
    _append(store, RELEASES, {"release": 1, "run_id": "one", "status": "published", "versions": result.versions})


def _write_changed_record(store: Store, record_key: str) -> None:
    _append(store, RECORDS, {"record_key": record_key, "entity_type": "person", "ingested_at_utc": SECOND})


def _append(store: Store, spec: TableSpec, values: dict[str, object]) -> None:
    """One row; columns that must not be null and are not given get an empty value."""
    empty: dict[type[T.DataType], object] = {
        T.StringType: "",
        T.LongType: 0,
        T.TimestampType: FIRST,
        T.ArrayType: [],
        T.MapType: {},
    }
    row = {field.name: None if field.nullable else empty[type(field.dataType)] for field in spec.schema} | values
    store.append(spec, spec.table([tuple(row.values())]), application=f"test:{spec.name}")


def _rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    return {spec.name: sorted(map(tuple, store.read(spec).collect()), key=str) for spec in OUTPUTS}


def test_every_table_is_written_and_a_restart_in_spark_or_elsewhere_gives_the_same(two_nights: TwoNights) -> None:
    assert set(two_nights.second.versions) == {spec.name for spec in OUTPUTS}
    assert two_nights.tables == two_nights.in_spark == two_nights.of_remote_tables


def test_the_change_feed_tells_what_a_release_adds_and_what_a_restart_takes_back(two_nights: TwoNights) -> None:
    tonight, taken_back = [("insert", "a1"), ("insert", "n1")], [("delete", "a1"), ("delete", "n1")]
    assert two_nights.feed == [*tonight, *taken_back, *tonight, *taken_back, *tonight]


def test_a_changed_record_is_the_cause_of_the_split(two_nights: TwoNights) -> None:
    tonight = {row[1]: row[-2:] for row in two_nights.tables[ID_CHANGES.name] if row[0] == 2}
    assert tonight == {"a1": ("split", "changed_value"), "n1": ("absorbed", "new_record")}


def test_the_figures_of_a_night(two_nights: TwoNights) -> None:
    none = {
        "ids.merged": 0,
        "ids.closed": 0,
        "ids.resurrected": 0,
        "ids.held_clusters": 0,
        "ids.identifiers_over_limit": 0,
        "ids.records_ended": 0,
        "ids.moved_keys": 0,
    }
    assert two_nights.first.metrics == {
        **none,
        "ids.records_contested": 0,
        "ids.live": 2,
        "ids.created": 2,
        "ids.split": 0,
        "ids.records_changed": 0,
        "ids.churn": 0,
    }
    assert two_nights.second.metrics == {
        **none,
        "ids.records_contested": 3,
        "ids.live": 3,
        "ids.created": 0,
        "ids.split": 1,
        "ids.records_changed": 1,
        "ids.churn": 0.25,
    }
