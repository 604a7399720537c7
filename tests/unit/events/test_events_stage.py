"""From files to `unified_events`, and a later run on what changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pyspark.sql import SparkSession

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.source import SourceConfig
from cdp_spark.events import stage
from cdp_spark.events.stage import run as unify
from cdp_spark.ingest.stage import run as ingest
from cdp_spark.limits import EVENTS_ON_DRIVER
from cdp_spark.runs.dependencies import DEPENDENCIES
from cdp_spark.tables.catalog import UNIFIED_EVENTS
from cdp_spark.tables.increments.basis import work_or_keep
from cdp_spark.tables.run import LastFinish, RunContext, StageResult
from cdp_spark.tables.store import Store

AS_OF = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
SHOP = """\
order,what,at,currency,total,mail
O1,Order,2026-10-02,USD,,a@x.org
O2,Order,2026-10-02,GBP,50,a@x.org
O3,Order,2026-10-20,USD,10,
O4,Order,2026-10-20,EUR,10,b@x.org
O5,Return,2026-10-21,EUR,4,b@x.org
"""
ITEMS = "order,no,sku,qty,price\nO1,10,A,1,5.00\nO1,9,B,2,10.00\n"
RATES = "code,day,rate\nUSD,2026-10-01,0.9\n"
TILLS = """\
order,no,at,sku,price,qty,mail
T1,1,2026-10-05,A,5,2,b@x.org
T1,2,2026-10-05,B,3,,b@x.org
T1,3,2026-10-07,A,5,-1,b@x.org
T2,1,2026-10-06,A,7,1,b@x.org
"""
LATER = {
    "tills": TILLS + "T1,4,2026-10-05,C,1,1,b@x.org\nT2,2,2026-10-06,A,7,2,b@x.org\n",
    "shop": SHOP + "O6,Order,2026-10-31,USD,100,a@x.org\nO4,Cancel,2026-10-31,,,b@x.org\n",
    "items": ITEMS + "O1,11,C,1,1.00\n",
    "rates": RATES + "USD,2026-10-15,0.8\nGBP,2026-10-01,1.2\n",
}
SOURCES: list[dict[str, Any]] = [
    {
        "name": "shop",
        "kind": "events",
        "events": {
            "event_type": "what",
            "event_types": {"Order": "purchase", "Cancel": "cancellation"},
            "occurred_at": "at",
            "event_id": ["order", "what"],
            "identifiers": {"email": "mail"},
            "order_id": "order",
            "value": "total",
            "currency": "currency",
            "lines_from": {"source": "items", "order_id": "order"},
        },
    },
    {
        "name": "tills",
        "kind": "events",
        "events": {
            "event_type": {"value": "purchase"},
            "occurred_at": "at",
            "event_id": ["order", "no"],
            "order_id": "order",
            "identifiers": {"email": "mail"},
            "product_id": "sku",
            "price": "price",
            "quantity": "qty",
        },
    },
    {
        "name": "items",
        "kind": "order_lines",
        "order_lines": {"order_id": "order", "line_id": "no", "product_id": "sku", "quantity": "qty", "price": "price"},
    },
    {"name": "rates", "kind": "rates", "rates": {"currency": "code", "day": "day", "rate": "rate"}},
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    _deliver(tmp_path, {"shop": SHOP, "tills": TILLS, "items": ITEMS, "rates": RATES})
    settings = ProjectSettings(name="test", namespace=UUID(int=1), warehouse=Warehouse(path="warehouse"))
    sources = [SourceConfig.model_validate({"format": "csv", "path": f"{it['name']}.csv", **it}) for it in SOURCES]
    return Project(
        folder=str(tmp_path), settings=settings, sources=tuple(sources), match=MatchConfig(), config_hash="none"
    )


def _deliver(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)


def _night(store: Store, project: Project, last: StageResult | None = None) -> tuple[StageResult, StageResult]:
    """Ingest what is delivered, then unify the events, on the basis of the last result."""
    ordinal = 2 if last else 1
    context = RunContext(store, project, f"run-{ordinal}", ordinal, AS_OF.replace(day=ordinal))
    ingested = ingest(context)
    if last is not None:
        finish = LastFinish(1, last.versions, last.versions, last.metrics)
        context = replace(context, last=finish, base_versions=last.versions)
    carry: Callable[..., Any] = lambda versions, _ordinal: versions  # noqa: E731
    return ingested, work_or_keep(context, DEPENDENCIES["events"], unify, carry)


def _rows(store: Store) -> list[tuple[Any, ...]]:
    """Each event's order, type, values and lines."""
    rows = store.fetch(UNIFIED_EVENTS).to_pylist()
    found = []
    for row in rows:
        lines = row["lines"] and [(it["product_id"], it["quantity"], it["value"]) for it in row["lines"]]
        if row["source"] == "tills" and lines:
            lines.sort()  # rows of an order have no order of their own
        order = dict(row["properties"])["order"]
        found.append((order, row["event_type"], row["value_given"], row["currency"], row["value"], lines))
    return sorted(found, key=str)


def test_files_become_events_in_the_projects_currency_and_a_later_run_equals_a_full_one(
    spark: SparkSession, tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    ingested, first = _night(store, project)
    euro = Decimal
    assert [ingested.metrics[f"{name}.rows_new"] for name in ("shop", "items", "rates")] == [5, 2, 1]
    assert _rows(store) == [
        ("O1", "purchase", 25, "USD", euro("22.5"), [("B", 2, 18), ("A", 1, euro("4.5"))]),
        ("O2", "purchase", 50, "GBP", None, None),
        ("O3", "purchase", 10, "USD", 9, None),
        ("O4", "purchase", 10, "EUR", 10, None),
        ("O5", "return", 4, "EUR", -4, None),
        ("T1", "purchase", 13, "EUR", 13, [("A", 2, 10), ("B", 1, 3)]),
        ("T1", "return", -5, "EUR", -5, None),
        ("T2", "purchase", 7, "EUR", 7, None),
    ]
    assert first.metrics["events.without_rate.GBP"] == first.metrics["events.without_rate"] == 1
    assert first.warnings == (
        "events: 1 event has no value in EUR, as no rate is known on their day: GBP 1. A source of rates gives them.",
    )

    _deliver(tmp_path, LATER)
    changed = [
        ("O1", "purchase", 26, "USD", euro("23.4"), [("B", 2, 18), ("A", 1, euro("4.5")), ("C", 1, euro("0.9"))]),
        ("O2", "purchase", 50, "GBP", 60, None),
        ("O3", "purchase", 10, "USD", 8, None),
        ("O4", "cancellation", None, None, None, None),
        ("O4", "cancelled_order", 10, "EUR", 10, None),
        ("O5", "return", 4, "EUR", -4, None),
        ("O6", "purchase", 100, "USD", 80, None),
        ("T1", "purchase", 14, "EUR", 14, [("A", 2, 10), ("B", 1, 3), ("C", 1, 1)]),
        ("T1", "return", -5, "EUR", -5, None),
        ("T2", "purchase", 21, "EUR", 21, [("A", 1, 7), ("A", 2, 14)]),
    ]
    in_spark = Store(spark, str(shutil.copytree(tmp_path / "warehouse", tmp_path / "in Spark")))
    for copy, limit in ((store, EVENTS_ON_DRIVER), (in_spark, 0)):
        monkeypatch.setattr(stage, "EVENTS_ON_DRIVER", limit)
        ingested, second = _night(copy, project, first)
        assert [ingested.metrics[f"{name}.rows_new"] for name in ("shop", "items", "rates")] == [2, 1, 2]
        assert _rows(copy) == changed
        assert second.detail == "incremental: 12 events are new, or their visitor, order or rate changed"
        assert second.warnings == ()
    unify(RunContext(in_spark, project, "run-3", 3, AS_OF.replace(day=3)))
    assert _rows(in_spark) == changed
