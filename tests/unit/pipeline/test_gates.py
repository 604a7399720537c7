"""Gates and stage names, without Spark."""

from __future__ import annotations

import pytest

from cdp_spark.config.project import Gates
from cdp_spark.errors import ConfigError
from cdp_spark.pipeline.publish import Figures, closed_gates
from cdp_spark.pipeline.stages import STAGES, stages_between

GOOD = {"largest_cluster_records": 1_000, "rejected_share": 0.2, "id_churn": 0.2, "profiles": 1}


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        ({}, []),
        ({"rejected_share": None}, []),
        ({"largest_cluster_records": 1_001}, ["gate max_cluster_records 1,001, at most 1,000"]),
        ({"rejected_share": 0.2001}, ["gate max_rejected_share 20.01%, at most 20.00%"]),
        ({"id_churn": 0.5}, ["gate max_id_churn 50.00%, at most 20.00%"]),
        ({"profiles": 0}, ["gate min_profiles 0, at least 1"]),
        (
            {"profiles": 0, "id_churn": 1.0},
            ["gate max_id_churn 100.00%, at most 20.00%", "gate min_profiles 0, at least 1"],
        ),
    ],
)
def test_a_gate_closes_only_beyond_its_bound(figure: dict[str, float], told: list[str]) -> None:
    assert closed_gates(Figures(**{**GOOD, **figure}), Gates()) == told  # type: ignore[arg-type]


def test_stages_are_named_in_order() -> None:
    assert stages_between(None, None) == STAGES
    assert stages_between("identity", "profiles") == ("identity", "events", "profiles")


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("nowhere", None, "--from: got 'nowhere'; allowed: ingest, standardise, "),
        (None, "nowhere", "--to: got 'nowhere'; allowed: ingest, "),
        ("publish", "ingest", "--from, --to: got publish to ingest"),
    ],
)
def test_unknown_stages_are_refused(first: str | None, last: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stages_between(first, last)
