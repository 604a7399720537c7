"""How an experiment's results are told on the terminal."""

from __future__ import annotations

from typing import Any

from cdp_spark.cli.display.experiments import arm_rows, remarks
from cdp_spark.tables.catalog import EXPERIMENT_RESULTS


def row(arm: str, status: str, **values: Any) -> dict[str, Any]:
    known = {"arm": arm, "status": status, "kind": "rate", "people": 100, "people_done": 100, "is_final": True}
    return {**dict.fromkeys(EXPERIMENT_RESULTS.schema.names), **known, **values}


def test_a_rate_is_told_in_percent_with_its_intervals() -> None:
    lift = {"lift": 0.5, "lift_low": 0.1, "lift_high": 1.05}
    difference = {"difference": 0.1, "difference_low": 0.02, "difference_high": 0.18}
    rows = [
        row("control", "control", converted=20, mean=0.2),
        row("offer", "measured", converted=30, mean=0.3, **lift, **difference),
    ]
    assert arm_rows(rows) == [
        {
            "arm": "control",
            "people": 100,
            "with outcome": 20,
            "rate": "20.0%",
            "difference (95 %)": "",
            "lift (95 %)": "",
        },
        {
            "arm": "offer",
            "people": 100,
            "with outcome": 30,
            "rate": "30.0%",
            "difference (95 %)": "+10.0 pp (+2.0 pp to +18.0 pp)",
            "lift (95 %)": "+50.0% (+10.0% to +105.0%)",
        },
    ]
    assert remarks(rows) == []


def test_a_value_is_told_as_a_number_and_too_few_outcomes_as_such() -> None:
    rows = [
        row("control", "control", kind="value", converted=3, mean=1_234.5),
        row("offer", "too_few", kind="value", converted=2, mean=None),
    ]
    assert [(it["mean"], it["difference (95 %)"]) for it in arm_rows(rows)] == [
        ("1,234.50", ""),
        ("", "too few outcomes"),
    ]
    assert remarks(rows) == ["Too few outcomes: each arm needs at least 10 people with one."]


def test_what_is_not_over_or_not_to_be_trusted_is_said() -> None:
    rows = [row("control", "control", is_final=False, people_done=40, sample_ratio_p=1e-6)]
    assert remarks(rows) == [
        "Warning: the arms are not as large as their shares (p = 1e-06). Find out why before you trust the lift.",
        "So far: the window of 60 people is not over.",
    ]
    assert remarks([row("control", "control", is_final=False)]) == ["So far: people may still be assigned."]
