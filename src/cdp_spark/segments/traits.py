"""The traits that segments ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.segment import define_event_conditions
from cdp_spark.config.traits.definitions import PREFIX, trait_columns
from cdp_spark.segments.relations import asked_columns
from cdp_spark.tables.rows import with_columns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.project import Project

_SECONDS_A_DAY = 86_400


def asked_traits(project: Project) -> dict[str, Kind]:
    """The traits that some segment reads, as columns, each with its kind; those of conditions on events, too."""
    asked = asked_columns(project.segments)
    unnamed: dict[str, Kind] = {f"{PREFIX}{it.name}": "double" for it in define_event_conditions(project.segments)}
    return {name: kind for name, kind in trait_columns(project.insights).items() if name in asked} | unnamed


def with_days_since(profiles: DataFrame, traits: Mapping[str, Kind], *, now: datetime) -> DataFrame:
    """Replace traits that are a time by the whole days since, which is what segments ask for.

    Args:
        profiles: with the traits.
        traits: columns and kinds.
        now: the run's clock.
    """
    times = [name for name, kind in traits.items() if kind == "long"]
    return with_columns(profiles, {name: _days_since(F.col(f"`{name}`"), now) for name in times})


def _days_since(time: Column, now: datetime) -> Column:
    return F.floor((F.unix_seconds(F.lit(now)) - F.unix_seconds(time)) / _SECONDS_A_DAY).cast("long")


def changed_people(traits: DataFrame, asked: Mapping[str, Kind], *, as_of: datetime) -> DataFrame:
    """Whose traits, of those that segments read, changed in a run."""
    changed = (F.col(c.VALID_FROM) == F.lit(as_of)) | (F.col(c.VALID_TO) == F.lit(as_of))
    of_asked = F.col(c.TRAIT).isin(*(name.removeprefix(PREFIX) for name in asked))
    return traits.where(changed & of_asked).select(c.UNIFIED_ID)
