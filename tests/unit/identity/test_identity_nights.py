"""What happens to ids from one night to the next, as whole tables.

The scenarios share no records, so they live side by side: five nights serve all of them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

import pytest
from pyspark.sql import SparkSession
from tests.identity_night import (
    NAMESPACE,
    Given,
    Released,
    clusters_of,
    decide,
    decide_with_spark,
    release_of,
    sorted_rows,
)

from cdp_spark import columns as c
from cdp_spark.identity import frames
from cdp_spark.tables.rows import tuples_of

MAX_RECORDS = 7
NIGHTS = 5


@dataclass(frozen=True)
class Night:
    """Record keys, with `|` between clusters; an e-mail is strong; a pair is labelled or limited."""

    clusters: str
    emails: dict[str, str] = field(default_factory=dict)
    changed: str = ""
    pairs: tuple[tuple[str, str, str], ...] = ()


SCENARIOS: dict[str, tuple[Night, ...]] = {
    "first": (Night("a1 a2 | b1"),),
    "quiet": (Night("a1 a2 | b1"), Night("b1 | a2 a1", changed="a1"), Night("a0 a1 a2 | b1")),
    "merge": (
        Night("a1 a2 | b1 b2 b3"),
        Night("a1 a2 b1 b2 b3 n", changed="a1"),
        Night("a1 a2 | b1 b2 b3 n", pairs=(("a1", "b1", "label"),)),
    ),
    "undone": (
        Night("a1 a2 | b1 b2 b3"),
        Night("a1 a2 b1 b2 b3", emails={"a1": "one", "a2": "two"}),
        Night("a1 a2 | b1 b2 b3"),
    ),
    "chain": (
        Night("a1 a2 a3 | b1 b2 | c1"),
        Night("a1 a2 a3 | b1 b2 c1"),
        Night("a1 a2 a3 b1 b2 c1"),
        Night("a1 a2 a3 | b1 b2 | c1"),
    ),
    "split": (Night("a1 a2 a3"), Night("a1 | a2 a3", changed="a1")),
    "strong": (Night("a1 a2 a3"), Night("a1 | a2 a3", emails={"a1": "one"})),
    "tie": (Night("m1 | n1"), Night("m1 | n1 | a1"), Night("m1 n1 a1", pairs=(("m1", "n1", "limit"),))),
    "sides": (Night("a1 a2 a3 | b1 b2 b3"), Night("a1 a2 b3 | b1 b2 a3")),
    "return": (Night("a1 a2 | b1"), Night("a1 | b1"), Night("b1"), Night("a1 a2 | b1")),
    "types": (Night("a1 x1"),),
    "visitors": (
        Night("a1 | v1 v2 v3 | v4"),
        Night("a1 v1 v2 v3 | b1 v4"),
        Night("a1 | v1 v2 v3 | b1 v4"),
    ),
    "large": (Night("a1 a2 a3 | b1 b2 b3"), Night("a1 a2 a3 b1 b2 b3 n1 n2")),
}

Row = tuple[object, ...]


@dataclass(frozen=True)
class Told:
    """What the tables said after each night."""

    ids: tuple[list[Row], ...]
    registry: tuple[list[Row], ...]
    changes: tuple[list[Row], ...]


def new_id(scenario: str, release: int, first_key: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{release}:{scenario}-{first_key}"))


def _entity(record: str) -> str:
    kinds = {"x": "account", "v": "visitor"}
    return kinds.get(record.split("-")[1][0], "person")


@pytest.fixture(scope="module")
def told() -> Told:
    """All scenarios, side by side; a scenario that is over stays as it is."""
    released, tables = Released(), []
    for release in range(1, NIGHTS + 1):
        nights = {name: nights[min(release, len(nights)) - 1] for name, nights in SCENARIOS.items()}
        released = release_of(released, decide(released, _given(nights), release))
        tables.append([tuples_of(rows) for rows in vars(released).values()])
    ids, registry, changes = zip(*tables, strict=True)
    return Told(ids, registry, changes)


def _given(nights: dict[str, Night]) -> Given:
    clusters = [
        (f"{name}-{record}", _entity(f"{name}-{record}"), f"{name} {number}")
        for name, night in nights.items()
        for number, cluster in enumerate(night.clusters.split("|"))
        for record in cluster.split()
    ]
    of_all = nights.items()
    return Given(
        clusters_of(clusters),
        [(f"{name}-{record}", c.EMAIL, value) for name, night in of_all for record, value in night.emails.items()],
        [(f"{name}-{record}", "changed_value") for name, night in of_all for record in night.changed.split()],
        [(f"{name}-{left}", f"{name}-{right}", cause) for name, night in of_all for left, right, cause in night.pairs],
        max_records=MAX_RECORDS,
    )


def test_every_night_of_every_scenario_comes_to_the_same_in_spark(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each scenario is there once per night, begun so late that this night is the last one of all."""
    monkeypatch.setattr(frames, "IDENTITY_TASK_RECORDS", 100)
    ends = {f"{name}{end}": nights[:end] for name, nights in SCENARIOS.items() for end in range(1, len(nights) + 1)}
    released = Released()
    for release in range(1, NIGHTS):
        started = {name: nights[: release - NIGHTS + len(nights)] for name, nights in ends.items()}
        given = _given({name: nights[-1] for name, nights in started.items() if nights and len(ends[name]) > 1})
        released = release_of(released, decide(released, given, release))
    last = _given({name: nights[-1] for name, nights in ends.items()})
    there = decide_with_spark(spark, released, last, NIGHTS)
    assert sorted_rows(there) == sorted_rows(decide(released, last, NIGHTS))
    assert {"created", "absorbed", "moved", "merged", "split", "resurrected", "removed"} == {
        *there.id_changes[c.CHANGE].to_pylist()
    }


def assert_ids(told: Told, scenario: str, release: int, expected: dict[str, str]) -> None:
    got = {str(row[0]): row[2] for row in told.ids[release - 1] if str(row[0]).startswith(f"{scenario}-")}
    assert got == {f"{scenario}-{record}": held for record, held in expected.items()}


def assert_registry(told: Told, release: int, *expected: Row) -> None:
    """Rows as in `id_registry`; all ids of a scenario are expected together."""
    ids = {row[0] for row in expected}
    assert {row for row in told.registry[release - 1] if row[0] in ids} == set(expected)


def assert_changes(told: Told, scenario: str, release: int, *expected: Row) -> None:
    """Rows are record, id, previous id, change, cause."""
    of_scenario = [row for row in told.changes[-1] if row[0] == release and str(row[1]).startswith(f"{scenario}-")]
    full = {(release, f"{scenario}-{row[0]}", row[1], "person", *row[2:]) for row in expected}
    assert len(of_scenario) == len(full)
    assert set(of_scenario) == full


def test_a_first_night_issues_an_id_per_cluster(told: Told) -> None:
    a, b = new_id("first", 1, "a1"), new_id("first", 1, "b1")
    assert_ids(told, "first", 1, {"a1": a, "a2": a, "b1": b})
    assert_registry(
        told,
        1,
        (a, "person", "live", None, None, 1, None, "new_record"),
        (b, "person", "live", None, None, 1, None, "new_record"),
    )
    assert_changes(
        told,
        "first",
        1,
        ("a1", a, None, "created", "new_record"),
        ("a2", a, None, "created", "new_record"),
        ("b1", b, None, "created", "new_record"),
    )


def test_a_quiet_night_changes_nothing_and_a_new_record_is_absorbed(told: Told) -> None:
    a, b = new_id("quiet", 1, "a1"), new_id("quiet", 1, "b1")
    assert_ids(told, "quiet", 2, {"a1": a, "a2": a, "b1": b})
    assert_changes(told, "quiet", 2)
    assert_ids(told, "quiet", 3, {"a0": a, "a1": a, "a2": a, "b1": b})
    assert_changes(told, "quiet", 3, ("a0", a, None, "absorbed", "new_record"))


def test_the_last_night_changes_no_table(told: Told) -> None:
    for table in (told.ids, told.registry, told.changes):
        assert sorted(table[-1], key=str) == sorted(table[-2], key=str)


def test_a_merge_leaves_a_tombstone_and_undone_gives_the_id_back(told: Told) -> None:
    a, b = new_id("merge", 1, "a1"), new_id("merge", 1, "b1")
    assert_ids(told, "merge", 2, dict.fromkeys(["a1", "a2", "b1", "b2", "b3", "n"], b))
    assert_changes(
        told,
        "merge",
        2,
        ("a1", b, a, "merged", "new_record"),
        ("a2", b, a, "merged", "new_record"),
        ("n", b, None, "absorbed", "new_record"),
    )
    kept = (b, "person", "live", None, None, 1, None, "new_record")
    assert_registry(told, 2, (a, "person", "merged", b, None, 1, 2, "new_record"), kept)
    assert_ids(told, "merge", 3, {"a1": a, "a2": a, "b1": b, "b2": b, "b3": b, "n": b})
    assert_changes(told, "merge", 3, ("a1", a, b, "resurrected", "label"), ("a2", a, b, "resurrected", "label"))
    assert_registry(told, 3, (a, "person", "live", None, None, 1, None, "label"), kept)


def test_an_undone_merge_goes_before_the_best_overlap(told: Told) -> None:
    a, b = new_id("undone", 1, "a1"), new_id("undone", 1, "b1")
    kept = (a, "person", "live", None, None, 1, None, "new_record")
    assert_registry(told, 2, kept, (b, "person", "merged", a, None, 1, 2, "model"))
    assert_ids(told, "undone", 3, {"a1": a, "a2": a, "b1": b, "b2": b, "b3": b})
    assert_registry(told, 3, kept, (b, "person", "live", None, None, 1, None, "model"))


def test_a_chain_of_merges_comes_apart(told: Told) -> None:
    a, b, d = (new_id("chain", 1, key) for key in ("a1", "b1", "c1"))
    assert_registry(
        told,
        3,
        (a, "person", "live", None, None, 1, None, "new_record"),
        (b, "person", "merged", a, None, 1, 3, "model"),
        (d, "person", "merged", b, None, 1, 2, "model"),
    )
    assert_ids(told, "chain", 4, {"a1": a, "a2": a, "a3": a, "b1": b, "b2": b, "c1": d})


def test_a_split_leaves_the_id_with_the_best_overlap(told: Told) -> None:
    a, split = new_id("split", 1, "a1"), new_id("split", 2, "a1")
    assert_ids(told, "split", 2, {"a1": split, "a2": a, "a3": a})
    assert_changes(told, "split", 2, ("a1", split, a, "split", "changed_value"))
    assert_registry(
        told,
        2,
        (a, "person", "live", None, None, 1, None, "new_record"),
        (split, "person", "live", None, a, 2, None, "changed_value"),
    )


def test_strong_identifiers_go_before_records(told: Told) -> None:
    a, split = new_id("strong", 1, "a1"), new_id("strong", 2, "a2")
    assert_ids(told, "strong", 2, {"a1": a, "a2": split, "a3": split})


def test_a_tie_ends_on_the_older_id_then_the_lowest(told: Told) -> None:
    younger = new_id("tie", 2, "a1")
    (kept, _), (lost, its_record) = sorted((new_id("tie", 1, key), key) for key in ("m1", "n1"))
    assert_ids(told, "tie", 3, dict.fromkeys(["m1", "n1", "a1"], kept))
    assert_changes(
        told, "tie", 3, (its_record, kept, lost, "merged", "limit"), ("a1", kept, younger, "merged", "limit")
    )


def test_a_record_that_changes_sides_moves(told: Told) -> None:
    a, b = new_id("sides", 1, "a1"), new_id("sides", 1, "b1")
    assert_ids(told, "sides", 2, {"a1": a, "a2": a, "b3": a, "b1": b, "b2": b, "a3": b})
    assert_changes(told, "sides", 2, ("a3", b, a, "moved", "model"), ("b3", a, b, "moved", "model"))


def test_who_left_is_closed_and_who_returns_gets_the_id_back(told: Told) -> None:
    a, b = new_id("return", 1, "a1"), new_id("return", 1, "b1")
    assert_changes(told, "return", 2, ("a2", a, a, "removed", "removed_record"))
    assert_changes(told, "return", 3, ("a1", a, a, "removed", "removed_record"))
    assert_registry(
        told,
        3,
        (a, "person", "closed", None, None, 1, 3, "removed_record"),
        (b, "person", "live", None, None, 1, None, "new_record"),
    )
    assert_ids(told, "return", 4, {"a1": a, "a2": a, "b1": b})
    assert_changes(
        told,
        "return",
        4,
        ("a1", a, None, "resurrected", "new_record"),
        ("a2", a, None, "resurrected", "new_record"),
    )


def test_entity_types_never_share_an_id(told: Told) -> None:
    assert_ids(told, "types", 1, {"a1": new_id("types", 1, "a1"), "x1": new_id("types", 1, "x1")})


def test_a_person_keeps_its_id_whatever_visitors_join_or_leave(told: Told) -> None:
    person, visitor, newcomer = (new_id("visitors", 1, key) for key in ("a1", "v1", "v4"))
    of_person = {"a1": person, "b1": newcomer, "v4": newcomer}
    assert_ids(told, "visitors", 2, {**of_person, "v1": person, "v2": person, "v3": person})
    assert_registry(
        told,
        2,
        (person, "person", "live", None, None, 1, None, "new_record"),
        (visitor, "visitor", "merged", person, None, 1, 2, "model"),
        (newcomer, "person", "live", None, None, 1, None, "new_record"),
    )
    assert_ids(told, "visitors", 3, {**of_person, "v1": visitor, "v2": visitor, "v3": visitor})


def test_a_cluster_over_the_limit_keeps_its_ids(told: Told) -> None:
    a, b, n1, n2 = (new_id("large", *key) for key in ((1, "a1"), (1, "b1"), (2, "n1"), (2, "n2")))
    assert_ids(told, "large", 2, {"a1": a, "a2": a, "a3": a, "b1": b, "b2": b, "b3": b, "n1": n1, "n2": n2})
    assert_changes(
        told, "large", 2, ("n1", n1, None, "created", "new_record"), ("n2", n2, None, "created", "new_record")
    )
