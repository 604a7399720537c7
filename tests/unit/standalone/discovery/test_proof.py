"""Columns that do not identify take part only where they prove that they speak of the person."""

from __future__ import annotations

import random

import pyarrow as pa

from cdp_spark.standalone.discovery.proof import find_unproven
from cdp_spark.standalone.discovery.recognise import Recognised, recognise

Row = dict[str, str]
_GIVEN = ["Adela", "Boris", "Cyril", "Dagny", "Edgar", "Fritzi", "Gudrun", "Hilmar", "Ivar", "Jasper"]
_FAMILY = ["Quandt", "Wolf", "Zander", "Lindau", "Mertens", "Pflug", "Overbeck", "Rademacher", "Seebald", "Tiefenbach"]


def _people(count: int) -> list[Row]:
    """Two records of every second person; teams sit in one town, and each has its campaign."""
    draw = random.Random(7)
    rows = []
    for number in range(count):
        town = f"{10_000 + number % 8}"
        person = {
            "given_name": _GIVEN[number % 10],
            "family_name": _FAMILY[number // 10 % 10],
            "email": f"p{number}@mail.example",
            "postcode": town,
            "campaign": f"camp{number % 8}",
            "trade": f"trade{draw.randrange(40)}",
        }
        for _ in range(2 - number % 2):
            rows.append(person | {"colour": f"colour{draw.randrange(10)}", "seen": f"2024010{draw.randrange(1, 9)}"})
    return rows


def _features(rows: list[Row]) -> tuple[pa.Table, list[Recognised]]:
    table = pa.Table.from_pylist(rows)
    found = {item.column: item for item in recognise(table)}
    meanings = {"campaign": "category", "trade": "category", "colour": "category", "seen": "date"}
    items = [Recognised(it, meanings.get(it, it), "", found[it].profile) for it in table.column_names]
    return table, items


def test_what_follows_the_person_takes_part_and_what_follows_an_office_or_chance_does_not() -> None:
    table, features = _features(_people(200))
    found = find_unproven(table, features)
    assert set(found) == {"campaign", "colour", "seen"}
    assert found["campaign"] == "100% of 100 sure matches agree on it, and 100% of strangers with the same postcode"
    assert "strangers" in found["colour"]


def test_without_sure_matches_nothing_is_proved() -> None:
    table, features = _features(_people(8))
    found = find_unproven(table, features)
    assert set(found) == {"campaign", "trade", "colour", "seen"}
    assert found["trade"] == "only 4 sure matches to tell whether it is about the person"


def test_without_names_a_shared_mailbox_is_proof_enough() -> None:
    rows = [{key: row[key] for key in ("email", "postcode", "trade", "colour")} for row in _people(200)]
    assert set(find_unproven(*_features(rows))) == {"colour"}


def test_where_nobody_is_described_all_columns_take_part() -> None:
    rows = [{key: row[key] for key in ("campaign", "trade", "colour")} for row in _people(200)]
    assert find_unproven(*_features(rows)) == {}


def test_a_region_is_used_until_the_matches_contradict_it() -> None:
    def with_region(rows: list[Row], draw: random.Random) -> tuple[pa.Table, list[Recognised]]:
        table, features = _features([row | {"region": f"r{draw.randrange(5)}"} for row in rows])
        return table, features

    draw = random.Random(3)
    assert "region" in find_unproven(*with_region(_people(200), draw))
    assert "region" not in find_unproven(*with_region(_people(8), draw))
