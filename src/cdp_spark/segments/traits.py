"""Profiles with the traits that segments ask for, one column each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.segment import define_event_conditions
from cdp_spark.config.traits.definitions import PREFIX, shows_zero, trait_columns
from cdp_spark.segments.relations import asked_columns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.project import Project

_VALUE_OF: dict[Kind, str] = {
    "double": c.VALUE_NUMBER,
    "string": c.VALUE_TEXT,
    "strings": c.VALUE_LIST,
    "long": c.VALUE_TIME,
}
_SECONDS_A_DAY = 86_400


def asked_traits(project: Project) -> dict[str, Kind]:
    """The traits that some segment reads, as columns, each with its kind; those of conditions on events, too."""
    asked = asked_columns(project.segments)
    unnamed: dict[str, Kind] = {f"{PREFIX}{it.name}": "double" for it in define_event_conditions(project.segments)}
    return {name: kind for name, kind in trait_columns(project.insights).items() if name in asked} | unnamed


def with_traits(profiles: DataFrame, traits: DataFrame, project: Project, *, now: datetime) -> DataFrame:
    """Add the traits that segments read, and no join where none does.

    Args:
        profiles: one row per unified_id.
        traits: spans.
        project: whose segments ask.
        now: the run's clock.
    Returns: the profiles with a column `trait.NAME` for each trait; of a time the whole days since.
    """
    asked = asked_traits(project)
    if not asked:
        return profiles
    of_asked = F.col(c.TRAIT).isin(*(name.removeprefix(PREFIX) for name in asked))
    values = traits.where(F.col(c.VALID_TO).isNull() & of_asked).groupBy(c.UNIFIED_ID)
    wide = values.agg(*(_value(name, kind, now).alias(name) for name, kind in asked.items()))
    zero = {name: F.coalesce(f"`{name}`", F.lit(0.0)) for name in asked if name.removeprefix(PREFIX) in _zero(project)}
    return profiles.join(wide, on=c.UNIFIED_ID, how="left").withColumns(zero)


def _zero(project: Project) -> frozenset[str]:
    return shows_zero(project.insights) | {it.name for it in define_event_conditions(project.segments)}


def _value(name: str, kind: Kind, now: datetime) -> Column:
    value = F.max(F.when(F.col(c.TRAIT) == name.removeprefix(PREFIX), F.col(_VALUE_OF[kind])))
    if kind != "long":
        return value
    return F.floor((F.unix_seconds(F.lit(now)) - F.unix_seconds(value)) / _SECONDS_A_DAY).cast("long")


def changed_people(traits: DataFrame, asked: Mapping[str, Kind], *, as_of: datetime) -> DataFrame | None:
    """Whose traits, of those that segments read, changed in a run; None where none is read."""
    if not asked:
        return None
    changed = (F.col(c.VALID_FROM) == F.lit(as_of)) | (F.col(c.VALID_TO) == F.lit(as_of))
    of_asked = F.col(c.TRAIT).isin(*(name.removeprefix(PREFIX) for name in asked))
    return traits.where(changed & of_asked).select(c.UNIFIED_ID)
