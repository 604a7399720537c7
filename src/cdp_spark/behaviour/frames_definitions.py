"""The events that funnels and cohorts are counted on: which steps each is, and the values that funnels are split by."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.behaviour.counts import group_name, mask_name
from cdp_spark.config.checks.insights import EVENT_COLUMNS
from cdp_spark.config.expressions.compile import compile_expression
from cdp_spark.config.expressions.references import referenced_columns
from cdp_spark.config.insights.behaviour import ATTRIBUTE_PREFIX, EVENT_GROUPS, PROFILE_GROUPS, PROPERTY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.behaviour.counts import Definitions
    from cdp_spark.config.insights.behaviour import FunnelConfig, FunnelStep
    from cdp_spark.config.insights.section import InsightsConfig

_COUNTED = (c.UNIFIED_ID, c.OCCURRED_AT, c.EVENT_KEY, c.EVENT_TYPE, c.VALUE)


def event_columns(insights: InsightsConfig) -> tuple[str, ...]:
    """The columns of events that funnels, cohorts and abandonment depend on."""
    asked = {*_COUNTED}
    for funnel in insights.funnels:
        asked |= {name for step in funnel.steps if step.where for name in referenced_columns(step.where)}
        asked |= {it for it in EVENT_GROUPS if it == funnel.by}
        asked |= {c.PROPERTIES} if (funnel.by or "").startswith(PROPERTY_PREFIX) else set()
    if insights.abandonment is not None:
        asked |= {c.PRODUCT_ID, c.CATEGORY, c.LINES}
    return tuple(sorted(asked))


def profile_columns(funnels: Sequence[FunnelConfig]) -> tuple[str, ...]:
    """The columns of profiles that funnels are split by."""
    asked = [funnel.by for funnel in funnels if funnel.by]
    own = [c.ATTRIBUTES for name in asked if name.startswith(ATTRIBUTE_PREFIX)]
    return tuple(sorted({*own, *(name for name in asked if name in PROFILE_GROUPS)}))


def build_definition_events(
    events: DataFrame, profiles: DataFrame, definitions: Definitions, *, now: datetime
) -> DataFrame:
    """Find the events that are a step or make a cohort.

    Args:
        events: unified_events.
        profiles: of the same release.
        definitions: what is counted.
        now: the run's clock; no condition asks it.
    Returns: one row an event, with `step_mask_N` and `by_value_N` for each funnel.
    """
    masks = {mask_name(place): _mask(it.steps, now) for place, it in enumerate(definitions.funnels)}
    types = sorted({name for it in definitions.retention for name in it.events})
    counts = reduce(lambda one, other: one | (F.col(other) > 0), masks, F.col(c.EVENT_TYPE).isin(*types))
    found = events.withColumns(masks).where(counts) if masks else events.where(counts)
    if asked := profile_columns(definitions.funnels):
        own = profiles.select(c.UNIFIED_ID, *(F.col(name).alias(_of_profile(name)) for name in asked))
        found = found.join(own, on=c.UNIFIED_ID, how="left")
    groups = [_group(it.by).alias(group_name(place)) for place, it in enumerate(definitions.funnels)]
    return found.select(*_COUNTED, *masks, *groups)


def _mask(steps: Sequence[FunnelStep], now: datetime) -> Column:
    """Bit k for step k+1."""
    return reduce(add, [F.when(_is_step(step, now), 2**place).otherwise(0) for place, step in enumerate(steps)])


def _is_step(step: FunnelStep, now: datetime) -> Column:
    of_type = F.col(c.EVENT_TYPE).isin(*step.event)
    if step.where is None:
        return of_type
    return of_type & compile_expression(step.where, columns=EVENT_COLUMNS, now=now, where="funnels")


def _group(by: str | None) -> Column:
    if by is None:
        return F.lit(None).cast("string")
    if by in EVENT_GROUPS:
        return F.col(by)
    if by.startswith(PROPERTY_PREFIX):
        return F.try_element_at(F.col(c.PROPERTIES), F.lit(by.removeprefix(PROPERTY_PREFIX)))
    if by.startswith(ATTRIBUTE_PREFIX):
        return F.try_element_at(F.col(_of_profile(c.ATTRIBUTES)), F.lit(by.removeprefix(ATTRIBUTE_PREFIX)))
    return F.col(_of_profile(by))


def _of_profile(name: str) -> str:
    return f"profile_{name}"
