from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from cdp_spark.tables.catalog import CONSENTS, UNIFIED_IDS
from cdp_spark.tables.increments.difference import (
    build_changed_keys,
    fetch_changed,
    find_changed_by_key,
    find_changed_keys,
    has_between,
    read_changed,
)
from cdp_spark.tables.run import Basis, RunContext
from cdp_spark.tables.store import Store

if TYPE_CHECKING:
    from cdp_spark.config.project import Project

_SCHEMA = "k string, a string, b string, m map<string,string>"


BEFORE = [
    ("same", "1", None, {"x": "1", "y": "2"}),
    ("moved_null", "1", None, {}),
    ("other_map", "1", "1", {"x": "1"}),
    ("gone", None, None, None),
    ("several", "1", "1", {}),
    ("several", "2", "2", {}),
]
NOW = [
    ("several", "2", "2", {}),
    ("several", "1", "1", {}),
    ("several", "3", "3", {}),
    ("new", "1", "1", {}),
    ("other_map", "1", "1", {"x": "2"}),
    ("moved_null", None, "1", {}),
    ("same", "1", None, {"y": "2", "x": "1"}),
]
CHANGED = {"a, b and m": (["a", "b", "m"], {"new", "gone", "moved_null", "other_map", "several"})} | {
    "b": (["b"], {"new", "gone", "moved_null", "several"})
}
"""Columns that count, and the keys of rows in which one changed."""


def test_rows_that_are_new_gone_or_changed_are_found_whatever_their_order(spark: SparkSession) -> None:
    rows_now, rows_before = (spark.createDataFrame(rows, _SCHEMA) for rows in (NOW, BEFORE))
    for columns, changed in CHANGED.values():
        assert {row["k"] for row in build_changed_keys(rows_now, rows_before, ["k"], columns).collect()} == changed


@pytest.mark.parametrize(("columns", "changed"), CHANGED.values(), ids=CHANGED)
def test_the_driver_finds_the_same_changed_rows(columns: list[str], changed: set[str]) -> None:
    text = pa.string()
    schema = pa.schema([("k", text), ("a", text), ("b", text), ("m", pa.map_(text, text))])
    now, before = (
        pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
        for rows in (NOW, BEFORE)
    )
    found = find_changed_keys(now, before, ["k"], columns)
    assert sorted(found["k"].to_pylist()) == sorted(changed)
    assert find_changed_keys(now, now, ["k"], columns).num_rows == 0


def test_of_a_table_that_grew_only_the_new_files_are_read(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path))
    first = store.overwrite(UNIFIED_IDS, UNIFIED_IDS.table([("r1", "person", "p1"), ("r2", "person", "p2")]))
    old = {*(tmp_path / UNIFIED_IDS.name).glob("*.parquet")}
    store.append(UNIFIED_IDS, UNIFIED_IDS.table([("r3", "person", "p2"), ("r4", "person", "p3")]), application=None)
    basis = Basis(1, MONDAY, {UNIFIED_IDS.name: first}, {})
    context = RunContext(store, cast("Project", None), "run", 2, MONDAY, basis=basis)
    for file in old:
        file.unlink()
    changed = read_changed(context, UNIFIED_IDS, key=("unified_id",)).collect()
    assert {row["unified_id"] for row in changed} == {"p2", "p3"}
    assert {*fetch_changed(context, UNIFIED_IDS, key=("unified_id",))["unified_id"].to_pylist()} == {"p2", "p3"}


MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("direct", [True, False], ids=["on the driver", "in Spark"])
def test_a_table_has_a_value_in_a_span_of_time(spark: SparkSession, tmp_path: Path, *, direct: bool) -> None:
    store, day = Store(spark, str(tmp_path)), timedelta(days=1)
    given = [("granted", MONDAY), ("denied", MONDAY + 2 * day)]
    rows = [("email", "h", "mail", "crm", at, status, None, MONDAY, "run-1") for status, at in given]
    store.append(CONSENTS, CONSENTS.table(rows), application=None)
    store, granted = replace(store, direct=direct), {"status": pa.array(["granted"])}
    assert has_between(store, CONSENTS, "given_at_utc", (MONDAY, MONDAY))
    assert has_between(store, CONSENTS, "given_at_utc", (MONDAY + day, None))
    assert not has_between(store, CONSENTS, "given_at_utc", (MONDAY + day, None), only=granted)
    assert not has_between(store, CONSENTS, "given_at_utc", (MONDAY - day, MONDAY - timedelta(microseconds=1)))


_KEYED = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([None, "g", "h"]), st.sampled_from([None, 1, 2]))


@given(
    st.lists(_KEYED, max_size=8, unique_by=lambda row: row[0]),
    st.lists(_KEYED, max_size=8, unique_by=lambda row: row[0]),
)
def test_rows_with_a_key_are_compared_column_by_column_with_the_same_result(
    now: list[tuple[object, ...]], before: list[tuple[object, ...]]
) -> None:
    schema = pa.schema([("k", pa.string()), ("group", pa.string()), ("value", pa.int64())])
    after, earlier = (
        pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
        for rows in (now, before)
    )
    for key in ("k", "group"):
        found = find_changed_by_key(after, earlier, [key], row_key="k")[key].to_pylist()
        expected = find_changed_keys(after, earlier, [key], schema.names)[key].to_pylist()
        assert sorted(found, key=str) == sorted(expected, key=str)
