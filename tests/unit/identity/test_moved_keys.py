from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from cdp_spark.identity.changes import tell_moved_keys
from cdp_spark.identity.frames import build_members, find_strangers, with_moved_keys
from cdp_spark.identity.members import join_members
from cdp_spark.identity.moved_keys import COLUMNS, Move, find_moves
from cdp_spark.tables.rows import tuples_of

ADA = {"given_name": "Ada", "family_name": "Birch", "birth_date": date(1960, 1, 10), "emails": ["a@x.org"]}


def record(key: str, **values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(COLUMNS), "record_key": key, "entity_type": "person", "source": "crm", **values}


def moved(left: list[dict[str, Any]], came: list[dict[str, Any]]) -> dict[str, str]:
    return {move.old_key: move.new_key for move in find_moves(left, came)}


def test_who_agrees_on_everything_has_a_new_key() -> None:
    ben = {"given_name": "Ben", "family_name": "Croft", "phones": ["+4930123456"]}

    assert moved([record("1", **ADA), record("2", **ben)], [record("y", **ben), record("x", **ADA)]) == {
        "1": "x",
        "2": "y",
    }


def test_another_spelling_of_name_and_mailbox_is_the_same() -> None:
    old = record("1", given_name="José", family_name="García", emails=["jose.garcia@gmail.com", "old@x.org"])

    assert moved([old], [record("x", given_name="jose", family_name="GARCIA", emails=["josegarcia@gmail.com"])]) == {
        "1": "x"
    }


def test_who_contradicts_is_somebody_else() -> None:
    assert moved([record("1", **ADA)], [record("x", **ADA | {"birth_date": date(1990, 1, 1)})]) == {}
    assert moved([record("1", **ADA)], [record("x", **ADA | {"given_name": "Eva"})]) == {}
    assert moved([record("1", **ADA)], [record("x", **ADA, source="shop")]) == {}
    assert moved([record("1", given_name="Ada", family_name="Birch")], [record("x", **ADA)]) == {}


def test_two_candidates_are_none_on_either_side() -> None:
    assert moved([record("1", **ADA)], [record("x", **ADA), record("y", **ADA)]) == {}
    assert moved([record("1", **ADA), record("2", **ADA)], [record("x", **ADA)]) == {}


def test_without_a_name_two_values_have_to_agree() -> None:
    both = {"emails": ["a@x.org"], "phones": ["+4930123456"]}

    assert moved([record("1", **both)], [record("x", **both)]) == {"1": "x"}
    assert moved([record("1", emails=["a@x.org"])], [record("x", emails=["a@x.org"])]) == {"1": "x"}
    assert moved([record("1", emails=["a@x.org"])], [record("x", **both)]) == {}


def test_a_moved_key_is_told_of_as_two_rows_and_as_its_change_where_the_id_is_another() -> None:
    ids = pa.table({"record_key": ["1", "2", "3"], "entity_type": ["person"] * 3, "unified_id": ["A", "B", "C"]})
    clusters = pa.table({"record_key": ["x", "2", "z"], "entity_type": ["person"] * 3, "cluster": ["x", "2", "z"]})
    members = join_members(clusters, ids, [Move("person", "1", "x"), Move("person", "3", "z")])

    assert tuples_of(tell_moved_keys(members, pa.array(["A", "B", "D"]), release=2)) == [
        (2, "1", "A", "person", "A", "removed", "moved_key"),
        (2, "3", "C", "person", "C", "removed", "moved_key"),
        (2, "x", "A", "person", "A", "moved", "moved_key"),
    ]


def test_spark_reads_the_previous_id_under_the_new_key(spark: SparkSession) -> None:
    ids = [("1", "person", "A"), ("2", "person", "B"), ("v", "visitor", "V")]
    clusters = spark.createDataFrame(
        [("x", "person", "x"), ("2", "person", "x")], "record_key string, entity_type string, cluster string"
    )
    members = build_members(
        clusters, spark.createDataFrame(ids, "record_key string, entity_type string, unified_id string")
    )

    left, came = find_strangers(members.rows, most=9)
    assert (left["record_key"].to_pylist(), came["record_key"].to_pylist()) == (["1"], ["x"])
    known = with_moved_keys(members, [Move("person", "1", "x")]).rows.collect()
    assert sorted(map(tuple, known), key=str) == [
        ("2", "person", "x", "B", None),
        ("v", "visitor", None, "V", None),
        ("x", "person", "x", "A", "1"),
    ]
