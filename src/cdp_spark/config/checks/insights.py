"""What is made of events: order lines and rates, funnels, data quality, and who is in which arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.base import choose_one
from cdp_spark.config.checks.vocabulary import own_attributes
from cdp_spark.config.experiments import CONTROL
from cdp_spark.config.expressions import Scope, check_expression
from cdp_spark.config.expressions.references import asks_clock
from cdp_spark.config.insights.behaviour import ATTRIBUTE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdp_spark.config.checks.files import ProjectFiles, Section
    from cdp_spark.config.destination import ArmOfExperiment
    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.experiments import ExperimentConfig
    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.insights.section import InsightsConfig
    from cdp_spark.errors import ConfigError

EVENT_COLUMNS: dict[str, Kind] = {
    c.SOURCE: "string",
    c.EVENT_TYPE: "string",
    c.OCCURRED_AT: "timestamp",
    c.VALUE: "double",
    c.VALUE_GIVEN: "double",
    c.CURRENCY: "string",
    c.QUANTITY: "double",
    c.PRODUCT_ID: "string",
    c.CATEGORY: "string",
    c.CAMPAIGN: "string",
    c.CHANNEL: "string",
    c.URL: "string",
    c.PROPERTIES: "string_map",
}
"""Columns of an event that a step's condition can use."""


def behaviour_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find conditions that are wrong or depend on the clock, and attributes that no source has."""
    section = files.insights
    for number, funnel in enumerate(section.value.funnels if section else ()):
        at: Location = ("funnels", number)
        for step, config in enumerate(funnel.steps):
            if section and config.where is not None:
                yield from _condition_mistakes(config.where, (*at, "steps", step, "where"), section)
        if section and funnel.by and funnel.by.startswith(ATTRIBUTE_PREFIX) and files.are_whole("sources"):
            name, known = funnel.by.removeprefix(ATTRIBUTE_PREFIX), own_attributes(files)
            if name not in known:
                got, allowed = f"unknown attribute '{name}'", ", ".join(known) or "none, as no source has one"
                yield section.mistake(*at, "by", got=got, allowed=allowed, fix=choose_one(name, known))


def _condition_mistakes(text: str, location: Location, section: Section[InsightsConfig]) -> list[ConfigError]:
    where = section.document.where(location)
    scope = Scope(text, where, EVENT_COLUMNS)
    node = check_expression(text, scope)
    if node is not None and not scope.mistakes and asks_clock(text):
        fix = "compare with a date, such as date '2026-01-01'"
        return [section.mistake(*location, got="a condition that depends on when the run is", fix=fix)]
    return scope.mistakes


def quality_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find gates of sources that do not exist, or of consents, which are not measured."""
    if files.settings is None or not files.are_whole("sources"):
        return
    measured = [it.value.name for it in files.sources if it.value.kind in ("records", "events")]
    for place, gate in enumerate(files.settings.value.gates.quality):
        if gate.source not in measured:
            yield files.settings.mistake(
                "gates",
                "quality",
                place,
                "source",
                got=f"'{gate.source}'",
                allowed=", ".join(measured),
                fix=choose_one(gate.source, measured),
            )


def event_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find events whose lines or orders are in no source."""
    if not files.are_whole("sources"):
        return
    values = [section.value for section in files.sources]
    with_lines = sorted(it.name for it in values if it.kind == "order_lines")
    with_orders = sorted(it.name for it in values if it.events and it.events.order_id)
    for section in files.sources:
        events = section.value.events
        if events is None:
            continue
        named = {"lines_from": (events.lines_from, with_lines), "cancels": (events.cancels, with_orders)}
        for setting, (reference, allowed) in named.items():
            name = (reference.source or section.value.name) if reference else None
            if name is not None and name not in allowed:
                what = "a source of order_lines" if setting == "lines_from" else "an event source with `order_id`"
                fix = choose_one(name, allowed) if allowed else f"add {what}"
                got = f"'{name}', which is not {what}"
                yield section.mistake("events", setting, got=got, allowed=", ".join(allowed) or what, fix=fix)


def experiment_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find unknown segments, sources, experiments and arms, and destinations of people who are to get nothing."""
    if files.experiments is not None:
        for index, experiment in enumerate(files.experiments.value.experiments):
            yield from _origin_mistakes(experiment, ("experiments", index), files)
    if files.are_whole("experiments.yaml") and files.destinations is not None:
        for index, destination in enumerate(files.destinations.value.destinations):
            if destination.experiment is not None:
                yield from _arm_mistakes(destination.experiment, ("destinations", index, "experiment"), files)


def _origin_mistakes(experiment: ExperimentConfig, at: Location, files: ProjectFiles) -> Iterator[ConfigError]:
    section = files.experiments
    if section is None:
        return
    segments = [it.value.name for it in files.segments]
    if experiment.segment is not None and files.are_whole("segments") and experiment.segment not in segments:
        got, allowed, fix = _unknown("segment", experiment.segment, segments)
        yield section.mistake(*at, "segment", got=got, allowed=allowed, fix=fix)
    sources = [it.value.name for it in files.sources if it.value.kind == "records"]
    if experiment.assignments is not None and files.are_whole("sources"):
        name = experiment.assignments.source
        if name not in sources:
            got, allowed, fix = _unknown("source of records", name, sources)
            yield section.mistake(*at, "assignments", "source", got=got, allowed=allowed, fix=fix)
    if experiment.household and files.match is not None and not files.match.value.households.enabled:
        got, fix = "households kept together, and none are made", "switch them on, or leave `household` out"
        yield section.mistake(*at, "household", got=got, allowed="`households` in match.yaml", fix=fix)


def _arm_mistakes(wanted: ArmOfExperiment, at: Location, files: ProjectFiles) -> Iterator[ConfigError]:
    section = files.destinations
    if section is None:
        return
    experiments = {it.name: it for it in files.experiments.value.experiments} if files.experiments else {}
    if wanted.name not in experiments:
        got, allowed, fix = _unknown("experiment", wanted.name, experiments)
        yield section.mistake(*at, "name", got=got, allowed=allowed, fix=fix)
        return
    arms = [it for it in experiments[wanted.name].arms if it != CONTROL]
    if wanted.arm == CONTROL:
        got = f"'{CONTROL}', the people who are to get nothing"
        yield section.mistake(*at, "arm", got=got, allowed=", ".join(arms), fix="choose one of these")
    elif wanted.arm not in arms:
        got, allowed, fix = _unknown("arm", wanted.arm, arms)
        yield section.mistake(*at, "arm", got=got, allowed=allowed, fix=fix)


def _unknown(noun: str, name: str, known: Iterable[str]) -> tuple[str, str, str]:
    names = list(known)
    return f"unknown {noun} '{name}'", ", ".join(names) or "none, as there is none", choose_one(name, names)
