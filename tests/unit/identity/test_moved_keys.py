from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from cdp_spark.identity.key_moves import tell_moves, with_new_keys
from cdp_spark.identity.moved_keys import COLUMNS, Move, find_moves

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


def test_ids_are_read_under_the_new_key_and_the_old_one_is_told_of() -> None:
    ids = pa.table({"record_key": ["1", "2"], "entity_type": ["person"] * 2, "unified_id": ["A", "B"]})
    moves = [Move("person", "1", "x")]

    assert with_new_keys(ids, moves)["record_key"].to_pylist() == ["x", "2"]
    assert tell_moves(moves, ids, release=2) == [
        (2, "1", "A", "person", "A", "removed", "moved_key"),
        (2, "x", "A", "person", "A", "moved", "moved_key"),
    ]
