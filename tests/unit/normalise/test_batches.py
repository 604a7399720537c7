from __future__ import annotations

import gc

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.normalise.batches import (
    as_lists,
    decode,
    distinct_rows,
    join_lists,
    map_distinct,
    map_distinct_rows,
    map_encoded,
    map_encoded_rows,
    map_fields,
    map_row_fields,
    without_cycle_search,
)

TEXTS = pa.list_(pa.string())
PAIRS = pa.list_(pa.struct([("left", pa.string()), ("right", pa.int64())]))


def test_each_distinct_value_is_seen_once() -> None:
    seen: list[str] = []

    def upper(text: str) -> str:
        seen.append(text)
        return text.upper()

    column = pa.chunked_array([["a", None], ["b", "a"]], pa.string())
    memo: dict[str, str] = {}
    assert map_distinct(column, upper, memo=memo).to_pylist() == ["A", None, "B", "A"]
    assert map_distinct(column, upper, memo=memo).to_pylist() == ["A", None, "B", "A"]
    assert sorted(seen) == ["a", "b"]


def test_an_encoded_column_goes_from_function_to_function() -> None:
    column = pa.array([" a", "a", " ", None])
    stripped = map_encoded(column, lambda text: text.strip() or None)
    assert decode(stripped).to_pylist() == ["a", "a", None, None]
    assert map_distinct(stripped, str.upper).to_pylist() == ["A", "A", None, None]
    glued = map_encoded_rows([stripped, column], lambda left, right: f"{left}{right}")
    assert decode(glued).to_pylist() == ["a a", "aa", "None ", "NoneNone"]


def test_several_results_are_several_columns() -> None:
    column = pa.array(["b1", None, "a2", "b1"])
    letters, numbers, lists, pairs = map_fields(
        column, lambda text: (text[0], int(text[1]), list(text), [(text, 1)]), (pa.string(), pa.int64(), TEXTS, PAIRS)
    )
    assert letters.to_pylist() == ["b", None, "a", "b"]
    assert numbers.to_pylist() == [1, None, 2, 1]
    assert lists.to_pylist() == [["b", "1"], None, ["a", "2"], ["b", "1"]]
    assert pairs.to_pylist()[1:3] == [None, [{"left": "a2", "right": 1}]]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["a", "c", None]))))
def test_combinations_are_those_of_the_rows(rows: list[tuple[str | None, str | None]]) -> None:
    columns = [pa.array([row[at] for row in rows], pa.string()) for at in (0, 1)]
    codes, combinations = distinct_rows(columns)
    assert [combinations[code] for code in codes] == rows
    assert map_distinct_rows(columns, lambda *row: str(row)).to_pylist() == list(map(str, rows))
    assert map_row_fields(columns[:1], lambda text: (text,), (pa.string(),))[0].to_pylist() == [row[0] for row in rows]


@given(st.lists(st.tuples(*[st.one_of(st.none(), st.lists(st.text("ab", max_size=2), max_size=3))] * 3)))
def test_lists_are_joined_row_by_row(rows: list[tuple[list[str] | None, ...]]) -> None:
    columns = [pa.array([row[at] for row in rows], TEXTS) for at in range(3)]
    assert join_lists(columns).to_pylist() == [[it for part in row for it in part or []] for row in rows]


def test_a_value_is_a_list_of_one() -> None:
    assert as_lists(pa.array(["a", None, "b"])).to_pylist() == [["a"], [], ["b"]]


def test_the_search_for_cycles_is_only_paused() -> None:
    with without_cycle_search():
        assert not gc.isenabled()
    assert gc.isenabled()
