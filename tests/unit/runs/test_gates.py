"""Gates and stage names, without Spark."""

from __future__ import annotations

import typing
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Gates, GoldTable, Project, ProjectSettings, RowBounds, Warehouse
from cdp_spark.runs.publish import Figures, RowCount, closed_gates, measured_before
from cdp_spark.runs.run_log import StageOutcome
from cdp_spark.tables.catalog import GOLD
from cdp_spark.tables.run import LastFinish, RunContext
from cdp_spark.tables.store import Store

GOOD = {
    "largest_cluster_records": 1_000,
    "held_share": 0.05,
    "match_rate": 0.0,
    "rejected_share": 0.2,
    "id_churn": 0.2,
    "profiles": 1,
}


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        ({}, []),
        ({"rejected_share": None}, []),
        ({"largest_cluster_records": 1_001}, ["gate max_cluster_records 1,001, at most 1,000"]),
        ({"rejected_share": 0.2001}, ["gate max_rejected_share 20.01%, at most 20.00%"]),
        ({"id_churn": 0.5}, ["gate max_id_churn 50.00%, at most 20.00%"]),
        ({"held_share": 0.06}, ["gate max_held_share 6.00%, at most 5.00%"]),
        ({"profiles": 0}, ["gate min_profiles 0, at least 1"]),
        (
            {"profiles": 0, "id_churn": 1.0},
            ["gate max_id_churn 100.00%, at most 20.00%", "gate min_profiles 0, at least 1"],
        ),
    ],
)
def test_a_gate_closes_only_beyond_its_bound(figure: dict[str, float], told: list[str]) -> None:
    assert closed_gates(Figures(**{**GOOD, **figure}), Gates()) == told  # type: ignore[arg-type]


def test_bounds_of_rows_and_of_the_match_rate() -> None:
    gates = Gates(rows={"profiles": RowBounds(min=10, max=20, max_change=0.5)}, min_match_rate=0.1, max_match_rate=0.9)

    def closed(now: int, before: int | None, match_rate: float = 0.5) -> list[str]:
        figures = {**GOOD, "match_rate": match_rate, "rows": {"profiles": RowCount(now, before)}}
        return closed_gates(Figures(**figures), gates)  # type: ignore[arg-type]

    assert closed(10, None) == closed(15, 10) == closed(20, 20) == []
    assert closed(9, 9) == ["gate rows.profiles.min 9, at least 10"]
    assert closed(21, 20) == ["gate rows.profiles.max 21, at most 20"]
    assert closed(16, 10) == ["gate rows.profiles.max_change 60.00%, at most 50.00%"]
    assert closed(10, 21) == ["gate rows.profiles.max_change 52.38%, at most 50.00%"]
    assert closed(10, 10, 0.05) == ["gate min_match_rate 5.00%, at least 10.00%"]
    assert closed(10, 10, 0.95) == ["gate max_match_rate 95.00%, at most 90.00%"]


def test_a_gate_may_name_every_gold_table() -> None:
    assert set(typing.get_args(GoldTable)) == {spec.name for spec in GOLD}


MEASURED = {"largest_cluster_records": 3, "held_share": 0.1, "match_rate": 0.6, "id_churn": 0.2, "profiles": 7}
RELEASED = {"profiles": 4, "unified_ids": 5}


def _before(versions: dict[str, int], **last: Any) -> Figures | None:
    figures = {f"gates.{name}": float(value) for name, value in {**MEASURED, "rows.profiles": 7}.items()}
    gates = Gates(rows={"profiles": RowBounds(max_change=0.1)})
    settings = ProjectSettings(name="a", namespace=UUID(int=1), warehouse=Warehouse(path="w"), gates=gates)
    project = Project(folder=".", settings=settings, sources=(), match=MatchConfig(), config_hash="-")
    context = RunContext(
        *(cast("Store", None), project, "run-2", 2, datetime(2026, 11, 23, tzinfo=UTC), RELEASED),
        last=LastFinish(1, RELEASED, RELEASED, **{"metrics": figures, **last}),
    )
    ingested = StageOutcome("ingest", "finished", metrics={"crm.rows_delivered": 4.0, "crm.rows_rejected": 1.0})
    return measured_before(context, {"ingest": ingested}, versions)


def test_a_run_that_kept_all_tables_is_judged_by_the_figures_of_its_release() -> None:
    figures = Figures(3, 0.1, 0.6, rejected_share=0.25, id_churn=0.0, profiles=7, rows={"profiles": RowCount(7, 7)})
    assert _before(RELEASED) == figures
    assert _before({**RELEASED, "traits": 9}) == figures  # no gate judges it


def test_a_run_is_measured_where_a_table_or_a_bound_is_new() -> None:
    assert _before({**RELEASED, "profiles": 5}) is None
    assert _before(RELEASED, metrics={f"gates.{name}": value for name, value in MEASURED.items()}) is None
