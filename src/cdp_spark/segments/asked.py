"""What segments ask of profiles: the frame that their conditions read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.traits.definitions import trait_columns
from cdp_spark.segments.compile import Surroundings
from cdp_spark.segments.relations import asked_relations, with_relations
from cdp_spark.segments.traits import with_traits
from cdp_spark.tables.catalog import ACCOUNT_MEMBERS, HOUSEHOLDS, PROFILES, TRAITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.tables.spec import TableSpec

    Read = Callable[[TableSpec], DataFrame]
    """Reads a table: as a run finds it, or as a release shows it."""


def surroundings_of(project: Project, *, now: datetime) -> Surroundings:
    """What the segments of a project share.

    Args:
        project: with the segments.
        now: the clock, in the project's time zone.
    """
    by_name = {segment.name: segment for segment in project.segments}
    silence_is_consent = project.settings.consent.default == "granted"
    return Surroundings(by_name, now, silence_is_consent, trait_columns(project.insights))


def build_asked_profiles(read: Read, project: Project, *, now: datetime) -> DataFrame:
    """One row per profile, with its relations and traits that the segments of a project read.

    Args:
        read: gives the tables.
        project: whose segments ask.
        now: the clock.
    """
    asked = asked_relations(project.segments)
    related = with_relations(read(PROFILES), read(ACCOUNT_MEMBERS), read(HOUSEHOLDS), asked=asked)
    return with_traits(related, read(TRAITS), project, now=now)
