"""The sections about behaviour: what is accepted, and every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.config.broken import mistakes

from cdp_spark.config.checks.insights import EVENT_COLUMNS
from cdp_spark.config.expressions.compile import kinds_of
from cdp_spark.config.load import load_project
from cdp_spark.tables.catalog import UNIFIED_EVENTS

STEPS = "steps: [view, {event: [buy, order], where: \"property('size') = 'L' and value > 10\"}]"


def write(folder: Path, text: str) -> None:
    (folder / "insights.yaml").write_text(text, encoding="utf-8")


def test_steps_may_be_written_as_event_types(project: Path) -> None:
    write(project, f"funnels:\n- {{name: f, by: attributes.tier, {STEPS}}}\n")
    [funnel] = load_project(project, env={}).insights.funnels
    assert [(it.event, it.label) for it in funnel.steps] == [(("view",), "view"), (("buy", "order"), "buy or order")]


MISTAKES: dict[str, tuple[str, str]] = {
    "attribution alone": ("attribution: {}", "got no section `sessions`; allowed: attribution of sessions"),
    "model twice": (
        "sessions: {}\nattribution: {models: [first, first]}",
        "got 'first' twice; allowed: each model once",
    ),
    "time-out": ("sessions: {timeout_minutes: 0}", "timeout_minutes"),
    "one step": ("funnels: [{name: f, steps: [view]}]", "steps"),
    "unknown column": (
        "funnels: [{name: f, steps: [view, {event: buy, where: \"city = 'Ulm'\"}]}]",
        "got unknown column 'city'; allowed: source, event_type, ",
    ),
    "clock": (
        "funnels: [{name: f, steps: [view, {event: buy, where: 'days_since(occurred_at_utc) < 3'}]}]",
        "got a condition that depends on when the run is. Fix: compare with a date",
    ),
    "split by a name": ("funnels: [{name: f, by: email, steps: [a, b]}]", "got 'email'; allowed: source, event_type, "),
    "no such attribute": (
        "funnels: [{name: f, by: attributes.teir, steps: [a, b]}]",
        "got unknown attribute 'teir'; allowed: tier. Fix: choose one of these (did you mean 'tier'?)",
    ),
    "names": ("retention: [{name: r}, {name: r}]", "got a second 'r'. Fix: give each its own name"),
    "nothing abandoned": ("abandonment: {}", "got neither `browse` nor `cart`; allowed: at least one"),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_told(project: Path, text: str, message: str) -> None:
    write(project, text)
    [told] = mistakes(project)
    assert told.startswith("insights.yaml")
    assert message in told


def test_a_segment_cannot_ask_an_events_property(project: Path) -> None:
    (project / "segments" / "gold.yaml").write_text("name: gold\nmembers: {where: \"property('x') = 'y'\"}\n")
    [told] = mistakes(project)
    assert "got property where there is no column 'properties'" in told


def test_the_vocabulary_of_steps_is_the_events(project: Path) -> None:
    kinds = kinds_of({field.name: field.dataType for field in UNIFIED_EVENTS.schema})
    assert {name: kinds[name] for name in EVENT_COLUMNS} == EVENT_COLUMNS
