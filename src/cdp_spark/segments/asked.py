"""What segments ask of profiles: the frame that their conditions read, and whether all of it was computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.checks.vocabulary import ACCOUNT, account_columns
from cdp_spark.config.insights.wide_columns import OFFER, SCORE, insight_columns, split_score
from cdp_spark.config.segment import define_event_conditions
from cdp_spark.config.traits.definitions import (
    PREFIX,
    RFM_GROUP,
    RFM_SCORES,
    RFM_VALUE,
    define_traits,
    definition_figure,
)
from cdp_spark.segments.compile import Surroundings
from cdp_spark.segments.derived import Relations
from cdp_spark.segments.relations import asked_columns, asked_relations, with_relations
from cdp_spark.segments.traits import asked_traits, with_days_since
from cdp_spark.tables.catalog import ACCOUNT_MEMBERS, HOUSEHOLDS, PROFILES, SCORES, TRAITS
from cdp_spark.tables.wide import with_wide_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.config.segment import SegmentConfig
    from cdp_spark.config.traits.definitions import TraitDefinition
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
    hashes = {column: it.definition_hash for column, it in definitions_of(project).items()}
    own = {name for source in project.sources for name in (*source.attributes, *source.identifiers)}
    columns = {**account_columns(own), **insight_columns(project.insights)}
    return Surroundings(by_name, now, silence_is_consent, columns, hashes)


def build_asked_profiles(read: Read, project: Project, *, now: datetime) -> DataFrame:
    """One row per profile, with its relations, traits, scores and offers that the segments of a project read.

    Args:
        read: gives the tables.
        project: whose segments ask.
        now: the clock.
    """
    asked = asked_relations(project.segments)
    related = with_relations(read(PROFILES), read(ACCOUNT_MEMBERS), read(HOUSEHOLDS), asked=asked)
    of_others = {name for name in asked_columns(project.segments) if name.startswith((SCORE, OFFER, ACCOUNT))}
    traits = asked_traits(project)
    wide = with_wide_columns(related, {*traits, *of_others}, read=read, insights=project.insights)
    return with_days_since(wide, traits, now=now)


def read_relations(read: Read) -> Relations:
    """Who belongs to whom, for the conditions on accounts and people."""
    return Relations(read(ACCOUNT_MEMBERS), read(HOUSEHOLDS))


def find_uncomputed(segment: SegmentConfig, project: Project, figures: Mapping[str, Mapping[str, float]]) -> str:
    """Tell what a segment asks for that the insights do not have, because no run has made it as it is defined now.

    Args:
        segment: of the project.
        project: with its insights.
        figures: with which the stages `traits` and `scores` finished last, by stage; nothing is told of others.
    Returns: what is missing; empty where all is there.
    """
    asked, missing = asked_columns([segment]), []
    if TRAITS.name in figures:
        named = {name: it for name, it in definitions_of(project).items() if name in asked}
        missing = [name for name, it in named.items() if not _is_made(it, figures[TRAITS.name])]
        if not all(_is_made(it, figures[TRAITS.name]) for it in define_event_conditions([segment])):
            missing.append("a condition on events")
    if SCORES.name in figures:
        models = sorted({split_score(name)[0] for name in asked if name.startswith(SCORE)})
        missing += [f"{SCORE}{model}" for model in models if not figures[SCORES.name].get(f"{SCORES.name}.{model}")]
    return ", ".join(missing)


def _is_made(definition: TraitDefinition, figures: Mapping[str, float]) -> bool:
    name, value = definition_figure(definition)
    return figures.get(name) == value


def definitions_of(project: Project) -> dict[str, TraitDefinition]:
    """What each trait is made of that has a name, by its column; RFM's scores are made of its measures."""
    defined = define_traits(project.insights, time_zone=project.settings.time_zone)
    by_column = {f"{PREFIX}{it.name}": it for it in defined}
    rfm = by_column.get(f"{PREFIX}{RFM_VALUE}")
    return by_column | ({f"{PREFIX}{name}": rfm for name in (*RFM_SCORES, RFM_GROUP)} if rfm else {})
