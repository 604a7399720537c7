"""The behaviour stage: unified_events and profiles → funnels, retention and abandoned.

A night looks at the profiles with new, changed or moved events, with another value of what a funnel is split by, and
with events that came into the days of abandonment or left them since. Of funnels and cohorts it takes away what these
profiles counted for before, and adds what they count for now.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.behaviour.abandonment import Kind, find_abandoned, settles
from cdp_spark.behaviour.counts import (
    COUNTS,
    Definitions,
    add_counts,
    count_definitions,
    counts_of_tables,
    negated,
    tables_of_counts,
)
from cdp_spark.behaviour.frames import (
    extent,
    find_changed_profiles,
    not_configured,
    read_histories,
)
from cdp_spark.behaviour.frames_definitions import build_definition_events, event_columns, profile_columns
from cdp_spark.behaviour.retention import period_of
from cdp_spark.tables.catalog import ABANDONED, FUNNELS, PROFILES, RETENTION, UNIFIED_EVENTS
from cdp_spark.tables.checkpoint import unite_distinct
from cdp_spark.tables.increments.basis import keep_table, with_others
from cdp_spark.tables.increments.difference import has_between, read_changed, read_earlier
from cdp_spark.tables.rows import as_table, map_groups
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame

    from cdp_spark.config.insights.behaviour import AbandonmentConfig
    from cdp_spark.config.insights.section import InsightsConfig
    from cdp_spark.config.project import Project
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.run import Basis, RunContext
    from cdp_spark.tables.spec import TableSpec

_ABOUT = (
    c.UNIFIED_ID,
    c.EVENT_KEY,
    c.EVENT_TYPE,
    c.OCCURRED_AT,
    c.PRODUCT_ID,
    c.CATEGORY,
    c.VALUE,
    c.LINES,
)


def settings_of_behaviour(project: Project) -> object:
    """What decides about funnels, cohorts and what was abandoned."""
    insights = project.insights
    definitions = [it.model_dump(mode="json") for it in (*insights.funnels, *insights.retention)]
    abandonment = insights.abandonment.model_dump(mode="json") if insights.abandonment else None
    return [definitions, abandonment, str(project.settings.time_zone)]


def hold_behaviour(context: RunContext, basis: Basis) -> bool:
    """Whether no period began, no event came into the days of abandonment or left them, and nobody was erased."""
    insights = context.project.insights
    days = [context.day_of(it) for it in (basis.as_of, context.as_of)]
    begun = any(period_of(days[0], it.every) != period_of(days[1], it.every) for it in insights.retention)
    moved = basis.as_of != context.as_of and insights.abandonment is not None
    return not (basis.erased or begun or (moved and _has_crossed(context, basis, insights.abandonment)))


def run(context: RunContext) -> StageResult:
    """Write the three tables: counted anew, or by what changed."""
    insights = context.project.insights
    if not (insights.funnels or insights.retention or insights.abandonment):
        return not_configured(context, (FUNNELS, RETENTION, ABANDONED))
    if context.basis is not None and context.basis.erased:
        context = replace(context, basis=None)  # what the erased counted for can no longer be told
    affected = _affected(context, insights)
    version, capped = _write_abandoned(context, insights.abandonment, affected)
    tables, capped_too = _count(context, insights, affected)
    made = zip((FUNNELS, RETENTION), tables, strict=True)
    versions = {ABANDONED.name: version, **{spec.name: _write_if_other(context, spec, rows) for spec, rows in made}}
    metrics = {f"{spec.name}.rows": float(context.store.count(spec)) for spec in (FUNNELS, RETENTION, ABANDONED)}
    metrics["behaviour.capped_profiles"] = float(max(capped, capped_too))
    return StageResult(versions, metrics, extent(affected, max(capped, capped_too)))


def _affected(context: RunContext, insights: InsightsConfig) -> CountedFrame | None:
    basis = context.basis
    if basis is None:
        return None
    found = [find_changed_profiles(context, event_columns(insights))]
    if asked := profile_columns(insights.funnels):
        found.append(read_changed(context, PROFILES, key=(c.UNIFIED_ID,), columns=(c.UNIFIED_ID, *asked)))
    if insights.abandonment is not None and basis.as_of != context.as_of:
        events = _about_things(context, insights.abandonment)
        crossed = [F.col(c.OCCURRED_AT).between(*span) for span in _spans(context, basis, insights.abandonment)]
        found += [events.where(it & F.col(c.UNIFIED_ID).isNotNull()).select(c.UNIFIED_ID) for it in crossed]
    return unite_distinct(found)


def _count(
    context: RunContext, insights: InsightsConfig, affected: CountedFrame | None
) -> tuple[tuple[pa.Table, pa.Table], int]:
    """The rows of `funnels` and `retention`, and how many profiles have more events than count."""
    definitions = Definitions(insights.funnels, insights.retention, context.project.settings.time_zone)
    parts, capped = [], 0
    if context.basis is not None:
        released = [context.fetch_released(spec) for spec in (FUNNELS, RETENTION)]
        parts.append(counts_of_tables(released[0], released[1], definitions))
    if (definitions.funnels or definitions.retention) and (affected is None or affected.count):
        counts, capped = _counts_at(context, definitions, affected, None)
        parts.append(counts)
        if context.basis is not None:
            parts.append(negated(_counts_at(context, definitions, affected, context.basis)[0]))
    return tables_of_counts(add_counts(parts), definitions, today=context.today), capped


def _counts_at(
    context: RunContext, definitions: Definitions, affected: CountedFrame | None, basis: Basis | None
) -> tuple[pa.Table, int]:
    """What profiles count for now, or by the tables that the stage read for its basis."""
    store, tables = context.store, (UNIFIED_EVENTS, PROFILES)
    events, profiles = (read_earlier(store, it, basis.read[it.name]) if basis else store.read(it) for it in tables)
    found = build_definition_events(events, profiles, definitions, now=context.now)
    histories = read_histories(found, affected)
    rule = partial(count_definitions, definitions=definitions)
    counts = map_groups([histories.rows], c.UNIFIED_ID, rule, COUNTS, row_count=histories.count)
    return add_counts([as_table(counts).cast(COUNTS)]), histories.capped


def _write_if_other(context: RunContext, spec: TableSpec, rows: pa.Table) -> int:
    if context.basis is not None:
        order = [(key, "ascending") for key in spec.keys]
        before = context.fetch_released(spec).sort_by(order).to_pylist()
        if rows.sort_by(order).to_pylist() == before:
            return keep_table(context, spec, context.basis)
    return context.store.overwrite(spec, rows)


def _write_abandoned(
    context: RunContext, config: AbandonmentConfig | None, affected: CountedFrame | None
) -> tuple[int, int]:
    if affected is not None and not affected.count and context.basis is not None:
        return keep_table(context, ABANDONED, context.basis), 0
    if config is None:
        return context.store.overwrite(ABANDONED, ABANDONED.table([])), 0
    kinds = _kinds(config, context.as_of)
    recent = F.col(c.OCCURRED_AT).between(min(kind.since for kind in kinds), context.as_of)
    events = read_histories(_about_things(context, config).where(recent), affected)
    by = c.PRODUCT_ID if config.by == "product" else c.CATEGORY
    rule = partial(find_abandoned, kinds=kinds, by=by, until=context.as_of)
    made = map_groups([events.rows], c.UNIFIED_ID, rule, ABANDONED.fetched_schema(), row_count=events.count)
    return context.store.overwrite(ABANDONED, with_others(context, ABANDONED, made, affected)), events.capped


def _about_things(context: RunContext, config: AbandonmentConfig) -> DataFrame:
    """The events that abandonment looks at."""
    is_one = F.col(c.EVENT_TYPE).isin(*_types(config))
    return context.store.read(UNIFIED_EVENTS).where(is_one).select(*_ABOUT)


def _types(config: AbandonmentConfig) -> list[str]:
    kinds = [it for it in (config.browse, config.cart) if it is not None]
    return sorted({*(name for it in kinds for name in it.events), *settles(config)["cart"]})


def _kinds(config: AbandonmentConfig, as_of: datetime) -> tuple[Kind, ...]:
    ends = settles(config)
    given = {"browse": config.browse, "cart": config.cart}
    return tuple(
        Kind(name, it.events, ends[name], getattr(it, "times", 1), as_of - timedelta(days=it.days))
        for name, it in given.items()
        if it is not None
    )


def _spans(context: RunContext, basis: Basis, config: AbandonmentConfig) -> list[tuple[datetime, datetime]]:
    """The times whose events came into the days that count since the basis, or left them."""
    starts = [[kind.since for kind in _kinds(config, at)] for at in (basis.as_of, context.as_of)]
    return [(basis.as_of, context.as_of), *zip(*starts, strict=True)]


def _has_crossed(context: RunContext, basis: Basis, config: AbandonmentConfig | None) -> bool:
    if config is None:
        return False
    only = {c.EVENT_TYPE: pa.array(_types(config))}
    spans = _spans(context, basis, config)
    return any(has_between(context.store, UNIFIED_EVENTS, c.OCCURRED_AT, span, only=only) for span in spans)
