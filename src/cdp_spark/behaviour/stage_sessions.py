"""The sessions stage: unified_events → sessions and attributions.

1. Sessions are made of whole profiles' events: of all, or of those with new, changed or moved events.
2. Conversions are credited to the sessions before them: of the same profiles. The data-driven model asks the journeys
   of all, so with it all conversions are credited anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from cdp_spark import columns as c
from cdp_spark.behaviour.frames import (
    Histories,
    extent,
    find_changed_profiles,
    not_configured,
    read_histories,
)
from cdp_spark.behaviour.journeys import (
    Lookback,
    as_values,
    count_steps,
    credit_conversions,
    find_touches,
    rules_of,
    sort_steps,
)
from cdp_spark.insights.markov import CONVERSION, add_transitions, merge_rare_channels, removal_effects
from cdp_spark.insights.sessions import SessionRules, build_sessions
from cdp_spark.limits import CHANNELS_APART, EVENTS_ON_DRIVER
from cdp_spark.tables.catalog import ATTRIBUTIONS, SESSIONS, UNIFIED_EVENTS
from cdp_spark.tables.checkpoint import unite_distinct
from cdp_spark.tables.increments.basis import keep_table, with_others
from cdp_spark.tables.increments.difference import fetch_changed
from cdp_spark.tables.increments.keys import count_keys
from cdp_spark.tables.increments.serving import serve_rows
from cdp_spark.tables.rows import (
    as_frame,
    as_table,
    field_of,
    is_given,
    map_groups,
    renamed,
    unite,
    with_array,
    with_values,
)
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column

    from cdp_spark.config.insights.behaviour import AttributionConfig, SessionsConfig
    from cdp_spark.config.project import Project
    from cdp_spark.insights.attribution import AttributionRules
    from cdp_spark.tables.increments.keys import Keys
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import Basis, RunContext
    from cdp_spark.tables.store import Store

_COLUMNS = (
    c.UNIFIED_ID,
    c.SOURCE,
    c.OCCURRED_AT,
    c.EVENT_KEY,
    c.EVENT_TYPE,
    c.URL,
    c.CHANNEL,
    c.CAMPAIGN,
    c.VALUE,
)
_OF_SESSIONS = {c.OCCURRED_AT: c.STARTED_AT, c.EVENT_KEY: c.SESSION_ID}
"""What a step's time and key are of a session."""
_DATA_DRIVEN = "data_driven"
_TRANSITIONS = f"{c.FROM_STATE} string, {c.TO_STATE} string, {c.TRANSITIONS} bigint"


def settings_of_sessions(project: Project) -> object:
    """What decides about sessions and their credit."""
    insights = project.insights
    sections = [it.model_dump(mode="json") if it else None for it in (insights.sessions, insights.attribution)]
    return [*sections, str(project.settings.time_zone)]


def hold_sessions(context: RunContext, basis: Basis) -> bool:
    """Whether the clock and erasures leave the result as it is: the data-driven model looks at the journeys of all."""
    attribution = context.project.insights.attribution
    return not (basis.erased and attribution is not None and _DATA_DRIVEN in attribution.models)


def run(context: RunContext) -> StageResult:
    """Write `sessions` and `attributions`: all rows, or those of the profiles with new or changed events."""
    config, attribution = context.project.insights.sessions, context.project.insights.attribution
    if config is None:
        return not_configured(context, (SESSIONS, ATTRIBUTIONS))
    on_driver = _is_for_driver(context.store)
    affected = _affected(context, on_driver=on_driver)
    version, capped = _write_sessions(context, config, affected, on_driver=on_driver)
    of_all = attribution is not None and _DATA_DRIVEN in attribution.models
    of_all = of_all and (affected is None or count_keys(affected) > 0 or not context.basis or context.basis.erased)
    versions = {
        SESSIONS.name: version,
        ATTRIBUTIONS.name: _write_attributions(context, attribution, None if of_all else affected, on_driver=on_driver),
    }
    metrics = {f"{spec.name}.rows": float(context.store.count(spec)) for spec in (SESSIONS, ATTRIBUTIONS)}
    metrics["sessions.capped_profiles"] = float(capped)
    return StageResult(versions, metrics, extent(affected, capped))


def _is_for_driver(store: Store) -> bool:
    """Whether events are near, and few enough."""
    table = store.open_local(UNIFIED_EVENTS) if store.exists(UNIFIED_EVENTS) else None
    return table is not None and table.count() <= EVENTS_ON_DRIVER


def _affected(context: RunContext, *, on_driver: bool) -> Keys | None:
    """The profiles with new or changed events; None for all."""
    if not context.basis:
        return None
    if not on_driver:
        return unite_distinct([find_changed_profiles(context, _COLUMNS)])
    changed = fetch_changed(context, UNIFIED_EVENTS, key=(c.UNIFIED_ID,), columns=_COLUMNS)
    return changed.filter(is_given(changed, c.UNIFIED_ID))


def _write_sessions(
    context: RunContext, config: SessionsConfig, affected: Keys | None, *, on_driver: bool
) -> tuple[int, int]:
    """Write `sessions`; returns its version and how many profiles have more events than count."""
    if affected is not None and not count_keys(affected) and context.basis is not None:
        return keep_table(context, SESSIONS, context.basis), 0
    events = read_histories(serve_rows(context.store, UNIFIED_EVENTS, _COLUMNS, only={}, on_driver=on_driver), affected)
    rules = session_rules(config, time_zone=context.project.settings.time_zone)
    rule = partial(sessions_of, rules=rules)
    made = map_groups([events.rows], c.UNIFIED_ID, rule, SESSIONS.fetched_schema(), row_count=events.count)
    return context.store.overwrite(SESSIONS, with_others(context, SESSIONS, made, affected)), events.capped


def session_rules(config: SessionsConfig, *, time_zone: str) -> SessionRules:
    """Read the rules of a configuration."""
    return SessionRules(
        preset=config.preset,
        timeout=timedelta(minutes=config.timeout_minutes),
        timeouts={source: timedelta(minutes=pause) for source, pause in config.timeouts.items()},
        time_zone=time_zone,
    )


def sessions_of(events: pa.Table, rules: SessionRules) -> pa.Table:
    """Make sessions of whole profiles' events, in any order."""
    order = [(name, "ascending") for name in (c.UNIFIED_ID, c.SOURCE, c.OCCURRED_AT, c.EVENT_KEY)]
    made = build_sessions(events.sort_by(order).combine_chunks(), rules)
    return with_array(made, c.VALUE, as_values(made[c.VALUE].to_numpy()))


def _write_attributions(
    context: RunContext, config: AttributionConfig | None, affected: Keys | None, *, on_driver: bool
) -> int:
    if affected is not None and not count_keys(affected) and context.basis is not None:
        return keep_table(context, ATTRIBUTIONS, context.basis)
    if config is None:
        return context.store.overwrite(ATTRIBUTIONS, ATTRIBUTIONS.table([]))
    lookback = Lookback(timedelta(days=config.lookback_days))
    steps = _spread(context, read_histories(_steps(context, config, on_driver=on_driver), affected), config)
    rule = partial(_credits_of, lookback=lookback, rules=_rules(config, steps, lookback))
    made = map_groups([steps.rows], c.UNIFIED_ID, rule, ATTRIBUTIONS.fetched_schema(), row_count=steps.count)
    return context.store.overwrite(ATTRIBUTIONS, with_others(context, ATTRIBUTIONS, made, affected))


def _steps(context: RunContext, config: AttributionConfig, *, on_driver: bool) -> Rows:
    """The sessions that count as touches, and the conversions."""
    names = (c.UNIFIED_ID, c.OCCURRED_AT, c.EVENT_KEY, c.CHANNEL, c.CAMPAIGN, c.VALUE)
    of_sessions = (*(_OF_SESSIONS.get(name, name) for name in names), c.ENTRY_EVENT_TYPE)
    sessions = serve_rows(context.store, SESSIONS, of_sessions, only={}, on_driver=on_driver)
    is_touch = _is_one_of(sessions, c.ENTRY_EVENT_TYPE, config.touches or config.conversions)
    touches = sessions.filter(is_touch if config.touches else ~is_touch).select(list(of_sessions[:-1]))
    events = serve_rows(context.store, UNIFIED_EVENTS, (*names, c.EVENT_TYPE), only={}, on_driver=on_driver)
    conversions = events.filter(_is_one_of(events, c.EVENT_TYPE, config.conversions)).select(list(names))
    sides = [
        with_values(it, {c.CONVERTED: has_converted})
        for it, has_converted in ((renamed(touches, names), False), (conversions, True))
    ]
    return unite(context.store.spark, sides)


def _spread(context: RunContext, steps: Histories, config: AttributionConfig) -> Histories:
    """Give many conversions to Spark's tasks: each has a row a touch and model."""
    if isinstance(steps.rows, DataFrame):
        return steps
    credited = pc.sum(steps.rows[c.CONVERTED], min_count=0).as_py() * len(config.models)
    few = credited <= EVENTS_ON_DRIVER
    return steps if few else replace(steps, rows=as_frame(context.store.spark, steps.rows))


def _is_one_of(rows: Rows, name: str, values: Sequence[str]) -> Column:
    return field_of(rows, name).isin(list(values))


def _rules(config: AttributionConfig, steps: Histories, lookback: Lookback) -> tuple[AttributionRules, ...]:
    effects: dict[str, float] = {}
    if _DATA_DRIVEN in config.models:
        rule = partial(_transitions_of, lookback=lookback)
        counted = map_groups([steps.rows], c.UNIFIED_ID, rule, _TRANSITIONS, row_count=steps.count)
        counts = merge_rare_channels(add_transitions(as_table(counted)), CHANNELS_APART)
        effects = removal_effects(counts) if CONVERSION in counts[c.TO_STATE].to_pylist() else {}
    half_life, direct = timedelta(days=config.half_life_days), frozenset(config.direct)
    return rules_of(config.models, half_life=half_life, direct=direct, effects=effects)


def _transitions_of(steps: pa.Table, lookback: Lookback) -> pa.Table:
    return count_steps(sort_steps(steps), lookback)


def _credits_of(steps: pa.Table, lookback: Lookback, rules: Sequence[AttributionRules]) -> pa.Table:
    return credit_conversions(find_touches(sort_steps(steps), lookback), rules)
