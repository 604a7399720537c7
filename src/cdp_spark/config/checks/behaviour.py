"""Funnels: the conditions of their steps, and the attributes that they are split by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.base import choose_one
from cdp_spark.config.behaviour import ATTRIBUTE_PREFIX
from cdp_spark.config.checks.vocabulary import own_attributes
from cdp_spark.config.expressions import Scope, check_expression
from cdp_spark.config.expressions.references import asks_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles, Section
    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.insights import InsightsConfig
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
