"""The traits stage: reads this run's events, profiles and relations; writes people's and accounts' traits.

1. What has to be evaluated: traits whose definition changed, for everyone; and all traits of people and accounts whose
   values may have changed, by their events, by the clock, by their time zone, or by who belongs to an account.
2. Their values are made of events in one pass each; RFM's scores of what all customers' purchases come to.
3. Values that differ from the last release's close a span and open one; all other spans stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.traits.definitions import ACCOUNT, borders_of, define_traits
from cdp_spark.tables.catalog import TRAITS, UNIFIED_EVENTS
from cdp_spark.tables.checkpoint import checkpoint
from cdp_spark.tables.increments.basis import keep_table
from cdp_spark.tables.increments.difference import has_between
from cdp_spark.tables.rows import as_frame, as_table
from cdp_spark.tables.run import StageResult
from cdp_spark.traits.frames import build_spans, build_values, find_affected, open_values, split_traits
from cdp_spark.traits.rfm import RFM_MEASURES, RFM_SCORED, score_customers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.project import Project
    from cdp_spark.config.traits.definitions import TraitDefinition
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.run import Basis, RunContext

_FIGURE = "traits.definition."
"""Of the figures by which the next run finds the traits whose definition changed."""
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
    """

    definitions: tuple[TraitDefinition, ...]
    changed: frozenset[str]
    gone: frozenset[str]
    people: CountedFrame | None
    rescored: bool

    @property
    def is_none(self) -> bool:
        """Whether nothing can differ from the stage's basis, where it has one."""
        people = self.people.count if self.people else 0
        return not (people or self.changed or self.gone or self.rescored)


def run(context: RunContext) -> StageResult:
    """Write `traits`, where the project defines some: all, or those that may have changed."""
    store, definitions = context.store, _define(context.project)
    if not store.exists(TRAITS) and not (definitions and store.exists(UNIFIED_EVENTS)):
        return StageResult(detail="no events yet" if definitions else "no traits in insights.yaml")
    work = _plan(context, definitions)
    if work.is_none and context.basis is not None:
        version = keep_table(context, TRAITS, context.basis)
    else:
        version = store.overwrite(TRAITS, _spans(context, work))
    metrics = {**_figures(definitions), **_counts(store.read(TRAITS), definitions)}
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
    return define_traits(project.insights, time_zone=project.settings.time_zone)


def _figures(definitions: tuple[TraitDefinition, ...]) -> dict[str, float]:
    """The first digits of each definition's hash, as many as a figure holds exactly."""
    return {f"{_FIGURE}{it.name}": float(int(it.definition_hash[:12], 16)) for it in definitions}


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
    people = find_affected(context, others) if context.basis and others else None
    rescored = context.basis is not None and _rescores(context.project, context.basis)
    return _Work(definitions, changed, gone, people, rescored)


def _spans(context: RunContext, work: _Work) -> DataFrame:
    """All spans: those that stay, and those that go on from what was evaluated."""
    has_scores = any(it.name in RFM_MEASURES for it in work.definitions)
    stale = sorted({*work.changed, *work.gone, *RFM_SCORED})
    stays, previous = split_traits(context.read_released(TRAITS), people=work.people, stale=stale)
    values = _values(context, work)
    if has_scores:
        values = checkpoint(values)
        values = values.unionByName(_scores(context, work, values, stays))
    return stays.unionByName(build_spans(values, previous, as_of=context.as_of))


def _values(context: RunContext, work: _Work) -> DataFrame:
    changed = tuple(it for it in work.definitions if it.name in work.changed)
    others = tuple(it for it in work.definitions if it.name not in work.changed)
    passes = build_values(context, changed)
    if work.people is not None:
        passes += build_values(context, others, ids=work.people)
    if not passes:
        return open_values(context.read_released(TRAITS), []).limit(0)
    return reduce(DataFrame.unionByName, passes)


def _scores(context: RunContext, work: _Work, values: DataFrame, stays: DataFrame) -> DataFrame:
    """RFM's scores of all customers: of values that were evaluated, and of those that stay."""
    needed = [c.UNIFIED_ID, c.TRAIT, c.VALUE_NUMBER, c.VALUE_TIME]
    fresh = values.where(F.col(c.TRAIT).isin(*RFM_MEASURES)).select(*needed)
    measured = fresh.unionByName(open_values(stays, RFM_MEASURES).select(*needed))
    definition_hash = next(it.definition_hash for it in work.definitions if it.name == RFM_MEASURES[-1])
    scored = score_customers(as_table(measured), definition_hash, as_of=context.as_of)
    return as_frame(context.store.spark, scored)


def _counts(spans: DataFrame, definitions: tuple[TraitDefinition, ...]) -> dict[str, float]:
    """People with a value of each trait."""
    counted = spans.where(F.col(c.VALID_TO).isNull()).groupBy(c.TRAIT).count().collect()
    return {**{f"traits.{it.name}": 0.0 for it in definitions}, **{f"traits.{it[0]}": float(it[1]) for it in counted}}


def _tell(work: _Work) -> str:
    if work.people is None:
        return "full"
    renewed = f"; evaluated for everyone: {', '.join(sorted(work.changed))}" if work.changed else ""
    whose = "people and accounts" if any(it.entity == ACCOUNT for it in work.definitions) else "people"
    return f"incremental: {work.people.count:,} {whose} depend on what changed{renewed}"
