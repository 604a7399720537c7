"""Gates and stage names, without Spark."""

from __future__ import annotations

import typing

import pytest

from cdp_spark.config.project import Gates, GoldTable, RowBounds
from cdp_spark.runs.publish import Figures, RowCount, closed_gates
from cdp_spark.tables.catalog import GOLD

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
