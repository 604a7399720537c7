"""The verbs of both engines give the same rows."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from cdp_spark import limits
from cdp_spark.tables.increments.outdated import keep_in_force
from cdp_spark.tables.rows import (
    Rows,
    as_frame,
    as_table,
    look_up,
    map_groups,
    map_rows,
    rows_with,
    rows_without,
    unite,
    with_largest,
)

Engine = Callable[[pa.Table], Rows]
ROWS = pa.table({"key": ["a", "b", "b", None], "size": [1, 2, 3, 4]})


@pytest.fixture(params=["driver", "spark"])
def engine(request: pytest.FixtureRequest, spark: SparkSession) -> Engine:
    return (lambda rows: rows) if request.param == "driver" else lambda rows: as_frame(spark, rows).repartition(2)


def rows_of(rows: Rows) -> list[tuple[object, ...]]:
    return sorted(zip(*as_table(rows).to_pydict().values(), strict=True), key=str)


def count_each(*tables: pa.Table) -> pa.Table:
    """Values and how often they stand in each table, as far as this group goes."""
    keys = sorted({key for table in tables for key in table["key"].to_pylist() if key})
    counts = [[table["key"].to_pylist().count(key) for key in keys] for table in tables]
    texts = [" ".join(map(str, of_key)) for of_key in zip(*counts, strict=True)]
    return pa.table({"key": pa.array(keys, pa.string()), "counts": pa.array(texts, pa.string())})


def test_rows_are_chosen_by_keys_on_the_driver(engine: Engine) -> None:
    rows = engine(ROWS)
    for values in (["b", "x"], ["b", *map(str, range(200))]):
        chosen = pa.array(values)
        assert rows_of(rows_with(rows, "key", chosen).select(["key", "size"])) == [("b", 2), ("b", 3)]
        assert rows_of(rows_without(rows, "key", chosen).select(["key", "size"])) == [("a", 1), (None, 4)]
    nothing = pa.array([], pa.string())
    assert rows_of(rows_with(rows, "key", nothing)) == []
    assert len(rows_of(rows_without(rows, "key", nothing))) == 4


def test_rules_see_whole_groups_wherever_they_run(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GROUP_ROWS", 1)
    left, right = engine(ROWS), engine(ROWS.slice(1, 1))
    one = map_groups([left], "key", count_each, "key string, counts string", row_count=4)
    two = map_groups([left, right], "key", count_each, "key string, counts string", row_count=5)
    assert rows_of(one) == [("a", "1"), ("b", "2")]
    assert rows_of(two) == [("a", "1 0"), ("b", "2 1")]
    doubled = map_rows(left, lambda rows: pa.concat_tables([rows, rows]), "key string, size bigint")
    assert rows_of(doubled) == sorted(rows_of(ROWS) * 2, key=str)


def test_values_are_looked_up_and_lacking_columns_are_null(engine: Engine, spark: SparkSession) -> None:
    rows = engine(ROWS)
    largest = with_largest(rows_with(rows, "key", pa.array(["b"])), "key", "size", "largest")
    found = look_up(rows, "key", largest, default=0)
    assert rows_of(found.select(["key", "size", "largest"])) == [("a", 1, 0), ("b", 2, 3), ("b", 3, 3), (None, 4, 0)]
    united = unite(spark, [rows.select(["key"]), engine(pa.table({"key": ["c"], "size": [5]}))])
    assert rows_of(united.select(["key", "size"])) == [("a", None), ("b", None), ("b", None), ("c", 5), (None, None)]


def test_rows_about_a_record_that_a_later_run_marked_are_not_in_force(engine: Engine) -> None:
    pairs = pa.table({"l": ["a", "a", "b", "b"], "r": ["b", "c", "c", "d"], "ordinal": [1, 2, 3, 1]})
    marks = pa.table({"record_key": ["a", "c", "c"], "ordinal": [2, 3, 2]})
    kept = keep_in_force(engine(pairs), engine(marks), ("l", "r"))
    assert rows_of(kept) == [("b", "c", 3), ("b", "d", 1)]
    assert rows_of(keep_in_force(engine(pairs), engine(marks.slice(0, 0)), ("l", "r"))) == rows_of(pairs)


def test_rows_behind_an_empty_chunk_are_in_the_frame(spark: SparkSession) -> None:
    one, none, other = (pa.table({"k": pa.array(keys, pa.string())}) for keys in (["a"], [], ["b"]))
    assert sorted(row["k"] for row in as_frame(spark, pa.concat_tables([one, none, other])).collect()) == ["a", "b"]
    assert as_frame(spark, none).collect() == []
