"""What the store refuses, and that it refuses without naming a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from cdp_spark.errors import ContractError, StateError
from cdp_spark.tables.catalog import OUTDATED_RECORDS
from cdp_spark.tables.spec import TableKind, TableSpec, columns
from cdp_spark.tables.store import Store

COLOURS = TableSpec(
    name="colours",
    grain="a colour",
    schema=columns(name="string!", shade="string"),
    keys=("name",),
    kind=TableKind.APPEND,
    constraints={"known_shade": "shade IN ('light', 'dark')"},
)
MEETINGS = TableSpec(
    name="meetings",
    grain="a meeting of two records",
    schema=columns(record_key_l="string!", record_key_r="string!", ordinal="long!"),
    keys=("record_key_l", "record_key_r"),
    kind=TableKind.BATCH,
    dated_by=("record_key_l", "record_key_r"),
)
_INPUT = T.StructType([T.StructField("name", T.StringType()), T.StructField("shade", T.StringType())])


@pytest.fixture(params=["path", "schema"])
def store(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Iterator[Store]:
    if request.param == "path":
        yield Store(spark, str(tmp_path / "warehouse"))
        return
    schema = f"cdp_{abs(hash(str(tmp_path)))}"
    spark.sql(f"CREATE SCHEMA {schema}")
    yield Store(spark, schema, kind="schema")
    spark.sql(f"DROP SCHEMA {schema} CASCADE")


def rows(store: Store, *values: tuple[str | None, str]) -> DataFrame:
    return store.spark.createDataFrame(list(values), _INPUT)


def test_appends_once_and_keeps_constraints_when_overwritten(store: Store) -> None:
    assert store.read(COLOURS).collect() == []
    for _ in range(2):
        store.append(COLOURS, rows(store, ("red", "light")), application="run:stage:colours")
    assert store.read(COLOURS).count() == 1
    version = store.overwrite(COLOURS, rows(store, ("blue", "dark")))
    assert version == store.version(COLOURS)
    assert [tuple(row) for row in store.read(COLOURS).collect()] == [("blue", "dark")]
    assert [tuple(row) for row in store.read(COLOURS, version=version - 1).collect()] == [("red", "light")]
    with pytest.raises(ContractError, match="known_shade") as broken:
        store.append(COLOURS, rows(store, ("green", "secret@example.org")), application=None)
    assert "secret" not in str(broken.value)
    assert broken.value.__suppress_context__
    assert str(broken.value) == (
        "table colours: got rows that break the constraint known_shade; allowed: shade IN ('light', 'dark')"
    )


def test_rows_about_records_that_a_later_run_marked_do_not_count(store: Store) -> None:
    make = store.spark.createDataFrame
    base = store.overwrite(MEETINGS, make([("a", "b", 1), ("b", "c", 1), ("d", "e", 1)], MEETINGS.schema))
    assert store.read(MEETINGS).count() == 3
    marks = [("a", 2, "person"), ("c", 2, "person"), ("c", 3, "person")]
    marked = store.append(OUTDATED_RECORDS, make(marks, OUTDATED_RECORDS.schema), application=None)
    store.append(MEETINGS, make([("a", "d", 2), ("b", "c", 2), ("c", "e", 3)], MEETINGS.schema), application=None)
    assert sorted(map(tuple, store.read(MEETINGS).collect())) == [("a", "d", 2), ("c", "e", 3), ("d", "e", 1)]
    assert store.read(MEETINGS, version=base).count() == 1
    assert store.read(MEETINGS, version=base, marked_at=marked - 1).count() == 3


def test_a_killed_run_is_rewound(store: Store) -> None:
    base = store.overwrite(COLOURS, rows(store, ("red", "light")))
    for _ in range(2):
        store.rewind(COLOURS, base)
        store.append(COLOURS, rows(store, ("black", "dark")), application=None)
    assert sorted(row["name"] for row in store.read(COLOURS).collect()) == ["black", "red"]


def test_a_table_of_other_columns_is_refused(store: Store) -> None:
    other = replace(COLOURS, schema=columns(name="string!", shade="strings"), constraints={})
    store.overwrite(other, store.spark.createDataFrame([("red", ["light"])], other.schema))
    with pytest.raises(StateError, match="table colours: got other columns than this version of cdp-spark writes"):
        store.overwrite(COLOURS, rows(store, ("red", "dark")))


def test_a_null_in_a_column_that_allows_none_is_named(store: Store) -> None:
    with pytest.raises(ContractError, match="table colours: got null; allowed: a value in the column name"):
        store.append(COLOURS, rows(store, (None, "dark")), application=None)


def test_an_unwritable_warehouse_is_one_sentence(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Store(spark, str(tmp_path / "file" / "warehouse"))
    with pytest.raises(
        StateError, match=r"^warehouse .*file/warehouse: got table colours could not be written \(\w+\)"
    ):
        store.append(COLOURS, rows(store, ("red", "light")), application=None)


def test_the_version_of_no_table_is_a_clear_error(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"table colours: got none yet\. Fix: run `cdp run nightly` first"):
        Store(spark, str(tmp_path)).version(COLOURS)
