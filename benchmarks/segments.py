"""Seconds of segments over many profiles: `python -m benchmarks segments`.

Fifty segments: a third over profiles' columns, a third over events, the others sequences and combinations of them. The
traits stage makes what they ask of events, the segments stage evaluates them; the second night is a day later, with new
events of a hundredth of the people.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import replace
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from benchmarks.matching.memory import family_processor_seconds
from benchmarks.traits import FIRST, draw_events, write_events
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.segment import SegmentConfig
from cdp_spark.segments.stage import run as evaluate_segments
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.tables.catalog import PROFILES, UNIFIED_EVENTS
from cdp_spark.tables.increments.basis import newest_version_of
from cdp_spark.tables.run import Basis, RunContext
from cdp_spark.tables.store import Store
from cdp_spark.traits.stage import run as make_traits

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdp_spark.tables.run import StageResult

_TYPES = ("page_view", "product_view", "add_to_cart", "purchase", "email_open", "return")
_CITIES = ("Ulm", "Hull", "Rome", "Oslo", "Lyon", "Graz")
_PROFILES_AT_ONCE = 500_000


def main(argv: list[str]) -> None:
    """Time both stages of two nights and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks segments", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--segments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--memory", default="3g", help="of the driver")
    arguments = parser.parse_args(argv)
    spark = get_session(SessionSettings(app_name="segments", master="local[2]", driver_memory=arguments.memory))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(spark, folder)
        write_events(store, arguments)
        _write_profiles(store, arguments)
        print("| night | stage | seconds | processor s | what |\n|---|---|---|---|---|")
        _nights(store, arguments)
    print(
        f"\n{arguments.segments} segments, {arguments.people:,} profiles, {arguments.events:,} events; "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    spark.stop()


def _write_profiles(store: Store, arguments: argparse.Namespace) -> None:
    random = np.random.default_rng(arguments.seed)
    schema = to_arrow_schema(PROFILES.schema, timezone="UTC")
    for start in range(0, arguments.people, _PROFILES_AT_ONCE):
        count = min(_PROFILES_AT_ONCE, arguments.people - start)
        empty = pa.array([[]] * count, pa.list_(pa.string()))
        nothing = pa.array([[]] * count, pa.map_(pa.string(), pa.string()))
        given = {
            "unified_id": pa.array([f"person-{number}" for number in range(start, start + count)]),
            "entity_type": pa.repeat("person", count),
            "city": pa.array(_CITIES).take(pa.array(random.integers(0, len(_CITIES), size=count))),
            "record_count": pa.array(random.integers(1, 9, size=count)),
            **dict.fromkeys(("emails", "phones", "sources"), empty),
            **dict.fromkeys(("attributes", "consents"), nothing),
        }
        columns = [
            given[field.name].cast(field.type) if field.name in given else pa.nulls(count, field.type)
            for field in schema
        ]
        store.append(PROFILES, pa.Table.from_arrays(columns, schema=schema), application=None)


def _segments(count: int) -> tuple[SegmentConfig, ...]:
    made: list[dict[str, object]] = []
    for number in range(count):
        days, of, city = 7 * (1 + number % 8), _TYPES[number % len(_TYPES)], _CITIES[number % len(_CITIES)]
        events: dict[str, object] = {"events": {"of": of, "within_days": days, "at_least": 1 + number % 3}}
        steps: dict[str, object] = {
            "sequence": {"steps": [{"of": of}, {"of": "purchase"}], "within_days": 3, "since_days": days}
        }
        kinds: tuple[dict[str, object], ...] = (
            {"where": f"city = '{city}' and record_count > {number % 5}"},
            events,
            {"all": [{"where": f"city != '{city}'"}, {"not": events}, steps]},
        )
        made.append({"name": f"s{number}", "members": kinds[number % 3]})
    return tuple(SegmentConfig.model_validate_json(json.dumps(it)) for it in made)


def _nights(store: Store, arguments: argparse.Namespace) -> None:
    project = Project(
        folder=".",
        settings=ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="w")),
        sources=(),
        match=MatchConfig(),
        segments=_segments(arguments.segments),
        config_hash="-",
    )
    context = RunContext(store, project, "run", 1, FIRST)
    read = {spec.name: newest_version_of(store, spec) for spec in (UNIFIED_EVENTS, PROFILES)}
    traits = _timed("first", "traits", make_traits, context)
    members = _timed("first", "segments", evaluate_segments, context)
    random = np.random.default_rng(arguments.seed + 1)
    people = random.choice(arguments.people, size=max(arguments.people // 100, 1), replace=False)
    store.append(UNIFIED_EVENTS, draw_events(random, people, -random.random(len(people)), "b"), application=None)
    later = replace(
        context,
        ordinal=2,
        as_of=FIRST + timedelta(days=1),
        base_versions={**read, **traits.versions, **members.versions},
    )
    basis = Basis(1, FIRST, read, traits.versions, traits.metrics)
    _timed("second", "traits", make_traits, replace(later, basis=basis))
    basis = Basis(1, FIRST, read | dict(traits.versions), members.versions, members.metrics)
    _timed("second", "segments", evaluate_segments, replace(later, basis=basis))


def _timed(night: str, stage: str, work: Callable[[RunContext], StageResult], context: RunContext) -> StageResult:
    began, used = perf_counter(), family_processor_seconds()
    result = work(context)
    seconds, processor = perf_counter() - began, family_processor_seconds() - used
    print(f"| {night} | {stage} | {seconds:.1f} | {processor:.1f} | {result.detail} |", flush=True)
    return result
