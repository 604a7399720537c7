"""What the driver reads and writes itself is what Spark reads and writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T
from tests.unit.tables.test_store import MEETINGS

from cdp_spark.errors import ContractError, StateError
from cdp_spark.session.files import find_folder
from cdp_spark.tables.catalog import OUTDATED_RECORDS, RUNS
from cdp_spark.tables.creation import clone_tables
from cdp_spark.tables.direct.place import is_readable_by_delta_rs
from cdp_spark.tables.direct.table import LocalTable
from cdp_spark.tables.spec import TableKind, TableSpec, columns
from cdp_spark.tables.store import Store

THINGS = TableSpec(
    name="things",
    grain="a thing",
    schema=columns(
        name="string!",
        size="long",
        seen_at_utc="timestamp!",
        day="date",
        is_new="boolean",
        tags="strings",
        counts="long_map!",
        raw="binary",
    ),
    keys=("name",),
    kind=TableKind.BATCH,
    constraints={"known_size": "coalesce(size, 0) >= 0"},
)
LONG_AGO, FAR_AHEAD = datetime(1582, 10, 20, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)
NOW = datetime(2026, 11, 27, 4, 5, 6, 789, tzinfo=UTC)
ROWS = [
    ("a", 1, NOW, NOW.date(), True, ["x", "y"], {"x": 1, "y": 2}, b"\x00\xff"),
    ("b", None, LONG_AGO, None, None, None, {}, None),
    ("ü", 3, FAR_AHEAD, FAR_AHEAD.date(), False, [], {"z": 3}, b""),
]


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path) -> Store:
    return Store(spark, str(tmp_path / "ware house é"))


def through_spark(store: Store) -> Store:
    return Store(store.spark, store.location, direct=False)


def sorted_rows(table: pa.Table) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.sort_by([(table.column_names[0], "ascending")]).to_pylist()
    return rows


def test_spark_and_the_driver_read_what_the_other_wrote(store: Store) -> None:
    expected = sorted_rows(THINGS.table(ROWS))
    store.append(THINGS, store.spark.createDataFrame(ROWS, THINGS.schema), application=None)
    assert LocalTable.open(THINGS, Path(store.identifier(THINGS))) is not None
    for reader in (store, through_spark(store)):
        assert sorted_rows(reader.fetch(THINGS)) == expected
    store.overwrite(THINGS, THINGS.table(ROWS[1:]))
    for reader in (store, through_spark(store)):
        fetched = reader.fetch(THINGS)
        assert fetched.schema.equals(THINGS.fetched_schema(THINGS.schema.names))
        assert sorted_rows(fetched) == expected[1:]
    assert store.read(THINGS).schema == store.read(THINGS, version=1).schema


def test_columns_values_and_versions_are_chosen(store: Store) -> None:
    first = store.append(THINGS, THINGS.table(ROWS[:2]), application=None)
    second = store.append(THINGS, THINGS.table(ROWS[2:]), application=None)
    assert second == first + 1 == store.version(THINGS)
    for reader in (store, through_spark(store)):
        assert reader.fetch(THINGS, ["name"], version=first).num_rows == 2
        names = pa.array(["a", "ü", "nobody", *map(str, range(200))])
        for wanted, found in ((names, ["a", "ü"]), (names[:1], ["a"]), (names[:0], [])):
            assert sorted(reader.fetch(THINGS, ["name"], only={"name": wanted})["name"].to_pylist()) == found
        both = reader.fetch(THINGS, ["size", "name"], only={"name": names, "size": pa.array([3])})
        assert both.to_pydict() == {"size": [3], "name": ["ü"]}


def test_a_table_that_was_never_written_has_no_rows(store: Store) -> None:
    assert store.fetch(THINGS).num_rows == 0
    assert store.count(THINGS) == 0
    assert store.fetch(MEETINGS, ["record_key_l"]).schema.names == ["record_key_l"]


def test_rows_that_a_later_run_outdated_do_not_count(store: Store) -> None:
    base = store.overwrite(MEETINGS, MEETINGS.table([("a", "b", 1), ("b", "c", 1), ("d", "e", 1)]))
    marks = [("a", 2, "person"), ("c", 2, "person"), ("c", 3, "person")]
    marked = store.append(OUTDATED_RECORDS, OUTDATED_RECORDS.table(marks), application=None)
    store.append(MEETINGS, MEETINGS.table([("a", "d", 2), ("b", "c", 2), ("c", "e", 3)]), application=None)
    for reader in (store, through_spark(store)):
        assert sorted_rows(reader.fetch(MEETINGS, ["record_key_l"])) == [{"record_key_l": it} for it in "acd"]
        assert reader.fetch(MEETINGS, version=base).num_rows == 1
        assert [reader.count(MEETINGS, version=it) for it in (base, None)] == [1, 3]
        assert [reader.count(OUTDATED_RECORDS, version=it) for it in (marked - 1, marked)] == [0, 3]
        assert reader.fetch(MEETINGS, version=base, marked_at=marked - 1).num_rows == 3
        assert reader.fetch(MEETINGS, only={"record_key_r": pa.array(["c", "e"])}).num_rows == 2


def test_is_appended_once_whoever_appends(store: Store) -> None:
    for writer in (store, through_spark(store), store):
        writer.append(THINGS, THINGS.table(ROWS), application="run:stage:things")
        writer.append(THINGS, store.spark.createDataFrame(ROWS, THINGS.schema), application="run:stage:things")
    assert store.fetch(THINGS).num_rows == 3
    store.append(THINGS, THINGS.table(ROWS), application="run:stage:things", step=1)
    assert store.read(THINGS).count() == 6


def test_refuses_what_breaks_the_contract_without_naming_a_value(store: Store) -> None:
    with pytest.raises(ContractError, match=r"the constraint known_size; allowed: coalesce\(size, 0\) >= 0$") as broken:
        store.append(THINGS, THINGS.table([("secret", -1, NOW, None, None, None, {}, None)]), application=None)
    assert "secret" not in str(broken.value)
    assert broken.value.__suppress_context__
    with pytest.raises(ContractError, match="got null; allowed: a value in the column name"):
        store.overwrite(THINGS, THINGS.table(ROWS).set_column(0, "name", pa.array(["a", None, "c"])))
    with pytest.raises(ContractError, match="rows without size, day"):
        store.append(THINGS, THINGS.table(ROWS).drop_columns(["day", "size"]), application=None)
    assert store.fetch(THINGS).num_rows == 0


def test_a_folder_that_may_not_be_written_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("Generic error: Permission denied (os error 13)")

    store.append(THINGS, THINGS.table(ROWS), application=None)
    monkeypatch.setattr("cdp_spark.tables.direct.table.write_deltalake", refuse)
    with pytest.raises(StateError, match="things could not be written"):
        store.append(THINGS, THINGS.table(ROWS), application=None)


def test_tables_of_other_columns_or_features_are_left_to_spark(store: Store) -> None:
    place = store.identifier(THINGS)
    store.overwrite(THINGS, THINGS.table(ROWS))
    assert LocalTable.open(replace(THINGS, schema=columns(name="string")), Path(place)) is None
    assert LocalTable.open(THINGS, Path(place)) is not None
    store.spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    assert LocalTable.open(THINGS, Path(place)) is None
    store.spark.sql(f"DELETE FROM delta.`{place}` WHERE name = 'a'")
    assert sorted_rows(store.fetch(THINGS)) == sorted_rows(THINGS.table(ROWS[1:]))
    store.append(THINGS, THINGS.table(ROWS[:1]), application=None)
    assert store.fetch(THINGS).num_rows == 3


def test_the_rows_of_a_folder_that_delta_rs_misreads_go_through_spark(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("a%20b", "a[1]", "a^|b"):
        store = Store(spark, str(tmp_path / name))
        store.append(MEETINGS, MEETINGS.table([("a", "b", 1)]), application=None)
        assert store.fetch(MEETINGS).num_rows == 1


def test_a_table_with_mapped_columns_is_left_to_spark(store: Store) -> None:
    place = store.identifier(THINGS)
    store.spark.createDataFrame(ROWS, THINGS.schema).write.format("delta").save(place)
    mapped = "'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5', 'delta.columnMapping.mode' = 'name'"
    store.spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ({mapped})")
    assert LocalTable.open(THINGS, Path(place)) is None
    assert sorted_rows(store.fetch(THINGS)) == sorted_rows(THINGS.table(ROWS))


def test_a_value_of_another_type_is_refused_without_naming_it(store: Store) -> None:
    rows = THINGS.table(ROWS).set_column(1, "size", pa.array(["secret"] * 3))
    with pytest.raises(ContractError, match="size string") as broken:
        store.append(THINGS, rows, application=None)
    assert "secret" not in str(broken.value)


def test_a_shallow_clone_is_left_to_spark(store: Store, tmp_path: Path) -> None:
    store.append(THINGS, THINGS.table(ROWS), application=None)
    clone = Store(store.spark, str(tmp_path / "clone"))
    clone_tables(store, [THINGS], clone, versions={})
    assert LocalTable.open(THINGS, Path(clone.identifier(THINGS))) is None
    assert sorted_rows(clone.fetch(THINGS)) == sorted_rows(store.fetch(THINGS))
    clone.append(THINGS, THINGS.table(ROWS[:1]), application=None)
    assert [store.fetch(THINGS).num_rows, clone.fetch(THINGS).num_rows, clone.read(THINGS).count()] == [3, 4, 4]
    clone.overwrite(THINGS, THINGS.table(ROWS[:2]))
    assert [store.read(THINGS).count(), clone.fetch(THINGS).num_rows, clone.read(THINGS).count()] == [3, 2, 2]


def test_the_hundredth_commit_leaves_a_checkpoint_that_both_read(store: Store) -> None:
    for ordinal in range(101):
        store.append(MEETINGS, MEETINGS.table([("a", "b", ordinal)]), application=None)
    log = Path(store.identifier(MEETINGS)) / "_delta_log"
    assert [path.name[:20] for path in log.glob("*.checkpoint.parquet")] == [f"{100:020d}"]
    assert store.fetch(MEETINGS).num_rows == store.read(MEETINGS).count() == 101
    through_spark(store).append(MEETINGS, MEETINGS.table([("a", "b", 101)]), application=None)
    assert store.fetch(MEETINGS).num_rows == 102


def test_only_a_folder_of_this_machine_is_one(spark: SparkSession, tmp_path: Path) -> None:
    assert find_folder(spark, f"file:{tmp_path}/a b") == tmp_path / "a b"
    assert find_folder(spark, str(tmp_path)) == tmp_path
    assert find_folder(spark, "s3a://bucket/warehouse") is None
    assert find_folder(spark, f"{tmp_path}/50%25") == tmp_path / "50%25"
    assert [is_readable_by_delta_rs(tmp_path / name) for name in ("a b", "50%25")] == [True, False]


def test_rows_become_a_table_in_the_types_of_the_spec() -> None:
    empty = RUNS.table([])
    assert (empty.num_rows, empty.column_names) == (0, RUNS.schema.names)
    assert not empty.schema.field("run_id").nullable
    mixed = T.StructType([T.StructField("a", T.LongType())])
    spec = TableSpec(name="t", grain="g", schema=mixed, keys=("a",), kind=TableKind.BATCH)
    assert spec.table([(1,), (None,)]).to_pylist() == [{"a": 1}, {"a": None}]
