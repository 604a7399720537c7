"""Measures of sources and fields, the usual volume, and gates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from cdp_spark.config.project import QualityGate
from cdp_spark.quality.gates import closed_quality_gates
from cdp_spark.quality.measures import (
    FieldCount,
    Measure,
    SourceCount,
    delivery_measures,
    field_measures,
    row_measures,
    usual_of,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_field_is_as_complete_readable_and_distinct_as_its_values() -> None:
    counts = (
        FieldCount("email", values=60, distinct=45, unread=20),
        FieldCount("phone", values=0, distinct=0, unread=5),
    )
    found = list(field_measures(SourceCount("crm", 100, NOON, counts), expected=["email", "city"]))
    assert found == [
        Measure("crm", "city", "completeness", 0.0),  # expected, and nowhere
        Measure("crm", "email", "completeness", 0.6),
        Measure("crm", "email", "validity", 0.75),
        Measure("crm", "email", "uniqueness", 0.75),
        Measure("crm", "phone", "completeness", 0.0),
        Measure("crm", "phone", "validity", 0.0),
    ]


def test_an_estimate_of_distinct_values_is_never_above_all_of_them() -> None:
    found = list(field_measures(SourceCount("crm", 10, None, (FieldCount("key", 10, 11),)), expected=()))
    assert found[-1] == Measure("crm", "key", "uniqueness", 1.0)


def test_a_source_without_a_row_has_no_fields() -> None:
    empty = SourceCount("crm", 0, None)
    assert list(field_measures(empty, expected=["email"])) == []
    assert list(row_measures(empty, as_of=NOON)) == [Measure("crm", None, "rows", 0)]


def test_a_source_is_as_old_as_its_newest_row() -> None:
    found = list(row_measures(SourceCount("crm", 3, NOON - timedelta(hours=36)), as_of=NOON))
    assert found == [Measure("crm", None, "rows", 3), Measure("crm", None, "freshness_days", 1.5)]


def test_a_delivery_is_compared_with_what_is_usual() -> None:
    figures = {"crm.rows_delivered": 50.0, "crm.rows_rejected": 5.0, "crm.rows_new": 9.0, "till.rows_delivered": 0.0}
    found = list(delivery_measures(figures, {"crm": [100.0, 90.0, 400.0], "till": [7.0]}))
    assert found == [
        Measure("crm", None, "rows_delivered", 50.0),
        Measure("crm", None, "rejected_share", 0.1),
        Measure("crm", None, "volume_ratio", 0.5),
        Measure("till", None, "rows_delivered", 0.0),
    ]


def test_nothing_is_usual_after_two_runs_and_what_is_long_ago_does_not_count() -> None:
    assert usual_of([10, 20]) is None
    assert usual_of([10.0] * 14 + [1000.0] * 50) == 10.0


NOW = [Measure("crm", "email", "completeness", 0.6), Measure("crm", None, "freshness_days", 3.0)]
BEFORE = [Measure("crm", "email", "completeness", 0.9)]


@pytest.mark.parametrize(
    ("gate", "closed"),
    [
        ({"field": "email", "measure": "completeness", "min": 0.5}, []),
        (
            {"field": "email", "measure": "completeness", "min": 0.8},
            ["gate quality: completeness of crm.email 60.0%, at least 80.0%"],
        ),
        (
            {"field": "email", "measure": "completeness", "max_drop": 0.1},
            [
                "gate quality: completeness of crm.email 60.0% after 90.0% in the last release, a drop of at most 10% "
                "is allowed"
            ],
        ),
        ({"measure": "freshness_days", "max": 2}, ["gate quality: freshness_days of crm 3.0 days, at most 2.0 days"]),
        ({"measure": "rows_delivered", "min": 5}, []),  # not measured in this run
    ],
)
def test_a_gate_closes_out_of_its_bounds(gate: dict[str, object], closed: list[str]) -> None:
    assert list(closed_quality_gates(NOW, BEFORE, [QualityGate.model_validate({"source": "crm", **gate})])) == closed


def test_a_drop_needs_a_release_to_drop_from() -> None:
    gate = QualityGate(source="crm", field="email", measure="completeness", max_drop=0.1)
    assert list(closed_quality_gates(NOW, [], [gate])) == []


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({"measure": "completeness", "min": 0.5}, "`completeness` without `field`"),
        ({"measure": "rows", "field": "email", "min": 1}, "`rows` with `field`"),
        ({"measure": "rows"}, "no bound"),
        ({"measure": "rows", "min": 5, "max": 1}, "min 5 above max 1"),
    ],
)
def test_a_gate_that_could_never_do_what_it_says_is_refused(gate: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        QualityGate.model_validate({"source": "crm", **gate})
