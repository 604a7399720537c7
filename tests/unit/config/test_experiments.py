"""`experiments.yaml`: what is accepted, and every mistake with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.unit.config.broken import change, mistakes

from cdp_spark.config.experiments import AssignmentsFile
from cdp_spark.config.load import load_project

DRAWN = """\
hold_out: {percent: 5}
experiments:
  - name: winter_offer
    segment: gold
    arms: {control: 20, offer_a: 40, offer_b: 40}
    starts: 2026-12-01
    ends: 2027-01-15
    outcome: {events: purchase, within_days: 30, value: sum}
"""
FILE = "assignments: {path: arms.csv, source: crm}"
ARMS = "control: 20, offer_a: 40, offer_b: 40"


@pytest.fixture
def winter(project: Path) -> Path:
    (project / "experiments.yaml").write_text(DRAWN)
    return project


def aim(project: Path, arm: str, name: str = "winter_offer") -> None:
    """Let the project's destination take an arm."""
    change(project, "destinations.yaml", "purpose:", f"experiment: {{name: {name}, arm: {arm}}}, purpose:")


def test_experiments_hold_outs_and_their_destinations_are_accepted(winter: Path) -> None:
    aim(winter, "offer_a")
    found = load_project(winter, env={}).experiments
    (experiment,) = found.experiments
    assert found.hold_out is not None
    assert (found.hold_out.percent, found.hold_out.household, found.hold_out.outcome) == (5, False, None)
    assert (experiment.starts, experiment.ends) == (date(2026, 12, 1), date(2027, 1, 15))
    assert experiment.outcome.sentence == "value of purchase within 30 days"


def test_assignments_may_come_from_a_file(winter: Path) -> None:
    change(winter, "experiments.yaml", "segment: gold", FILE)
    (experiment,) = load_project(winter, env={}).experiments.experiments
    assert experiment.assignments == AssignmentsFile(path="arms.csv", source="crm")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            ARMS,
            "control: 20, offer_a: 40, offer_b: 30",
            "arms: got shares that add up to 90; allowed: 100 percent. "
            "Fix: change the shares so that they add up to 100",
        ),
        (
            ARMS,
            "nothing: 20, offer_a: 80",
            "arms: got nothing, offer_a; allowed: `control` and at least one other arm. "
            "Fix: name the arm that gets nothing `control`",
        ),
        (
            ARMS,
            "control: 100",
            "arms: got control; allowed: `control` and at least one other arm. "
            "Fix: name the arm that gets nothing `control`",
        ),
        (
            "ends: 2027-01-15",
            "ends: 2026-11-15",
            "ends: got 2026-11-15, which is before 2026-12-01; allowed: a day that is not before `starts`. "
            "Fix: swap the two",
        ),
        (
            "segment: gold",
            "segment: golden",
            "segment: got unknown segment 'golden'; allowed: gold. Fix: choose one of these (did you mean 'gold'?)",
        ),
        (
            "segment: gold",
            FILE.replace("crm", "cmr"),
            "assignments.source: got unknown source of records 'cmr'; allowed: crm. "
            "Fix: choose one of these (did you mean 'crm'?)",
        ),
        (
            "segment: gold",
            FILE.replace("arms.csv", "s3://x/arms.csv"),
            "assignments.path: got a URI; allowed: a path of this machine. "
            "Fix: mount or copy it: the driver reads the file",
        ),
        (
            "segment: gold",
            f"segment: gold\n    {FILE}",
            "got `segment` and `assignments`; allowed: one of them. "
            "Fix: a file of assignments says itself who takes part",
        ),
        (
            "name: winter_offer",
            "name: hold_out",
            "name: got the name 'hold_out'. Fix: it is the global hold-out's; rename it",
        ),
        (
            "segment: gold",
            "segment: gold\n    household: true",
            "household: got households kept together, and none are made; allowed: `households` in match.yaml. "
            "Fix: switch them on, or leave `household` out",
        ),
    ],
)
def test_mistakes(winter: Path, old: str, new: str, said: str) -> None:
    if "household" in new:
        match = winter / "match.yaml"
        match.write_text(f"{match.read_text()}households: {{enabled: false}}\n")
    change(winter, "experiments.yaml", old, new)
    (found,) = mistakes(winter)
    assert found.split("experiments.0", 1)[1].lstrip(".: ") == said


@pytest.mark.parametrize(
    ("name", "arm", "said"),
    [
        ("winter", "offer_a", "name: got unknown experiment 'winter'; allowed: winter_offer. "),
        ("winter_offer", "offer_c", "arm: got unknown arm 'offer_c'; allowed: offer_a, offer_b. "),
        (
            "winter_offer",
            "control",
            "arm: got 'control', the people who are to get nothing; allowed: offer_a, offer_b. "
            "Fix: choose one of these",
        ),
    ],
)
def test_a_destination_takes_an_arm_that_is_there_and_not_control(winter: Path, name: str, arm: str, said: str) -> None:
    aim(winter, arm, name)
    (found,) = mistakes(winter)
    assert found.split("destinations.0.experiment.", 1)[1].startswith(said)
