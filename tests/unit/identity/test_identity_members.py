"""Records in their clusters, former holders of ids, and what is contested."""

from __future__ import annotations

import pyarrow as pa
from tests.identity_night import clusters_of

from cdp_spark.identity.members import Contest, find_contest, find_former_holders, join_members
from cdp_spark.identity.moved_keys import Move
from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, UNIFIED_IDS
from cdp_spark.tables.rows import tuples_of

Row = tuple[object, ...]

REGISTRY: list[Row] = [
    ("a", "person", "merged", "b", None, 1, 3, "model"),
    ("b", "person", "live", None, None, 1, None, "new_record"),
    ("d", "person", "closed", None, None, 2, 4, "removed_record"),
]
CHANGES: list[Row] = [
    (1, "r1", "a", "person", None, "created", "new_record"),
    (2, "r2", "b", "person", "a", "moved", "model"),
    (3, "r1", "b", "person", "a", "merged", "model"),
    (2, "r3", "d", "person", "d", "removed", "removed_record"),
    (4, "r3", "d", "person", "d", "removed", "removed_record"),
    (2, "r5", "b", "person", "b", "removed", "removed_record"),
]
FORMER: list[Row] = [("r1", "person", "a", 1, 3), ("r3", "person", "d", 2, 4)]


NO_CHANGES, NO_IDS = ID_CHANGES.table([]), ID_REGISTRY.table([])


def test_who_held_an_id_at_its_end_or_left_with_it_is_a_former_holder() -> None:
    holders = find_former_holders(ID_CHANGES.table(CHANGES), ID_REGISTRY.table(REGISTRY))
    assert sorted(tuples_of(holders)) == FORMER
    assert find_former_holders(NO_CHANGES, NO_IDS).num_rows == 0


def test_nobody_gets_an_erased_id_back_and_who_was_erased_gets_none() -> None:
    erased = ("d", "person", "closed", None, None, 2, 4, "erasure")
    registry = ID_REGISTRY.table([*REGISTRY[:2], erased])
    told = (4, "r1", "d", "person", "d", "erased", "erasure")
    assert tuples_of(find_former_holders(ID_CHANGES.table([*CHANGES, told]), registry)) == []


def test_records_have_the_id_of_their_old_key_and_of_their_own_type_only() -> None:
    ids = UNIFIED_IDS.table([(key, "person", key.upper()) for key in ("a", "b", "c", "d")])
    clusters = clusters_of([("x", "person", "1"), ("b", "account", "2"), ("c", "person", "1"), ("n", "person", "3")])
    members = join_members(clusters, ids, [Move("person", "a", "x")])
    assert tuples_of(members.here) == [
        ("x", "person", "1", "A", "a"),
        ("b", "account", "2", None, None),
        ("c", "person", "1", "C", None),
        ("n", "person", "3", None, None),
    ]
    assert tuples_of(members.left) == [("b", "person", None, "B", None), ("d", "person", None, "D", None)]


def contest_of(clusters: dict[str, str], ids: dict[str, str], holders: list[Row], *, limit: int = 99) -> Contest:
    members = join_members(
        clusters_of([(key, "person", cluster) for key, cluster in clusters.items()]),
        UNIFIED_IDS.table([(key, "person", held) for key, held in ids.items()]),
        [],
    )
    columns = ("record_key", "entity_type", "unified_id", "created_release", "closed_release")
    former = pa.Table.from_pylist([dict(zip(columns, it, strict=True)) for it in holders], HOLDERS)
    return find_contest(members, former, max_records=limit)


HOLDERS = find_former_holders(NO_CHANGES, NO_IDS).schema


def contested_keys(contest: Contest) -> set[str]:
    here, left = contest.members.here["record_key"], contest.members.left["record_key"]
    chosen = here.filter(pa.array(contest.is_contested[contest.place]))
    return {*chosen.to_pylist(), *left.filter(pa.array(contest.is_contested_left)).to_pylist()}


def test_a_cluster_with_one_id_that_has_no_other_cluster_is_settled() -> None:
    clusters = {"a1": "a", "a2": "a", "b1": "b", "b2": "c", "c1": "c", "n": "n"}
    ids = {"a1": "A", "a0": "A", "b1": "B", "b2": "B", "b0": "B", "c1": "C", "d0": "D"}
    contest = contest_of(clusters, ids, [])
    assert contested_keys(contest) == {"b1", "b2", "c1", "b0"}
    assert contest.record_count == 4
    assert contest.settled.take(pa.array(contest.place)).to_pylist() == ["A", "A", None, None, None, None]
    assert contest.first_keys.take(pa.array(contest.place)).to_pylist() == [None, None, "b1", "b2", "b2", "n"]


def test_an_id_that_may_return_is_contested_among_all_who_held_it_even_where_they_are_settled() -> None:
    clusters, ids = {"a1": "a", "n": "n", "b1": "b"}, {"a1": "A", "b1": "B"}
    gone: list[Row] = [("a1", "person", "G", 1, 3), ("n", "person", "G", 1, 3), ("left", "person", "G", 1, 3)]
    settled_only: list[Row] = [("b1", "person", "H", 1, 3)]
    contest = contest_of(clusters, ids, [*gone, *settled_only])
    assert contested_keys(contest) == {"a1", "n"}
    assert tuples_of(contest.former_holders) == gone[:2]


def test_a_held_cluster_falls_into_parts_and_visitors_do_not_count() -> None:
    clusters = [
        *[("b", "person", "one"), ("a", "visitor", "one"), ("c", "person", "one"), ("d", "account", "one")],
        *[("h2", "person", "big"), ("h1", "person", "big"), ("h0", "person", "big"), ("h3", "visitor", "big")],
    ]
    before = [("h1", "person", "x"), ("h2", "person", "x"), ("b2", "account", "y"), ("c", "person", "z")]
    members = join_members(clusters_of(clusters), UNIFIED_IDS.table(before), [])
    contest = find_contest(members, HOLDERS.empty_table(), max_records=2)
    of_record = [[row[0] for row in clusters], contest.place.tolist()]
    places: dict[int, list[str]] = {}
    for key, place in zip(*of_record, strict=True):
        places.setdefault(place, []).append(key)
    assert sorted(places.values()) == [["b", "a", "c"], ["d"], ["h0"], ["h2", "h1"], ["h3"]]
    assert contest.is_held.tolist() == [False] * 4 + [True] * 4
    assert contest.settled.take(pa.array(contest.place)).to_pylist() == ["z", "z", "z", None, "x", "x", None, None]
