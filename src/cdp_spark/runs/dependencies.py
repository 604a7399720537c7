"""The stages whose result is kept where nothing that it depends on has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.behaviour.stage_behaviour import hold_behaviour, settings_of_behaviour
from cdp_spark.behaviour.stage_sessions import hold_sessions, settings_of_sessions
from cdp_spark.config.expressions.references import asks_clock
from cdp_spark.config.segment import conditions_of
from cdp_spark.events.stage import settings_of as events_settings
from cdp_spark.events.stage import warn as warn_of_events
from cdp_spark.profiles.extent import holds_for_profiles
from cdp_spark.scores.stage import warn as warn_of_scores
from cdp_spark.scores.stage_offers import warn as warn_of_offers
from cdp_spark.segments.stage import warn
from cdp_spark.segments.traits import asked_traits
from cdp_spark.standardise.clock import holds_for_records
from cdp_spark.tables import catalog as t
from cdp_spark.tables.increments.basis import Dependencies
from cdp_spark.traits.stage import definitions_hold

if TYPE_CHECKING:
    from cdp_spark.config.project import Project
    from cdp_spark.tables.run import Basis, RunContext

_SOURCES = {"path", "options", "format"}
"""Where a source's rows come from, which no stage after ingest looks at."""


def _matching(project: Project) -> object:
    """What decides about records, pairs, clusters and ids."""
    settings = project.settings
    return {
        "sources": _sources(project),
        "match": project.match.model_dump(mode="json", exclude={"households", "account_members"}),
        "project": [str(settings.namespace), settings.default_region, settings.gates.max_cluster_records],
    }


def _sources(project: Project) -> object:
    return [source.model_dump(mode="json", exclude=_SOURCES) for source in project.sources]


def _survivorship(project: Project) -> object:
    priorities = {source.name: source.priority for source in project.sources}
    return [project.survivorship.model_dump(mode="json"), project.settings.consent.model_dump(mode="json"), priorities]


def _relations(project: Project) -> object:
    match = project.match
    return [match.households.model_dump(mode="json"), match.account_members.model_dump(mode="json")]


def _segments(project: Project) -> object:
    """Silence and the zone of days are part of what a segment means."""
    definitions = [segment.model_dump(mode="json", exclude={"description"}) for segment in project.segments]
    return [definitions, project.settings.consent.default, str(project.settings.time_zone)]


def _scores(project: Project) -> object:
    insights = project.insights.model_dump(mode="json", include={"lifetime_value", "contracts", "scores"})
    return [insights, str(project.settings.time_zone)]


def _offers(project: Project) -> object:
    return [project.insights.model_dump(mode="json", include={"offers"}), str(project.settings.time_zone)]


def _hold_at_the_same_time(context: RunContext, basis: Basis) -> bool:
    """Whether the clock stands still: scores and offers count the time since an event."""
    return basis.as_of == context.as_of


def _hold_for_segments(context: RunContext, basis: Basis) -> bool:
    """Whether no segment looks at the clock, nor at a trait that tells days, or the clock stands still."""
    conditions = (it for segment in context.project.segments for _, it in conditions_of(segment.members))
    tells_days = any(kind == "long" for kind in asked_traits(context.project).values())
    moves = tells_days or any(it.where and asks_clock(it.where) for it in conditions)
    return basis.as_of == context.as_of or not moves


_ALL = (
    Dependencies(
        "standardise",
        reads=(t.SOURCE_RECORDS, t.SOURCE_SNAPSHOTS, t.SOURCE_EVENTS),
        writes=(t.RECORDS, t.IDENTIFIERS),
        settings=_matching,
        holds=holds_for_records,
    ),
    Dependencies(
        "quality",
        reads=(t.RECORDS, t.SOURCE_EVENTS),
        writes=(),
        settings=_sources,
        holds=lambda _context, _basis: False,
    ),
    Dependencies(
        "matching",
        reads=(t.RECORDS, t.MATCH_MODELS),
        writes=(t.MATCH_INPUTS, t.PAIR_SCORES, t.OUTDATED_RECORDS),
        settings=_matching,
        work=r"\w+\.(full|pairs\.\w+|rule\.\w+\.pairs)",
    ),
    Dependencies(
        "clustering",
        reads=(t.RECORDS, t.IDENTIFIERS, t.PAIR_SCORES, t.OUTDATED_RECORDS, t.LABELS),
        writes=(t.CLUSTERS, t.CUTS),
        settings=_matching,
    ),
    Dependencies(
        "identity",
        reads=(t.RECORDS, t.IDENTIFIERS, t.CLUSTERS, t.CUTS, t.LABELS),
        writes=(t.UNIFIED_IDS, t.ID_REGISTRY, t.ID_CHANGES, t.IDENTITY_ISSUES),
        settings=_matching,
        work=r"ids\.(?!live|held_clusters|identifiers_over_limit).*",
    ),
    Dependencies(
        "events",
        reads=(t.SOURCE_EVENTS, t.UNIFIED_IDS, t.SOURCE_ORDER_LINES, t.CURRENCY_RATES),
        writes=(t.UNIFIED_EVENTS,),
        settings=events_settings,
        warns=warn_of_events,
    ),
    Dependencies(
        "sessions",
        reads=(t.UNIFIED_EVENTS,),
        writes=(t.SESSIONS, t.ATTRIBUTIONS),
        settings=settings_of_sessions,
        holds=hold_sessions,
        work=r"sessions\.capped_profiles",
    ),
    Dependencies(
        "profiles",
        reads=(t.RECORDS, t.UNIFIED_IDS, t.ID_REGISTRY, t.CONSENTS),
        writes=(t.PROFILES, t.PROFILE_VALUES, t.PROFILE_HISTORY),
        settings=_survivorship,
        holds=holds_for_profiles,
    ),
    Dependencies(
        "relations",
        reads=(t.RECORDS, t.IDENTIFIERS, t.UNIFIED_IDS, t.PROFILES),
        writes=(t.ACCOUNT_MEMBERS, t.HOUSEHOLDS),
        settings=_relations,
    ),
    Dependencies(
        "traits",
        reads=(t.UNIFIED_EVENTS, t.PROFILES),
        writes=(t.TRAITS,),
        settings=lambda _project: None,
        holds=definitions_hold,
    ),
    Dependencies(
        "behaviour",
        reads=(t.UNIFIED_EVENTS, t.PROFILES),
        writes=(t.FUNNELS, t.RETENTION, t.ABANDONED),
        settings=settings_of_behaviour,
        holds=hold_behaviour,
        work=r"behaviour\.capped_profiles",
    ),
    Dependencies(
        "scores",
        reads=(t.UNIFIED_EVENTS, t.PROFILES, t.SCORE_MODELS),
        writes=(t.SCORES,),
        settings=_scores,
        holds=_hold_at_the_same_time,
        warns=warn_of_scores,
    ),
    Dependencies(
        "offers",
        reads=(t.UNIFIED_EVENTS, t.PRODUCTS, t.SCORE_MODELS),
        writes=(t.OFFERS,),
        settings=_offers,
        holds=_hold_at_the_same_time,
        warns=warn_of_offers,
    ),
    Dependencies(
        "segments",
        reads=(t.PROFILES, t.ACCOUNT_MEMBERS, t.HOUSEHOLDS, t.TRAITS),
        writes=(t.SEGMENT_MEMBERS, t.SEGMENT_CHANGES),
        settings=_segments,
        holds=_hold_for_segments,
        work=r"segment_changes\..*",
        warns=warn,
    ),
)

DEPENDENCIES: dict[str, Dependencies] = {depends.stage: depends for depends in _ALL}
