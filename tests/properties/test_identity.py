"""Stable ids against a model in plain Python: any sequence of nights, the same ids, and what must hold of them."""

from __future__ import annotations

import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from tests.identity_night import (
    NAMESPACE,
    Given,
    Released,
    after_erasure,
    clusters_of,
    decide,
    decide_with_spark,
    release_of,
    sorted_rows,
)

from cdp_spark import columns as c
from cdp_spark.identity import frames
from cdp_spark.identity.terms import CAUSES

WORLDS, NIGHTS, SEED = 120, 5, 20_260_101


@dataclass(frozen=True)
class Night:
    """Input of a night: cluster and identifier of each record that is there, and the records that changed.

    Before it the people of some records are erased, which others were beside.
    """

    clusters: dict[str, int]
    identifiers: dict[str, str]
    changed: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Entry:
    """A row of the registry."""

    status: str
    merged_into: str | None
    split_from: str | None
    created: int
    closed: int | None
    cause: str


@dataclass
class Model:
    """The rules once more, as one would do them by hand on a small table."""

    ids: dict[str, str] = field(default_factory=dict)
    registry: dict[str, Entry] = field(default_factory=dict)
    log: list[tuple[int, str, str, str | None, str, str]] = field(default_factory=list)

    def erase(self, records: frozenset[str], release: int) -> None:
        """The people whose records these are go, with all that is theirs; their ids are never given again."""
        ids = {self.ids[record] for record in records if record in self.ids}
        gone = {record: held for record, held in self.ids.items() if held in ids}
        self.log += [(release, record, held, held, "erased", "erasure") for record, held in gone.items()]
        self.ids = {record: held for record, held in self.ids.items() if held not in ids}
        for held in ids:
            self.registry[held] = replace(self.registry[held], status="closed", closed=release, cause="erasure")

    def night(self, night: Night, release: int) -> None:
        clusters = _clusters(night)
        edges = self._ranked_edges(clusters, night)
        served = _greedy(edges)
        key_of = {record: key for key, records in clusters.items() for record in records}
        new_id = {key: str(uuid.uuid5(NAMESPACE, f"{release}:{key}")) for key in clusters}
        id_of = {key: served.get(key, new_id[key]) for key in clusters}
        after = {record: id_of[key] for record, key in key_of.items()}
        live = [edge for edge in edges if self.registry[edge[4]].status == "live"]
        merged = {edge[4]: id_of[edge[5]] for edge in reversed(live) if edge[4] not in served.values()}
        split = {id_of[edge[5]]: edge[4] for edge in reversed(live) if edge[5] not in served}
        tonight = self._changes(after, merged, _causes(self.ids, after, night), release)
        self._register(tonight, set(after.values()), merged, split, release)
        self.log += tonight
        self.ids = after

    def _ranked_edges(self, clusters: dict[str, set[str]], night: Night) -> list[tuple[int, int, int, int, str, str]]:
        holders = defaultdict(set)
        for record, held in self.ids.items():
            holders[held].add(record)
        overlap = {
            (key, held): len(clusters[key] & holders[held])
            for key in clusters
            for held in holders
            if clusters[key] & holders[held]
        }
        former = self._former_holders()
        returns = self._returns(clusters, former)
        undone = self._undone(overlap, returns, former, holders, clusters)
        tiers = {pair: 1 if pair in undone else 0 for pair in overlap}
        given_back = {(key, returns[key]) for key, _ in undone}
        tiers |= {(key, gone): 0 if (key, gone) in given_back else 2 for key, gone in returns.items()}
        edges = []
        for (key, held), tier in tiers.items():
            records = holders.get(held) or former[held]
            mine = {night.identifiers[record] for record in clusters[key] if record in night.identifiers}
            theirs = {night.identifiers[record] for record in records if record in night.identifiers}
            shared_records = len(clusters[key] & records)
            edges.append((tier, -len(mine & theirs), -shared_records, self.registry[held].created, held, key))
        return sorted(edges)

    def _former_holders(self) -> dict[str, set[str]]:
        former: dict[str, set[str]] = defaultdict(set)
        erased = {record for _, record, _, _, change, _ in self.log if change == "erased"}
        for release, record, _, previous, change, _ in self.log:
            entry = self.registry.get(previous) if previous else None
            gone = entry is not None and entry.status != "live" and entry.cause != "erasure" and record not in erased
            if previous and entry and gone and (change == "removed" or release == entry.closed):
                former[previous].add(record)
        return former

    def _returns(self, clusters: dict[str, set[str]], former: dict[str, set[str]]) -> dict[str, str]:
        offers: dict[str, list[tuple[int, int, int, str]]] = defaultdict(list)
        for gone, records in former.items():
            counts = {key: len(records & members) for key, members in clusters.items() if records & members}
            for key, count in counts.items():
                if count == max(counts.values()):
                    entry = self.registry[gone]
                    offers[key].append((-count, entry.closed or 0, entry.created, gone))
        return {key: min(offer)[3] for key, offer in offers.items()}

    @staticmethod
    def _undone(
        overlap: dict[tuple[str, str], int],
        returns: dict[str, str],
        former: dict[str, set[str]],
        holders: dict[str, set[str]],
        clusters: dict[str, set[str]],
    ) -> set[tuple[str, str]]:
        undone = set()
        parts = Counter(held for _, held in overlap)
        for held in parts:
            came = [
                key
                for key, other in overlap
                if other == held
                and key in returns
                and 2 * len(former[returns[key]] & holders[held] & clusters[key]) > overlap[key, held]
            ]
            if 0 < len(came) < parts[held]:
                undone |= {(key, held) for key in came}
        return undone

    def _changes(
        self, after: dict[str, str], merged: dict[str, str], causes: dict[str, str], release: int
    ) -> list[tuple[int, str, str, str | None, str, str]]:
        rows = []
        for record in self.ids.keys() | after.keys():
            before, now = self.ids.get(record), after.get(record)
            if before != now:
                change = self._change(before, now, merged)
                cause = causes.get(before, "") if before and now else "new_record" if now else "removed_record"
                rows.append((release, record, now or before or "", before, change, cause))
        return rows

    def _change(self, before: str | None, now: str | None, merged: dict[str, str]) -> str:
        if now is None:
            return "removed"
        if now in self.registry and self.registry[now].status != "live":
            return "resurrected"
        if before is None:
            return "absorbed" if now in self.registry else "created"
        if now not in self.registry:
            return "split"
        return "merged" if merged.get(before) == now else "moved"

    def _register(
        self,
        tonight: list[tuple[int, str, str, str | None, str, str]],
        live: set[str],
        merged: dict[str, str],
        split: dict[str, str],
        release: int,
    ) -> None:
        by_key = sorted(tonight, key=lambda row: row[1])
        for born in live:
            entry = self.registry.get(born)
            if entry is None or entry.status != "live":
                rows = [row for row in by_key if row[2] == born and row[4] != "removed"]
                cause = min(rows, key=lambda row: (row[3] is None, row[1]))[5]
                created = entry.created if entry else release
                split_from = entry.split_from if entry else split.get(born)
                self.registry[born] = Entry("live", None, split_from, created, None, cause)
        for died in [held for held, entry in self.registry.items() if entry.status == "live" and held not in live]:
            rows = [row for row in by_key if row[3] == died]
            cause = min(rows, key=lambda row: (row[4] == "removed", row[1]))[5]
            target = merged.get(died)
            status = "merged" if target else "closed"
            self.registry[died] = replace(
                self.registry[died], status=status, merged_into=target, closed=release, cause=cause
            )


def _clusters(night: Night) -> dict[str, set[str]]:
    groups = defaultdict(set)
    for record, cluster in night.clusters.items():
        groups[record.split("-")[0], _entity(record), cluster].add(record)
    return {min(records): records for records in groups.values()}


def _greedy(edges: list[tuple[int, int, int, int, str, str]]) -> dict[str, str]:
    served: dict[str, str] = {}
    for *_, held, key in edges:
        if key not in served and held not in served.values():
            served[key] = held
    return served


def _causes(before: dict[str, str], after: dict[str, str], night: Night) -> dict[str, str]:
    causes = {}
    for held in set(before.values()):
        records = {record for record, old in before.items() if old == held}
        now = {after[record] for record in records if record in after}
        witnesses = records | {record for record, new in after.items() if new in now}
        named = {"changed_value" for record in witnesses if record in night.changed}
        named |= {"erasure" for record in witnesses if record in night.beside}
        named |= {"new_record" for record in witnesses if record not in before}
        named |= {"removed_record" for record in witnesses if record not in after}
        causes[held] = next((cause for cause in CAUSES if cause in named), "model")
    return causes


def _entity(record: str) -> str:
    return "account" if record.endswith(("0", "1")) else "person"


# --- what must hold of any sequence of nights -------------------------------------------------------------------

_RECORDS = [f"w-{number}" for number in range(8)]
_nights = st.lists(
    st.builds(
        lambda clusters, values: Night(
            {record: cluster for record, cluster in clusters.items() if cluster is not None},
            {record: value for record, value in values.items() if record in clusters},
        ),
        st.fixed_dictionaries({record: st.none() | st.integers(0, 2) for record in _RECORDS}),
        st.dictionaries(st.sampled_from(_RECORDS), st.sampled_from("xyz")),
    ),
    min_size=1,
    max_size=6,
)
_erasures = st.dictionaries(st.integers(0, 5), st.sets(st.sampled_from(_RECORDS), max_size=2), max_size=2)


@given(nights=_nights, erasures=_erasures)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_ids_stay_one_to_one_and_every_id_is_accounted_for(nights: list[Night], erasures: dict[int, set[str]]) -> None:
    model = Model()
    for number, given_night in enumerate(nights, start=1):
        release = 2 * number
        model.erase(frozenset(erasures.get(number, ())), release - 1)
        night, closed = _without(given_night, _erased(model)), _closed_by_erasure(model)
        before, old_clusters = dict(model.ids), _by_id(model.ids)
        model.night(night, release)
        assert _closed_by_erasure(model) == closed
        now = _by_id(model.ids)
        assert sorted(map(sorted, now.values())) == sorted(map(sorted, _clusters(night).values()))
        assert {held for held, entry in model.registry.items() if entry.status == "live"} == set(now)
        _assert_unchanged_clusters_keep_their_id(old_clusters, now)
        _assert_ids_resolve(model)
        assert _replay(model.log) == model.ids
        assert before.keys() | model.ids.keys() >= {row[1] for row in model.log if row[0] == release}


@given(night=_nights.map(lambda nights: nights[0]))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_night_without_change_changes_nothing(night: Night) -> None:
    model = Model()
    model.night(night, 1)
    ids, registry, log = dict(model.ids), dict(model.registry), list(model.log)
    model.night(night, 2)
    assert (model.ids, model.registry, model.log) == (ids, registry, log)


def _erased(model: Model) -> set[str]:
    return {record for _, record, _, _, change, _ in model.log if change == "erased"}


def _closed_by_erasure(model: Model) -> dict[str, Entry]:
    return {held: entry for held, entry in model.registry.items() if entry.cause == "erasure"}


def _without(night: Night, records: set[str]) -> Night:
    """The night as it is where these records never come again."""
    return replace(
        night,
        clusters={record: cluster for record, cluster in night.clusters.items() if record not in records},
        identifiers={record: value for record, value in night.identifiers.items() if record not in records},
        changed=night.changed - records,
    )


def _by_id(ids: dict[str, str]) -> dict[str, set[str]]:
    groups = defaultdict(set)
    for record, held in ids.items():
        groups[held].add(record)
    return dict(groups)


def _assert_unchanged_clusters_keep_their_id(before: dict[str, set[str]], now: dict[str, set[str]]) -> None:
    for held, records in before.items():
        if records in now.values():
            assert now[held] == records


def _assert_ids_resolve(model: Model) -> None:
    for held in model.registry:
        entry, steps = model.registry[held], 0
        while entry.status == "merged":
            assert entry.merged_into is not None
            entry, steps = model.registry[entry.merged_into], steps + 1
            assert steps <= len(model.registry)
        assert entry.cause in CAUSES


def _replay(log: list[tuple[int, str, str, str | None, str, str]]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for _, record, held, _, change, _ in sorted(log, key=lambda row: row[0]):
        if change in ("removed", "erased"):
            del ids[record]
        else:
            ids[record] = held
    return ids


# --- the product gives what the model gives -------------------------------------------------------------


def _random_nights(world: int, rng: random.Random) -> list[Night]:
    records = [f"{world:03d}-{number}" for number in range(10)]
    clusters = {record: rng.randrange(4) for record in records if rng.random() < 0.8}
    nights: list[Night] = []
    for number in range(NIGHTS):
        turmoil = rng.choice([0.0, 0.15, 0.4])
        for record in records:
            if rng.random() < turmoil:
                clusters[record] = rng.randrange(4)
            elif rng.random() < turmoil / 2:
                clusters.pop(record, None)
        if rng.random() < 0.3:
            one, other = rng.sample(range(4), 2)
            clusters = {record: one if cluster == other else cluster for record, cluster in clusters.items()}
        if nights and rng.random() < 0.3:
            clusters = dict(rng.choice(nights).clusters)
        identifiers = {record: f"{world}{rng.choice('xyz')}" for record in clusters if rng.random() < 0.3}
        changed = frozenset(record for record in clusters if rng.random() < 0.1)
        erased = frozenset(rng.sample(records, 1)) if number in (2, 3) and rng.random() < 0.5 else frozenset()
        beside = frozenset(record for record in clusters if erased and rng.random() < 0.3)
        nights.append(Night(dict(clusters), identifiers, changed, erased, beside))
    return nights


def _side_by_side(nights: list[Night]) -> Night:
    return Night(
        {record: cluster for night in nights for record, cluster in night.clusters.items()},
        {record: value for night in nights for record, value in night.identifiers.items()},
        *(frozenset().union(*[getattr(night, name) for night in nights]) for name in ("changed", "erased", "beside")),
    )


def _given(night: Night, release: int) -> Given:
    rows = [(r, _entity(r), f"{r.split('-')[0]}{_entity(r)}{cluster}") for r, cluster in night.clusters.items()]
    random.Random(release).shuffle(rows)
    values = [(record, "email", value) for record, value in night.identifiers.items()]
    named = [(record, "changed_value") for record in night.changed] + [(it, "erasure") for it in night.beside]
    return Given(clusters_of(rows), values, named)


def _assert_same(released: Released, model: Model) -> None:
    ids = {row[c.RECORD_KEY]: row[c.UNIFIED_ID] for row in released.unified_ids.to_pylist()}
    assert ids == model.ids
    log_columns = (c.RELEASE, c.RECORD_KEY, c.UNIFIED_ID, c.PREVIOUS_ID, c.CHANGE, c.CAUSE)
    assert sorted(_tuples(released.id_changes, log_columns), key=str) == sorted(model.log, key=str)
    entry_columns = (c.UNIFIED_ID, c.STATUS, c.MERGED_INTO, c.SPLIT_FROM, c.CREATED_RELEASE, c.CLOSED_RELEASE, c.CAUSE)
    registry = {held: Entry(*values) for held, *values in _tuples(released.id_registry, entry_columns)}
    assert registry == model.registry


def _tuples(rows: pa.Table, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(rows[name].to_pylist() for name in names), strict=True))


@pytest.fixture(scope="module")
def nights() -> list[Night]:
    rng = random.Random(SEED)
    worlds = [_random_nights(world, rng) for world in range(WORLDS)]
    return [_side_by_side([world[number] for world in worlds]) for number in range(NIGHTS)]


def test_ids_registry_and_changes_are_those_of_the_model(nights: list[Night]) -> None:
    model, released = Model(), Released()
    for number, given_night in enumerate(nights, start=1):
        release = 2 * number
        released = after_erasure(released, {model.ids[it] for it in given_night.erased & set(model.ids)}, release - 1)
        model.erase(given_night.erased, release - 1)
        _assert_same(released, model)
        night = _without(given_night, _erased(model))
        model.night(night, release)
        released = release_of(released, decide(released, _given(night, release), release))
        _assert_same(released, model)
    seen = {row[4] for row in model.log}
    assert seen == {"created", "absorbed", "moved", "merged", "split", "resurrected", "removed", "erased"}
    assert "erasure" in {row[5] for row in model.log if row[4] != "erased"}


def test_spark_decides_group_by_group_what_the_rules_decide_at_once(
    spark: SparkSession, nights: list[Night], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "IDENTITY_TASK_RECORDS", 400)
    released = Released()
    for release, night in enumerate(nights[:3], start=1):
        released = release_of(released, decide(released, _given(night, release), release))
    people_of = pc.is_in(released.unified_ids[c.RECORD_KEY], pa.array(nights[3].erased))
    released = after_erasure(released, released.unified_ids.filter(people_of)[c.UNIFIED_ID].to_pylist(), 4)
    last = _given(nights[3], 5)  # those who were erased are in it, too
    assert sorted_rows(decide_with_spark(spark, released, last, 5)) == sorted_rows(decide(released, last, 5))
