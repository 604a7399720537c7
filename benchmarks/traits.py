"""Seconds of traits of many events: `python -m benchmarks traits`.

Events are drawn for people of whom a few do much; 20 traits and RFM are made of them on the first night. On the second,
a hundredth of the people have new events, and windows let others' events out.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.pandas.types import to_arrow_schema

from benchmarks.matching.memory import family_processor_seconds
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.tables.catalog import PROFILES, UNIFIED_EVENTS
from cdp_spark.tables.run import Basis, RunContext
from cdp_spark.tables.store import Store
from cdp_spark.traits.stage import run

if TYPE_CHECKING:
    from cdp_spark.tables.run import StageResult

FIRST = datetime(2026, 2, 1, 2, tzinfo=UTC)
_TYPES = ("page_view", "product_view", "add_to_cart", "purchase", "email_open", "return")
_ODDS = (0.5, 0.25, 0.1, 0.05, 0.09, 0.01)
_DRAWN_AT_ONCE = 1_000_000


def main(argv: list[str]) -> None:
    """Time both nights and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks traits", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--memory", default="3g", help="of the driver")
    arguments = parser.parse_args(argv)
    spark = get_session(SessionSettings(app_name="traits", master="local[2]", driver_memory=arguments.memory))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(spark, folder)
        write_events(store, arguments)
        print("| night | seconds | processor s | what |\n|---|---|---|---|")
        _nights(store, arguments)
    print(f"\n{arguments.events:,} events of {arguments.people:,} people; {os.cpu_count()} cores, load "
          f"{os.getloadavg()[0]:.1f}")  # fmt: skip
    spark.stop()


def write_events(store: Store, arguments: argparse.Namespace) -> None:
    """Draw as many events as the arguments say, and append them."""
    random = np.random.default_rng(arguments.seed)
    for start in range(0, arguments.events, _DRAWN_AT_ONCE):
        count = min(_DRAWN_AT_ONCE, arguments.events - start)
        people = (random.beta(0.6, 2, size=count) * arguments.people).astype(np.int64)
        ages = random.exponential(150, size=count)
        store.append(UNIFIED_EVENTS, draw_events(random, people, ages, f"a{start}_"), application=None)


def draw_events(random: np.random.Generator, people: np.ndarray, ages: np.ndarray, prefix: str) -> pa.Table:
    """Draw events of people, with the ages in days that they have at the first night."""
    count = len(people)
    numbers = pa.array(np.arange(count)).cast(pa.string())
    types = pa.array(_TYPES).take(pa.array(random.choice(len(_TYPES), size=count, p=_ODDS)))
    moment = int(FIRST.timestamp() * 1e6) - (ages * 86_400e6).astype(np.int64)
    products = pa.array(random.integers(0, 5000, size=count))
    given = {
        "event_key": pc.binary_join_element_wise(prefix, numbers, ""),
        "source": pa.repeat("web", count),
        "event_type": types,
        "occurred_at_utc": pa.array(moment).cast(pa.timestamp("us", "UTC")),
        "unified_id": pc.binary_join_element_wise("person", pa.array(people).cast(pa.string()), "-"),
        "value": pa.array(np.round(random.gamma(2, 20, size=count), 2)).cast(pa.decimal128(18, 4)),
        "channel": pa.array(("web", "app", "email", "shop")).take(pa.array(random.integers(0, 4, size=count))),
        "product_id": products.cast(pa.string()),
        "category": pc.binary_join_element_wise("c", pc.divide(products, 250).cast(pa.string()), ""),
        "properties": pa.array([[]] * count, pa.map_(pa.string(), pa.string())),
    }
    schema = to_arrow_schema(UNIFIED_EVENTS.schema, timezone="UTC")
    columns = [
        given[field.name].cast(field.type) if field.name in given else pa.nulls(count, field.type) for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _project() -> Project:
    plain: list[dict[str, object]] = [
        {"name": f"{event_type}s_{days}d", "of": "count", "events": [event_type], "window_days": days}
        for event_type in ("page_view", "purchase", "email_open")
        for days in (7, 30, 90)
    ]
    plain += [
        {"name": "spent", "of": "sum", "value_of": "value", "events": ["purchase", "return"]},
        {"name": "spent_365d", "of": "sum", "value_of": "value", "events": ["purchase", "return"], "window_days": 365},
        {"name": "basket", "of": "average", "value_of": "value", "events": ["purchase"]},
        {"name": "since_purchase", "of": "days_since_last", "events": ["purchase"]},
        {"name": "since_first", "of": "days_since_first"},
        {"name": "products", "of": "distinct", "value_of": "product_id", "events": ["purchase"]},
        {"name": "viewed", "of": "recent", "value_of": "product_id", "events": ["product_view"]},
        {"name": "trend", "of": "trend", "window_days": 30},
        {"name": "engagement", "kind": "engagement", "weights": {"page_view": 1, "add_to_cart": 3, "purchase": 10}},
        {"name": "liked", "kind": "category_affinity", "weights": {"product_view": 1, "purchase": 5}},
        {"name": "channel", "kind": "preferred_channel"},
    ]
    settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="w"))
    insights = InsightsConfig.model_validate_json(json.dumps({"traits": plain, "rfm": {"purchases": "purchase"}}))
    return Project(folder=".", settings=settings, sources=(), match=MatchConfig(), insights=insights, config_hash="-")


def _nights(store: Store, arguments: argparse.Namespace) -> None:
    context = RunContext(store, _project(), "run", 1, FIRST)
    first = _timed("first, of everyone", context)
    read = {UNIFIED_EVENTS.name: store.version(UNIFIED_EVENTS), PROFILES.name: -1}
    random = np.random.default_rng(arguments.seed + 1)
    people = random.choice(arguments.people, size=max(arguments.people // 100, 1), replace=False)
    store.append(UNIFIED_EVENTS, draw_events(random, people, -random.random(len(people)), "b"), application=None)
    later = replace(context, ordinal=2, as_of=FIRST + timedelta(days=1), base_versions=dict(first.versions))
    basis = Basis(1, FIRST, read, first.versions, first.metrics)
    _timed("a hundredth has new events", replace(later, basis=basis))


def _timed(name: str, context: RunContext) -> StageResult:
    began, used = perf_counter(), family_processor_seconds()
    result = run(context)
    seconds, processor = perf_counter() - began, family_processor_seconds() - used
    print(f"| {name} | {seconds:.1f} | {processor:.1f} | {result.detail} |", flush=True)
    return result
