"""Stable ids against a model in plain Python: any sequence of nights, the same ids, and what must hold of them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from tests.identity_night import (
    Given,
    Released,
    after_erasure,
    clusters_of,
    decide,
    decide_with_spark,
    release_of,
    sorted_rows,
)
from tests.properties.identity_model import Entry, Model, Night, clusters_by_key, entity_of

from cdp_spark import columns as c
from cdp_spark.identity import frames
from cdp_spark.identity.terms import CAUSES

WORLDS, NIGHTS, SEED = 120, 5, 20_260_101


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
        assert sorted(map(sorted, now.values())) == sorted(map(sorted, clusters_by_key(night).values()))
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
    rows = [(r, entity_of(r), f"{r.split('-')[0]}{entity_of(r)}{cluster}") for r, cluster in night.clusters.items()]
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
