"""The traits stage: reads this run's events, profiles and relations; writes people's and accounts' traits.

1. What has to be evaluated: traits whose definition changed, for everyone; and all traits of people and accounts whose
   values may have changed, by their events, by the clock, by their time zone, or by who belongs to an account.
2. Their values are made of events in one pass each; RFM's scores of what all customers' purchases come to.
3. Values that differ from the last release's close a span and open one; all other spans stay as they are.

Where events and spans are few, all of it is done on the driver, without a query; expressions and accounts are
Spark's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.config.segment import define_event_conditions
from cdp_spark.config.traits.conditions import is_hidden
from cdp_spark.config.traits.definitions import ACCOUNT, borders_of, define_traits, definition_figure
from cdp_spark.config.traits.definitions import DEFINITION_FIGURE as _FIGURE
from cdp_spark.normalise.text import plural
from cdp_spark.tables.catalog import TRAITS, UNIFIED_EVENTS
from cdp_spark.tables.checkpoint import checkpoint
from cdp_spark.tables.increments.basis import keep_table
from cdp_spark.tables.increments.difference import has_between
from cdp_spark.tables.increments.serving import count_rows_at_most, serve_rows
from cdp_spark.tables.rows import as_table, count_by, field_of, is_given, unite
from cdp_spark.tables.run import StageResult
from cdp_spark.traits.finish import TRAIT_VALUES
from cdp_spark.traits.frames import build_spans, build_values, open_values, split_traits
from cdp_spark.traits.frames_affected import count_people, find_affected, has_expressions
from cdp_spark.traits.rfm import RFM_MEASURES, RFM_SCORED, score_customers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from cdp_spark.config.project import Project
    from cdp_spark.config.traits.definitions import TraitDefinition
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import Basis, RunContext
    from cdp_spark.traits.frames_affected import People

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class _Work:
    """What a run evaluates.

    Args:
        definitions: of all traits.
        changed: names of those that are new or mean something else; evaluated for everyone.
        gone: names of traits that are there no more.
        people: whose other traits are evaluated, and those of which accounts; None where all traits count as changed.
        rescored: whether RFM's scores are made anew in any case.
        on_driver: whether events, people and spans are on the driver.
        events: how many there are, about.
    """

    definitions: tuple[TraitDefinition, ...]
    changed: frozenset[str]
    gone: frozenset[str]
    people: People | None
    rescored: bool
    on_driver: bool
    events: int

    @property
    def is_none(self) -> bool:
        """Whether nothing can differ from the stage's basis, where it has one."""
        return not (count_people(self.people) or self.changed or self.gone or self.rescored)


def run(context: RunContext) -> StageResult:
    """Write `traits`, where the project defines some: all, or those that may have changed."""
    store, definitions = context.store, _define(context.project)
    if not store.exists(TRAITS) and not (definitions and store.exists(UNIFIED_EVENTS)):
        detail = "no events yet" if definitions else "no traits are asked for"
        return StageResult(metrics=_figures(definitions), detail=detail)
    work = _plan(context, definitions)
    if work.is_none and context.basis is not None:
        version = keep_table(context, TRAITS, context.basis)
    else:
        version = store.overwrite(TRAITS, _spans(context, work))
    spans = serve_rows(store, TRAITS, (c.TRAIT, c.VALID_TO), only={}, on_driver=work.on_driver)
    metrics = {**_figures(definitions), **_counts(spans, definitions)}
    return StageResult({TRAITS.name: version}, metrics, _tell(work))


def definitions_hold(context: RunContext, basis: Basis) -> bool:
    """Whether no definition changed, and no event passed the border of an age since the basis's clock."""
    definitions = _define(context.project)
    if _figures(definitions) != _figures_of(basis.metrics) or _rescores(context.project, basis):
        return False
    if basis.as_of == context.as_of or not definitions:
        return True
    spans = [(basis.as_of - days + _MICROSECOND, context.as_of - days) for days in map(_days, borders_of(definitions))]
    return not any(has_between(context.store, UNIFIED_EVENTS, c.OCCURRED_AT, span) for span in spans)


def _rescores(project: Project, basis: Basis) -> bool:
    """Whether customers were erased, among whom the others' scores are found, or of whom accounts have values."""
    of_accounts = any(it.entity == ACCOUNT for it in project.insights.traits)
    return basis.erased and (project.insights.rfm is not None or of_accounts)


def _days(count: int) -> timedelta:
    return timedelta(days=count)


def _define(project: Project) -> tuple[TraitDefinition, ...]:
    """The project's traits, and what its segments ask of events."""
    named = define_traits(project.insights, time_zone=project.settings.time_zone)
    return (*named, *define_event_conditions(project.segments))


def _figures(definitions: tuple[TraitDefinition, ...]) -> dict[str, float]:
    """By which the next run finds the traits whose definition changed."""
    return dict(map(definition_figure, definitions))


def _figures_of(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name.startswith(_FIGURE)}


def _plan(context: RunContext, definitions: tuple[TraitDefinition, ...]) -> _Work:
    figures = _figures(definitions)
    before = _figures_of(context.basis.metrics) if context.basis else {}
    erased = context.basis is not None and context.basis.erased
    changed = frozenset(
        it.name
        for it in definitions
        if before.get(f"{_FIGURE}{it.name}") != figures[_FIGURE + it.name] or (erased and it.entity == ACCOUNT)
    )
    gone = frozenset(name.removeprefix(_FIGURE) for name in before.keys() - figures.keys())
    others = tuple(it for it in definitions if it.name not in changed)
    events = count_rows_at_most(context.store, UNIFIED_EVENTS)
    on_driver = events <= limits.EVENTS_ON_DRIVER and _is_for_driver(context, definitions)
    people = find_affected(context, others, on_driver=on_driver) if context.basis and others else None
    rescored = context.basis is not None and _rescores(context.project, context.basis)
    return _Work(definitions, changed, gone, people, rescored, on_driver, events)


def _is_for_driver(context: RunContext, definitions: tuple[TraitDefinition, ...]) -> bool:
    """Whether all traits can be made on the driver, and it can hold the history."""
    if has_expressions(definitions) or any(it.entity == ACCOUNT for it in definitions):
        return False
    store = context.store
    return not store.exists(TRAITS) or count_rows_at_most(store, TRAITS) <= limits.SPANS_ON_DRIVER


def _spans(context: RunContext, work: _Work) -> Rows:
    """All spans: those that stay, and those that go on from what was evaluated."""
    has_scores = any(it.name in RFM_MEASURES for it in work.definitions)
    stale = sorted({*work.changed, *work.gone, *RFM_SCORED})
    stays, previous = split_traits(context, people=work.people, stale=stale, on_driver=work.on_driver)
    values, spark = _values(context, work), context.store.spark
    if has_scores:
        values = checkpoint(values) if isinstance(values, DataFrame) else values
        values = unite(spark, [values, _scores(context, work, values, stays)])
    return unite(spark, [stays, build_spans(values, previous, as_of=context.as_of, row_count=work.events)])


def _values(context: RunContext, work: _Work) -> Rows:
    changed = tuple(it for it in work.definitions if it.name in work.changed)
    others = tuple(it for it in work.definitions if it.name not in work.changed)
    passes = build_values(context, changed, on_driver=work.on_driver)
    if work.people is not None:
        passes += build_values(context, others, on_driver=work.on_driver, ids=work.people)
    return unite(context.store.spark, passes) if passes else TRAIT_VALUES.empty_table()


def _scores(context: RunContext, work: _Work, values: Rows, stays: Rows) -> pa.Table:
    """RFM's scores of all customers: of values that were evaluated, and of those that stay."""
    needed = [c.UNIFIED_ID, c.TRAIT, c.VALUE_NUMBER, c.VALUE_TIME]
    fresh = values.filter(field_of(values, c.TRAIT).isin(list(RFM_MEASURES))).select(needed)
    measured = unite(context.store.spark, [fresh, open_values(stays, RFM_MEASURES).select(needed)])
    definition_hash = next(it.definition_hash for it in work.definitions if it.name == RFM_MEASURES[-1])
    return score_customers(as_table(measured), definition_hash, as_of=context.as_of)


def _counts(spans: Rows, definitions: tuple[TraitDefinition, ...]) -> dict[str, float]:
    """People with a value of each trait that has a name."""
    counted = count_by(spans.filter(~is_given(spans, c.VALID_TO)), c.TRAIT)
    counts = {**{it.name: 0 for it in definitions}, **counted}
    return {f"traits.{name}": float(count) for name, count in counts.items() if not is_hidden(name)}


def _tell(work: _Work) -> str:
    if work.people is None:
        return "full"
    named = sorted(name for name in work.changed if not is_hidden(name))
    unnamed = len(work.changed) - len(named)
    conditions = [f"{plural(unnamed, 'condition')} of segments"] if unnamed else []
    renewed = f"; evaluated for everyone: {', '.join((*named, *conditions))}" if work.changed else ""
    return f"incremental: {plural(count_people(work.people), 'profile')} affected by changes{renewed}"
