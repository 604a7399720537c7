"""The stages whose result is kept where nothing that it depends on has changed.

What a stage depends on is what its row of the stage table reads, with the exceptions that are named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark.behaviour.stage_behaviour import hold_behaviour, settings_of_behaviour
from cdp_spark.behaviour.stage_sessions import hold_sessions, settings_of_sessions
from cdp_spark.config.expressions.references import asks_clock
from cdp_spark.config.segment import conditions_of
from cdp_spark.events.stage import settings_of as events_settings
from cdp_spark.events.stage import warn as warn_of_events
from cdp_spark.experiments.results import warn as warn_of_experiments
from cdp_spark.experiments.stage import hold_experiments, settings_of_experiments
from cdp_spark.profiles.extent import holds_for_profiles
from cdp_spark.relations.stage import warn as warn_of_relations
from cdp_spark.runs.stages import BY_NAME
from cdp_spark.scores.stage import warn as warn_of_scores
from cdp_spark.scores.stage_offers import warn as warn_of_offers
from cdp_spark.segments.stage import warn
from cdp_spark.segments.traits import asked_traits
from cdp_spark.standardise.clock import holds_for_records
from cdp_spark.tables import catalog as t
from cdp_spark.tables.increments.basis import Dependencies
from cdp_spark.traits.stage import definitions_hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdp_spark.config.project import Project
    from cdp_spark.tables.run import Basis, RunContext
    from cdp_spark.tables.spec import TableSpec

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


def _of(
    stage: str,
    settings: Callable[[Project], object],
    *,
    also: tuple[TableSpec, ...] = (),
    but: tuple[TableSpec, ...] = (),
    **others: Any,  # noqa: ANN401 - of Dependencies
) -> Dependencies:
    """What a stage's result depends on, by its row of the stage table.

    Args:
        stage: its name.
        settings: as of `Dependencies`.
        also: tables of its own, or that it logs to, which decide what it makes.
        but: tables that it reads and that do not decide, or that it writes and that are not its result.
        **others: as of `Dependencies`.
    """
    row = BY_NAME[stage]
    reads = tuple(it for it in (*row.reads, *also) if it not in but)
    writes = tuple(it for it in row.writes if it not in (*also, *but))
    return Dependencies(stage, reads, writes, settings, **others)


_ALL = (
    _of("standardise", _matching, holds=holds_for_records),
    _of("quality", _sources, but=(t.DATA_QUALITY,), holds=lambda _context, _basis: False),
    _of("matching", _matching, also=(t.MATCH_MODELS,), work=r"\w+\.(full|pairs\.\w+|rule\.\w+\.pairs)"),
    _of("clustering", _matching),
    _of(
        "identity",
        _matching,
        but=(t.TOUCHED_RECORDS,),
        work=r"ids\.(?!live|held_clusters|identifiers_over_limit).*",
    ),
    _of("events", events_settings, warns=warn_of_events),
    _of("sessions", settings_of_sessions, holds=hold_sessions, work=r"sessions\.capped_profiles"),
    _of("profiles", _survivorship, holds=holds_for_profiles),
    _of("relations", _relations, warns=warn_of_relations),
    _of("behaviour", settings_of_behaviour, holds=hold_behaviour, work=r"behaviour\.capped_profiles"),
    _of("scores", _scores, also=(t.SCORE_MODELS,), holds=_hold_at_the_same_time, warns=warn_of_scores),
    _of("traits", lambda _project: None, holds=definitions_hold),
    _of("offers", _offers, also=(t.SCORE_MODELS,), holds=_hold_at_the_same_time, warns=warn_of_offers),
    _of("segments", _segments, but=(t.ID_CHANGES,), holds=_hold_for_segments, work=r"segment_changes\..*", warns=warn),
    _of("experiments", settings_of_experiments, holds=hold_experiments, warns=warn_of_experiments),
)

DEPENDENCIES: dict[str, Dependencies] = {depends.stage: depends for depends in _ALL}
