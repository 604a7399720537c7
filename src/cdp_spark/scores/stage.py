"""The scores stage: unified_events, profiles and the models → scores.

A night applies the newest version of each model's present definition. A model that has none is fitted by the first
night that has enough history; after that only `cdp insights fit` makes another version. With every day a customer has
been silent for longer and windows move on, so another day scores everybody anew, in one pass over the events. A run of
the same time scores only people whose events or entity type changed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.scores.frames import apply_to_people, read_people_events
from cdp_spark.scores.frames_models import NewModel, find_applied, fit_model, next_version, read_versions, rows_of
from cdp_spark.scores.models import SCORES as SCORE_ROWS
from cdp_spark.scores.models import Clock, event_types_of, score_definitions, score_people
from cdp_spark.tables.catalog import PROFILES, SCORE_MODELS, SCORES, UNIFIED_EVENTS
from cdp_spark.tables.checkpoint import unite_distinct
from cdp_spark.tables.increments.basis import empty_tables, keep_table, with_others
from cdp_spark.tables.increments.difference import read_changed
from cdp_spark.tables.increments.serving import count_rows_at_most
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.config.project import Project
    from cdp_spark.scores.models import Definition, FittedModel
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import Basis, RunContext

_STAGE = "scores"


def run(context: RunContext) -> StageResult:
    """Score people by the project's models; a model that cannot be fitted yet is a warning."""
    store, definitions = context.store, score_definitions(context.project.insights)
    if not definitions:
        return StageResult(empty_tables(context, (SCORES,)), detail="no models in insights.yaml")
    if not store.exists(UNIFIED_EVENTS):
        return StageResult(detail="no events yet")
    versions = read_versions(store)
    models = [found for it in definitions if (found := find_applied(versions, it)) is not None]
    if context.basis is not None and _is_same_moment(context, context.basis, models):
        return _score_changed(context, context.basis, models)
    fitted, missing, written = _fit_others(context, definitions, models, versions)
    models = [*models, *(it.model for it in fitted)]
    scores = _score(context, models, None) if models else SCORE_ROWS.empty_table()
    written[SCORES.name] = store.overwrite(SCORES, scores)
    told = [f"fitted {it.model.definition.name} {it.model.version}" for it in fitted]
    metrics = _metrics(context, definitions, models)
    return StageResult(written, metrics, "; ".join(["full", *told]), missing or warn(context.project, metrics))


def warn(project: Project, figures: Mapping[str, float]) -> tuple[str, ...]:
    """Name the models that score nobody."""
    return tuple(
        f"score {it.name}: nobody has one. `cdp insights fit {it.name}` says what is missing."
        for it in score_definitions(project.insights)
        if not figures.get(f"scores.{it.name}")
    )


def _fit_others(
    context: RunContext,
    definitions: Sequence[Definition],
    models: Sequence[FittedModel],
    versions: Sequence[Mapping[str, object]],
) -> tuple[list[NewModel], tuple[str, ...], dict[str, int]]:
    """Fit and save the models that have no version yet."""
    known, fitted, missing = {it.definition.name for it in models}, [], []
    for definition in (it for it in definitions if it.name not in known):
        events = read_people_events(context.store, until=context.as_of, event_types=event_types_of([definition]))
        try:
            fitted.append(fit_model(definition, next_version(versions, definition.name), events, _clock(context)))
        except DataError as error:
            missing.append(str(error))
    if not fitted:
        return [], tuple(missing), {}
    rows = rows_of(fitted, as_of=context.as_of, run_id=context.run_id)
    saved = context.store.append(SCORE_MODELS, rows, application=context.application(_STAGE, SCORE_MODELS))
    return fitted, tuple(missing), {SCORE_MODELS.name: saved}


def _is_same_moment(context: RunContext, basis: Basis, models: Sequence[FittedModel]) -> bool:
    """Whether only changed rows can make a difference to what the basis scored."""
    names = {it.name: 0 for it in score_definitions(context.project.insights)}
    applied = names | {it.definition.name: it.version for it in models}
    before = {name: basis.metrics.get(f"scores.{name}.version", -1) for name in names}
    return basis.as_of == context.as_of and applied == before and all(applied.values())


def _score_changed(context: RunContext, basis: Basis, models: Sequence[FittedModel]) -> StageResult:
    """Score only the people whose events or entity type changed."""
    changed = _changed_people(context)
    detail = f"incremental: events of {changed.count:,} people changed"
    if changed.count:
        rows = with_others(context, SCORES, _score(context, models, changed), changed)
        version = context.store.overwrite(SCORES, rows)
    else:
        version = keep_table(context, SCORES, basis)
    metrics = _metrics(context, score_definitions(context.project.insights), models)
    return StageResult({SCORES.name: version}, metrics, detail, warn(context.project, metrics))


def _changed_people(context: RunContext) -> CountedFrame:
    of_events = read_changed(context, UNIFIED_EVENTS, key=(c.UNIFIED_ID,))
    of_kinds = read_changed(context, PROFILES, key=(c.UNIFIED_ID,), columns=(c.ENTITY_TYPE,))
    return unite_distinct([of_events.dropna(), of_kinds])


def _score(context: RunContext, models: Sequence[FittedModel], people: CountedFrame | None) -> Rows:
    types = event_types_of([it.definition for it in models])
    events = read_people_events(context.store, until=context.as_of, event_types=types, people=people)
    rule = partial(score_people, models=models, clock=_clock(context))
    rows = count_rows_at_most(context.store, UNIFIED_EVENTS)
    return apply_to_people(events, rule, SCORE_ROWS, row_count=rows)


def _clock(context: RunContext) -> Clock:
    return Clock(context.as_of, context.project.settings.time_zone)


def _metrics(context: RunContext, definitions: Sequence[Definition], models: Sequence[FittedModel]) -> dict[str, float]:
    column = context.store.fetch(SCORES, (c.MODEL,))[c.MODEL]
    scored = {row["values"]: float(row["counts"]) for row in column.value_counts().to_pylist()}
    versions = {f"scores.{it.definition.name}.version": float(it.version) for it in models}
    none = {f"scores.{it.name}": 0.0 for it in definitions} | {f"scores.{it.name}.version": 0.0 for it in definitions}
    return none | versions | {f"scores.{name}": count for name, count in scored.items()}
