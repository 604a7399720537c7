"""Seconds from files to `unified_events`: `python -m benchmarks events`.

Page events as JSON lines and orders with lines as CSV, in three currencies, are ingested into an empty warehouse and
unified. What comes between the two stages, standardise to identity, is left out: each visitor has an id already.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.source import SourceConfig
from cdp_spark.events.stage import run as unify
from cdp_spark.ingest.stage import run as ingest
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.tables.catalog import SOURCE_EVENTS, UNIFIED_EVENTS, UNIFIED_IDS
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdp_spark.tables.store import Store

AS_OF = datetime(2026, 11, 1, 2, tzinfo=UTC)
_ORDER_SHARE = 0.2
_EVENTS_A_VISITOR = 8
_SOURCES = (
    {
        "name": "web",
        "kind": "events",
        "format": "json",
        "path": "web",
        "events": {
            "event_type": "what",
            "occurred_at": {"column": "at", "formats": "epoch_millis"},
            "identifiers": {"cookie_id": "cookie"},
            "product_id": "product",
            "url": "url",
            "campaign": "campaign",
        },
    },
    {
        "name": "shop",
        "kind": "events",
        "format": "csv",
        "path": "shop",
        "events": {
            "event_type": {"value": "purchase"},
            "occurred_at": "at",
            "event_id": "order",
            "order_id": "order",
            "identifiers": {"cookie_id": "cookie"},
            "currency": "currency",
            "lines": {"column": "items", "product_id": "sku", "quantity": "n", "price": "price"},
        },
    },
    {
        "name": "rates",
        "kind": "rates",
        "format": "csv",
        "path": "rates",
        "rates": {"currency": "code", "day": "day", "rate": "rate"},
    },
)


def main(argv: list[str]) -> None:
    """Write the files, run the two stages and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks events", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        _write_files(Path(folder), arguments.events, np.random.default_rng(arguments.seed))
        sources = tuple(SourceConfig.model_validate(it) for it in _SOURCES)
        settings = ProjectSettings(name="benchmark", namespace=UUID(int=1), warehouse=Warehouse(path="warehouse"))
        project = Project(folder=folder, settings=settings, sources=sources, match=MatchConfig(), config_hash="none")
        store = open_store(get_session(SessionSettings(app_name="benchmark")), project)
        context = RunContext(store, project, "run-1", 1, AS_OF)
        print("| stage | events | seconds |\n|---|---|---|")
        read = _timed("ingest", arguments.events, lambda: ingest(context))
        _give_ids(store)
        unified = _timed("events", arguments.events, lambda: unify(context))
        rows = store.count(UNIFIED_EVENTS)
    print(f"| both | {rows:,} | {read + unified:.1f} |\n\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _timed(name: str, events: int, work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    seconds = perf_counter() - began
    print(f"| {name} | {events:,} | {seconds:.1f} |", flush=True)
    return seconds


def _give_ids(store: Store) -> None:
    key = visitor_key_expr(identifier_set_expr(F.col(c.IDENTIFIERS))).alias(c.RECORD_KEY)
    keys = store.read(SOURCE_EVENTS).select(key).distinct()
    ids = keys.withColumns({c.ENTITY_TYPE: F.lit("visitor"), c.UNIFIED_ID: F.col(c.RECORD_KEY)})
    store.overwrite(UNIFIED_IDS, ids)


def _write_files(folder: Path, events: int, rng: np.random.Generator) -> None:
    for name in ("web", "shop", "rates"):
        (folder / name).mkdir()
    orders, visitors = round(events * _ORDER_SHARE), max(events // _EVENTS_A_VISITOR, 1)
    with (folder / "web" / "events.jsonl").open("w") as file:
        for number, row in enumerate(_draws(rng, events - orders, visitors)):
            file.write(json.dumps(_page_event(number, *row)) + "\n")
    with (folder / "shop" / "orders.csv").open("w") as file:
        file.write("order,at,cookie,currency,items\n")
        for number, row in enumerate(_draws(rng, orders, visitors)):
            file.write(_order_line(number, *row))
    days = [date(2025, 10, 1) + timedelta(days=7 * week) for week in range(60)]
    rates = [f"{code},{day},{rate}\n" for code, rate in (("USD", 0.9), ("GBP", 1.2)) for day in days]
    (folder / "rates" / "rates.csv").write_text("code,day,rate\n" + "".join(rates))


def _draws(rng: np.random.Generator, size: int, visitors: int) -> list[list[int]]:
    """Visitor, second of the year and product of each event."""
    columns = (rng.integers(0, visitors, size), rng.integers(0, 31_000_000, size), rng.integers(0, 5_000, size))
    rows: list[list[int]] = np.stack(columns, axis=1).tolist()
    return rows


def _page_event(number: int, visitor: int, second: int, product: int) -> dict[str, object]:
    at = int(AS_OF.timestamp() - second - 3600) * 1000 + number % 1000
    what = ("page_view", "product_view", "add_to_cart")[number % 3]
    url = f"https://shop.example/p/{product}"
    return {"what": what, "at": at, "cookie": f"c{visitor}", "product": f"P{product}", "url": url, "campaign": "spring"}


def _order_line(number: int, visitor: int, second: int, product: int) -> str:
    at = datetime.fromtimestamp(int(AS_OF.timestamp()) - second - 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    items = [{"sku": f"P{(product + it) % 5_000}", "n": 1 + it, "price": 9.9 + product} for it in range(1 + number % 3)]
    text = json.dumps(items).replace('"', '""')
    return f'O{number},{at},c{visitor},{("EUR", "USD", "GBP")[number % 3]},"{text}"\n'
