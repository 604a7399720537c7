"""Arms are drawn by chance and sticky: whatever becomes of rows' order, shares, households and ids."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from cdp_spark import columns as c
from cdp_spark.config.experiments import CONTROL
from cdp_spark.experiments.assign import Drawing, Split, assign_arms, draw_arm, find_unknown_arms
from cdp_spark.experiments.follow import follow_ids
from cdp_spark.experiments.rows import ASSIGNMENTS, CANDIDATES, CLAIMED_BY, HOME, Assignment, rows_of, table_of
from cdp_spark.id_moves import read_moves

DAY = datetime(2026, 12, 1, 2, tzinfo=UTC)
OFFER = {CONTROL: 20.0, "offer_a": 40.0, "offer_b": 40.0}
SPLIT = Split(OFFER)
LIVE = "live"


@dataclass
class World:
    """Ids and homes that change from run to run.

    Args:
        splits: by experiment.
        rows: of the last run.
        registry: id to its status, the one it was merged into, the one it was split from, and the run that made it.
        homes: id to its household.
        number: of the next run.
    """

    splits: Mapping[str, Split]
    rows: list[Assignment] = field(default_factory=list)
    registry: dict[str, tuple[str, str | None, str | None, int]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    number: int = 1

    def night(
        self, people: Iterable[str] = (), *, told: Sequence[tuple[str, str, datetime]] = (), shuffle: int | None = None
    ) -> dict[str, Assignment]:
        """Assign the people who take part, and those of a file; returns the rows by id."""
        for it in people:
            self.registry.setdefault(it, (LIVE, None, None, self.number))
        candidates = [("e", it, None, None) for it in people] + [("e", *it) for it in told]
        claims = follow_ids(table_of(self.rows, ASSIGNMENTS), read_moves(self._registry()))
        own = [by or row.unified_id for by, row in zip(claims[CLAIMED_BY].to_pylist(), rows_of(claims), strict=True)]
        tables = [
            self._with_homes(table_of(candidates, CANDIDATES), [it[1] for it in candidates]),
            self._with_homes(claims, own),
        ]
        if shuffle is not None:
            tables = [
                it.take(pa.array(random.Random(shuffle).sample(range(it.num_rows), it.num_rows), pa.int64()))
                for it in tables
            ]
        drawing = Drawing(self.splits, "namespace", self.number, DAY + timedelta(days=self.number))
        self.rows = sorted(rows_of(assign_arms(tables[0], tables[1], drawing=drawing)))
        self.number += 1
        return {it.unified_id: it for it in self.rows}

    def merge(self, loser: str, winner: str) -> None:
        _, _, origin, created = self.registry[loser]
        self.registry[loser] = ("merged", winner, origin, created)

    def split_off(self, part: str, whole: str) -> None:
        self.registry[part] = (LIVE, None, whole, self.number)

    def _with_homes(self, rows: pa.Table, ids: Sequence[str]) -> pa.Table:
        return rows.append_column(HOME, pa.array([self.homes.get(it, it) for it in ids], pa.string()))

    def _registry(self) -> pa.Table:
        columns = list(zip(*[(name, *facts) for name, facts in self.registry.items()], strict=True)) or [()] * 5
        names = (c.UNIFIED_ID, c.STATUS, c.MERGED_INTO, c.SPLIT_FROM, c.CREATED_RELEASE)
        kinds = (*[pa.string()] * 4, pa.int64())
        return pa.table({n: pa.array(v, k) for n, v, k in zip(names, columns, kinds, strict=True)})


def ids(count: int) -> list[str]:
    return [f"p{number:05}" for number in range(count)]


def of_arm(rows: Mapping[str, Assignment], arm: str, *, count: int = 1) -> list[str]:
    return [name for name, row in rows.items() if row.arm == arm][:count]


def test_arms_are_as_large_as_their_shares() -> None:
    found = Counter(it.arm for it in World({"e": SPLIT}).night(ids(10_000)).values())
    assert {arm: round(count / 100) for arm, count in found.items()} == pytest.approx(OFFER, abs=1)


def test_a_row_says_who_was_drawn_when_and_by_which_shares() -> None:
    shares = '{"control":20.0,"offer_a":40.0,"offer_b":40.0}'
    (row,) = World({"e": SPLIT}).night(["p1"]).values()
    assert row == Assignment("e", "p1", row.arm, "p1", DAY + timedelta(days=1), 1, "drawn", shares)


def test_another_experiment_draws_anew() -> None:
    pairs = [
        [draw_arm(SPLIT, experiment=name, unit_id=it, namespace="n") for it in ids(2_000)] for name in ("one", "two")
    ]
    together = sum(one == other for one, other in zip(*pairs, strict=True)) / 2_000
    assert together == pytest.approx(0.2**2 + 0.4**2 + 0.4**2, abs=0.03)


def test_a_changed_share_holds_for_new_people_only() -> None:
    world = World({"e": SPLIT})
    before = world.night(ids(500))
    world.splits = {"e": Split({CONTROL: 0.0, "offer_a": 0.0, "offer_b": 100.0})}
    after = world.night(ids(1_000))
    assert {name: after[name] for name in before} == before
    assert {row.arm for name, row in after.items() if name not in before} == {"offer_b"}


def test_who_left_the_segment_keeps_the_arm() -> None:
    world = World({"e": SPLIT})
    assert world.night(ids(100)) == world.night() == world.night(ids(100))


@pytest.mark.parametrize("arms", [(CONTROL, "offer_a"), ("offer_a", CONTROL)])
def test_when_ids_merge_control_wins_however_new_it_is(arms: tuple[str, str]) -> None:
    world = World({"e": SPLIT})
    old, new = of_arm(world.night(ids(50)), arms[0])[0], of_arm(world.night(ids(100)), arms[1], count=40)[-1]
    before = {it.unified_id: it for it in world.rows}
    assert before[old].release < before[new].release
    world.merge(old, new)
    after = world.night()
    control = old if arms[0] == CONTROL else new
    assert after[new] == before[control]._replace(unified_id=new)
    assert after[old] == before[old]._replace(ended_at=DAY + timedelta(days=3), end_reason="merged")


def test_when_ids_without_control_merge_the_older_assignment_wins() -> None:
    world = World({"e": SPLIT})
    old, new = of_arm(world.night(ids(50)), "offer_b")[0], of_arm(world.night(ids(100)), "offer_a", count=40)[-1]
    before = {it.unified_id: it for it in world.rows}
    world.merge(old, new)
    assert world.night()[new] == before[old]._replace(unified_id=new)


def test_an_id_without_arm_gets_that_of_the_one_merged_into_it() -> None:
    world = World({"e": SPLIT})
    before = world.night(["p1"])["p1"]
    world.registry["p2"] = (LIVE, None, None, 2)
    world.merge("p1", "p2")
    assert world.night(["p2"])["p2"] == before._replace(unified_id="p2")


def test_when_an_id_splits_both_keep_the_arm() -> None:
    world = World({"e": SPLIT})
    before = world.night(ids(30))
    for name in before:
        world.split_off(f"{name}-part", name)
    after = world.night([f"{name}-part" for name in before])
    assert {name: after[name] for name in before} == before
    assert {row.unified_id: after[f"{row.unified_id}-part"].arm for row in before.values()} == {
        name: row.arm for name, row in before.items()
    }


def test_an_id_that_was_split_off_before_the_experiment_is_drawn_by_itself() -> None:
    world = World({"e": SPLIT})
    world.registry = {"whole": (LIVE, None, None, 0), "part": (LIVE, None, "whole", 1)}
    world.night(["whole"])
    arm = draw_arm(SPLIT, experiment="e", unit_id="part", namespace="namespace")
    row = world.night(["part"])["part"]
    assert (row.arm, row.release) == (arm, 2)


def test_a_merge_that_is_undone_gives_the_old_arms_back() -> None:
    world = World({"e": SPLIT})
    before = world.night(ids(10))
    loser, winner = of_arm(before, "offer_a")[0], of_arm(before, "offer_b")[0]
    world.merge(loser, winner)
    world.night()
    world.registry[loser] = (LIVE, None, None, 1)
    assert world.night()[loser] == before[loser]


def test_an_id_that_ended_has_an_end() -> None:
    world = World({"e": SPLIT})
    before = world.night(["p1"])["p1"]
    world.registry["p1"] = ("closed", None, None, 1)
    ended = before._replace(ended_at=DAY + timedelta(days=2), end_reason="closed")
    assert world.night() == world.night() == {"p1": ended}


def test_an_experiment_that_is_dropped_keeps_its_rows_and_goes_on_where_it_stopped() -> None:
    world = World({"e": SPLIT})
    before = world.night(ids(20))
    world.splits = {}
    assert {it.end_reason for it in world.night().values()} == {"dropped"}
    world.splits = {"e": SPLIT}
    assert world.night() == before


def test_a_household_is_kept_together_and_who_joins_it_follows() -> None:
    world = World({"e": Split(OFFER, household=True)})
    people = ids(300)
    world.homes = {name: f"home{place // 3}" for place, name in enumerate(people)}
    first = world.night(people[:200])
    assert {row.unit_id for row in first.values()} == {f"home{number}" for number in range(67)}
    late = {f"late{number}": f"home{number}" for number in range(67)}
    world.homes |= late
    world.splits = {"e": Split({CONTROL: 50.0, "offer_a": 25.0, "offer_b": 25.0}, household=True)}
    after = world.night([*people, *late])
    arms: dict[str, set[str]] = {}
    for row in after.values():
        arms.setdefault(row.unit_id, set()).add(row.arm)
    assert all(len(of_home) == 1 for of_home in arms.values())
    assert {after[name].split for name in late} == {first[people[0]].split}


def test_who_moves_to_another_household_keeps_the_arm() -> None:
    world = World({"e": Split(OFFER, household=True)}, homes={"p1": "home1", "p2": "home2"})
    before = world.night(["p1", "p2"])
    world.homes["p1"] = "home2"
    assert world.night(["p1", "p2"]) == before


def test_arms_of_a_file_are_taken_control_first_and_stay() -> None:
    world = World({"e": SPLIT})
    told = [("p1", "offer_a", DAY), ("p1", CONTROL, DAY + timedelta(hours=1)), ("p2", "offer_b", DAY)]
    found = world.night(told=told)
    assert {name: (row.arm, row.origin, row.assigned_at) for name, row in found.items()} == {
        "p1": (CONTROL, "imported", DAY + timedelta(hours=1)),
        "p2": ("offer_b", "imported", DAY),
    }
    assert world.night(told=[("p2", "offer_a", DAY)]) == found


def test_arms_with_people_that_are_not_configured_are_found() -> None:
    rows = [Assignment("e", f"p{n}", arm, f"p{n}", DAY, 1, "drawn", "{}") for n, arm in enumerate((CONTROL, "old"))]
    rows.append(rows[1]._replace(unified_id="p9", arm="gone", ended_at=DAY, end_reason="closed"))
    assert find_unknown_arms(table_of(rows, ASSIGNMENTS), {"e": SPLIT}) == {"e": ["old"]}
    assert find_unknown_arms(table_of(rows, ASSIGNMENTS), {}) == {}


@pytest.mark.parametrize("seed", range(20))
def test_any_sequence_of_runs_keeps_arms_and_does_not_depend_on_the_order_of_rows(seed: int) -> None:
    """People join, merge, split, end and move; two worlds get their rows in another order."""
    draw = random.Random(seed)
    household = bool(seed % 2)
    worlds = [World({"e": Split(OFFER, household=household)}) for _ in range(2)]
    for night in range(6):
        before = {it.unified_id: it for it in worlds[0].rows}
        live = sorted(name for name, facts in worlds[0].registry.items() if facts[0] == LIVE)
        new = [f"n{night}-{number}" for number in range(8)]
        homes = {name: f"home{draw.randrange(12)}" for name in (*new, *draw.sample(live, len(live) // 4))}
        moved = draw.sample(live, min(len(live), 6))
        for world in worlds:
            world.homes |= homes
            for loser, winner in (moved[:2], moved[2:4]) if len(moved) == 6 else ():
                world.merge(loser, winner)
            for whole in moved[4:5]:
                world.split_off(f"{whole}/{night}", whole)
            for ended in moved[5:6]:
                world.registry[ended] = ("closed", None, None, 1)
        people = [*new, *draw.sample(live, len(live) // 2)]
        people = [it for it in people if worlds[0].registry.get(it, (LIVE,))[0] == LIVE]
        nights = [world.night(people, shuffle=shuffle) for world, shuffle in zip(worlds, (None, night), strict=True)]
        assert nights[0] == nights[1]
        heirs = {moved[place + 1] for place in (0, 2) if len(moved) == 6}
        for name, row in before.items():
            now = nights[0][name]
            if name in heirs:
                assert now.arm in (row.arm, CONTROL, *(before[it].arm for it in moved if it in before))
                assert now.arm == CONTROL or row.arm != CONTROL
            else:
                assert now[:8] == row[:8]
        live_now = {name for name, facts in worlds[0].registry.items() if facts[0] == LIVE}
        assert {name for name, row in nights[0].items() if row.end_reason is None} <= live_now
