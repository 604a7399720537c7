"""Who is above whom: parents found by what sources write, cycles cut, paths from the top."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from cdp_spark.relations.hierarchy import build_account_hierarchy, cut_cycles

MOMENT = pa.timestamp("us", "UTC")
COLUMNS = {
    **dict.fromkeys(("account_id", "record_key", "source", "source_record_id"), pa.string()),
    "observed_at_utc": MOMENT,
    **dict.fromkeys(("parent_account", "registration_number", "company_core"), pa.string()),
}


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def table_of(*rows: dict[str, Any]) -> pa.Table:
    """Records of accounts; each is the account of its first letter and the `erp`'s, unless it says otherwise."""
    full = [{"account_id": row["record_key"][0].upper(), "source": "erp", **row} for row in rows]
    filled = [{"source_record_id": row["record_key"], "observed_at_utc": day(1), **row} for row in full]
    return pa.table({name: pa.array([row.get(name) for row in filled], kind) for name, kind in COLUMNS.items()})


def identifiers_of(**values: str) -> pa.Table:
    return pa.table(
        {"record_key": pa.array([*values], pa.string()), "value": pa.array([*values.values()], pa.string())}
    )


def built(*rows: dict[str, Any], **identifiers: str) -> dict[str, tuple[Any, ...]]:
    names = ("parent_id", "depth", "path", "relation", "issue")
    found = build_account_hierarchy(table_of(*rows), identifiers_of(**identifiers)).to_pylist()
    return {row["unified_id"]: tuple(row[name] for name in names) for row in found}


@pytest.mark.parametrize(
    ("named", "relation"),
    [
        ("100", "key"),
        ("erp:100", "key"),
        ("D-77", "identifier"),
        ("hrb 12-345", "identifier"),
        ("The Acme Group GmbH", "name"),
    ],
)
def test_a_parent_is_found_by_key_number_or_name(named: str, relation: str) -> None:
    top = {"record_key": "top", "source_record_id": "100", "registration_number": "HRB12345", "company_core": "acme"}
    below = {"record_key": "below", "parent_account": named}
    assert built(top, below, top="D-77") == {
        "B": ("T", 1, ["T", "B"], relation, None),
        "T": (None, 0, ["T"], None, None),
    }


def test_a_key_of_another_source_needs_its_name() -> None:
    top = {"record_key": "top", "source": "crm", "source_record_id": "100"}
    rows = [{"record_key": "a", "parent_account": "100"}, {"record_key": "b", "parent_account": "crm:100"}]
    assert built(top, *rows) == {
        "A": (None, 0, ["A"], None, "unknown_parent"),
        "B": ("T", 1, ["T", "B"], "key", None),
        "T": (None, 0, ["T"], None, None),
    }


def test_a_name_that_several_accounts_bear_names_none() -> None:
    namesakes = [{"record_key": key, "company_core": "acme"} for key in ("x", "y")]
    assert built(*namesakes, {"record_key": "a", "parent_account": "Acme Ltd"}) == {
        "A": (None, 0, ["A"], None, "ambiguous_parent")
    }


def test_the_newest_record_whose_parent_is_found_counts() -> None:
    rows: list[dict[str, Any]] = [
        {"record_key": "a1", "parent_account": "x", "observed_at_utc": day(1)},
        {"record_key": "a2", "parent_account": "y", "observed_at_utc": day(2)},
        {"record_key": "a3", "parent_account": "gone", "observed_at_utc": day(3)},
        {"record_key": "a4", "parent_account": "x", "observed_at_utc": None},
    ]
    found = built(*rows, {"record_key": "x"}, {"record_key": "y"})
    assert found["A"] == ("Y", 1, ["Y", "A"], "key", None)


def test_an_account_that_names_itself_is_the_top() -> None:
    rows = [
        {"record_key": "a1", "parent_account": "a2"},
        {"record_key": "a2"},
        {"record_key": "b", "parent_account": "a1"},
    ]
    assert built(*rows) == {"A": (None, 0, ["A"], None, None), "B": ("A", 1, ["A", "B"], "key", None)}


def test_a_cycle_is_cut_at_its_lowest_id() -> None:
    rows = [{"record_key": key, "parent_account": parent} for key, parent in ("bc", "cd", "db", "ab")]
    assert built(*rows) == {
        "A": ("B", 1, ["B", "A"], "key", None),
        "B": (None, 0, ["B"], None, "account_cycle"),
        "C": ("D", 2, ["B", "D", "C"], "key", None),
        "D": ("B", 1, ["B", "D"], "key", None),
    }


def test_accounts_that_name_no_parent_are_in_no_tree() -> None:
    assert build_account_hierarchy(table_of({"record_key": "a"}), identifiers_of()).num_rows == 0


@pytest.mark.parametrize("seed", range(20))
def test_after_cuts_every_way_up_ends_and_nothing_else_was_cut(seed: int) -> None:
    chance = random.Random(seed)
    names = [f"n{number:02}" for number in range(40)]
    above = {name: other for name in names if (other := chance.choice(names)) != name}
    given = dict(above)
    cut = cut_cycles(above)
    assert {**above, **{name: given[name] for name in cut}} == given
    for name in cut:
        assert name == min(_cycle_of(name, given))
    for name in names:
        at, steps = name, 0
        while at in above:
            at, steps = above[at], steps + 1
            assert steps <= len(names)


def _cycle_of(start: str, above: dict[str, str]) -> list[str]:
    way = [start]
    while above[way[-1]] != start:
        way.append(above[way[-1]])
    return way
