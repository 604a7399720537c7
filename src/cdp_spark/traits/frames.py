"""Traits in Spark: events to values, whose values may have changed, and their history."""

from __future__ import annotations

from datetime import timedelta
from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.config.expressions.compile import compile_expression
from cdp_spark.config.traits.checks import EVENT_COLUMNS
from cdp_spark.config.traits.definitions import ACCOUNT, LOCAL_HOUR, borders_of
from cdp_spark.config.traits.model import LINES, PROPERTY
from cdp_spark.tables.catalog import PROFILES, SCORES, TRAITS, UNIFIED_EVENTS
from cdp_spark.tables.checkpoint import unite_distinct
from cdp_spark.tables.increments.difference import read_changed
from cdp_spark.tables.rows import fold_sorted
from cdp_spark.traits.engine import Plan
from cdp_spark.traits.finish import TRAIT_VALUES, make_traits
from cdp_spark.traits.frames_accounts import (
    attribute_to_accounts,
    build_roll_ups,
    find_affected_accounts,
    read_people_of_accounts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from pyspark.sql import Column

    from cdp_spark.config.traits.definitions import TraitDefinition
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.run import RunContext

_VALUES = (c.DEFINITION_HASH, c.VALUE_NUMBER, c.VALUE_TEXT, c.VALUE_LIST, c.VALUE_TIME)
_TRAIT = [c.UNIFIED_ID, c.TRAIT]
_ORDERED = ("first", "last", "recent", "earliest")
"""Reductions that depend on which of the events of one time is first."""
Definitions = tuple["TraitDefinition", ...]


def build_trait_values(
    context: RunContext, definitions: Definitions, *, people: CountedFrame | None = None
) -> DataFrame:
    """Make traits of events.

    Args:
        context: of the run.
        definitions: of the traits, all of people, or all of accounts and all with or without their subsidiaries.
        people: whose, or of which accounts; None for all.
    Returns: rows of TRAIT_VALUES, one per person or account and trait that has a value.
    """
    events = context.store.read(UNIFIED_EVENTS).where(F.col(c.UNIFIED_ID).isNotNull())
    if definitions[0].entity == ACCOUNT:
        below = definitions[0].include_subsidiaries
        events = attribute_to_accounts(events, read_people_of_accounts(context, include_subsidiaries=below))
    if people is not None:
        events = events.join(people.joinable, on=c.UNIFIED_ID, how="left_semi")
    expressions = _expressions(definitions)
    plan = Plan(definitions, _microseconds(context.as_of), expressions)
    needed = _needed_events(events, definitions, context.as_of).withColumn(c.ATTRIBUTES, F.col(c.PROPERTIES))
    rows = needed.select(*_columns(definitions, context, expressions))
    if any(it.zone for it in definitions):
        rows = rows.join(_homes(context, definitions), on=c.UNIFIED_ID, how="left")
    order = (c.OCCURRED_AT, c.EVENT_KEY) if c.EVENT_KEY in rows.columns else ()
    return fold_sorted(rows, c.UNIFIED_ID, order, partial(make_traits, plan=plan), TRAIT_VALUES)


def _microseconds(moment: datetime) -> int:
    return int(pa.scalar(moment, pa.timestamp("us", "UTC")).value)


def _needed_events(events: DataFrame, definitions: Definitions, as_of: datetime) -> DataFrame:
    """The events that some trait may count: of its types, and of its ages."""
    measures = [measure for it in definitions for measure in it.all_measures]
    needed = events.where(F.col(c.OCCURRED_AT) <= F.lit(as_of))
    oldest = [measure.ages.under_days for measure in measures]
    bounded = [days for days in oldest if days is not None]
    if len(bounded) == len(oldest):
        needed = needed.where(F.col(c.OCCURRED_AT) > _before(as_of, max(bounded)))
    if all(measure.events.events for measure in measures):
        types = sorted({name for measure in measures for name in measure.events.events})
        needed = needed.where(F.col(c.EVENT_TYPE).isin(types))
    return needed


def _before(moment: datetime, days: int) -> Column:
    return F.lit(moment - timedelta(days=days))


def named_columns(definitions: Definitions) -> frozenset[str]:
    """The columns of events that measures name, as they name them."""
    measures = [measure for it in definitions for measure in it.all_measures]
    values = {measure.column for measure in measures} - {"", LOCAL_HOUR}
    conditions = {condition.column for measure in measures for condition in measure.events.where}
    types = {c.EVENT_TYPE for measure in measures if measure.events.events}
    return frozenset(values | conditions | types)


def _columns(definitions: Definitions, context: RunContext, expressions: dict[str, str]) -> Iterator[Column]:
    yield F.col(c.UNIFIED_ID)
    yield F.col(c.OCCURRED_AT)
    if any(measure.reduction in _ORDERED for it in definitions for measure in it.all_measures):
        yield F.col(c.EVENT_KEY)
    named = named_columns(definitions)
    for name in sorted({c.LINES if it.startswith(LINES) else it for it in named}):
        if name.startswith(PROPERTY):
            yield F.col(c.PROPERTIES)[name.removeprefix(PROPERTY)].alias(name)
        else:
            yield F.col(name).cast("double") if name == c.VALUE else F.col(name)
    kinds = {name: _KINDS[kind] for name, kind in EVENT_COLUMNS.items()}
    for text, name in expressions.items():
        condition = compile_expression(text, columns=kinds, now=context.now, where="trait")
        yield condition.alias(name)


_KINDS: dict[str, T.DataType] = {
    "string": T.StringType(),
    "double": T.DoubleType(),
    "timestamp": T.TimestampType(),
    "string_map": T.MapType(T.StringType(), T.StringType()),
}


def _expressions(definitions: Definitions) -> dict[str, str]:
    """Expression to the column with its truth."""
    texts = {measure.events.expression for it in definitions for measure in it.all_measures}
    return {text: f"expression_{number}" for number, text in enumerate(sorted(text for text in texts if text))}


def _homes(context: RunContext, definitions: Definitions) -> DataFrame:
    """The country and the own time zone of each profile."""
    attribute = next(it.zone[0] for it in definitions if it.zone)
    zone = F.col(c.ATTRIBUTES)[attribute] if attribute else F.lit(None).cast("string")
    return context.store.read(PROFILES).select(c.UNIFIED_ID, c.COUNTRY, zone.alias(c.ZONE))


def build_values(context: RunContext, definitions: Definitions, *, ids: CountedFrame | None = None) -> list[DataFrame]:
    """Make traits in as few passes as they need: over the events of people, of accounts, of accounts with those below.

    Args:
        context: of the run.
        definitions: of the traits.
        ids: unified ids of people or accounts; None for all.
    Returns: rows of TRAIT_VALUES of each pass.
    """
    passes: dict[tuple[str, bool, bool], list[TraitDefinition]] = {}
    for it in definitions:
        passes.setdefault((it.entity, it.include_subsidiaries, it.is_of_events), []).append(it)
    return [
        build_trait_values(context, tuple(group), people=ids)
        if is_of_events
        else build_roll_ups(context, group, accounts=ids)
        for (_, _, is_of_events), group in passes.items()
    ]


def find_affected(context: RunContext, definitions: Definitions) -> CountedFrame:
    """Find the people and accounts whose values may differ from those of the stage's basis.

    Args:
        context: of a stage with a basis.
        definitions: of the traits.
    Returns: their unified ids.
    """
    of_people = tuple(it for it in definitions if it.entity != ACCOUNT)
    of_accounts = tuple(it for it in definitions if it.entity == ACCOUNT)
    if not of_accounts:
        return unite_distinct(_affected_by_events(context, of_people))
    by_events = tuple(it for it in of_accounts if it.is_of_events)
    found = _affected_by_events(context, by_events) if by_events else []
    if any(it.finish == "score" for it in of_accounts):
        found.append(read_changed(context, SCORES, key=(c.UNIFIED_ID,)))
    nobody = context.store.read(UNIFIED_EVENTS).select(c.UNIFIED_ID).limit(0)
    accounts = find_affected_accounts(context, of_accounts, reduce(DataFrame.unionByName, found, nobody))
    if not of_people:
        return accounts
    return unite_distinct([*_affected_by_events(context, of_people), accounts.rows])


def _affected_by_events(context: RunContext, definitions: Definitions) -> list[DataFrame]:
    """Who has a new, changed, moved or vanished event, one that began or ceased to count, or another time zone."""
    names = named_columns(definitions)
    expressed = EVENT_COLUMNS.keys() if _expressions(definitions) else ()
    physical = {*names, *expressed, c.EVENT_KEY, c.OCCURRED_AT}
    held = [name for name in UNIFIED_EVENTS.schema.names if any(_stored(it) == name for it in physical)]
    found = [read_changed(context, UNIFIED_EVENTS, key=(c.UNIFIED_ID,), columns=held)]
    found += [it for it in (_crossing(context, definitions),) if it is not None]
    if any(it.zone for it in definitions):
        found.append(read_changed(context, PROFILES, key=(c.UNIFIED_ID,), columns=(c.COUNTRY, c.ATTRIBUTES)))
    return [it.where(F.col(c.UNIFIED_ID).isNotNull()) for it in found]


def _stored(name: str) -> str:
    """The column of `unified_events` that a named one is in."""
    if name.startswith(PROPERTY) or name == c.ATTRIBUTES:
        return c.PROPERTIES
    return c.LINES if name.startswith(LINES) else name


def _crossing(context: RunContext, definitions: Definitions) -> DataFrame | None:
    """Who has an event that passed the border of an age between the two clocks."""
    basis = context.basis
    if basis is None or basis.as_of == context.as_of:
        return None
    time = F.col(c.OCCURRED_AT)
    passed = [
        (time > _before(basis.as_of, days))
        & (time <= _before(context.as_of, days))
        & (F.col(c.EVENT_TYPE).isin(*sorted(types)) if types else F.lit(True))
        for days, types in borders_of(definitions).items()
    ]
    return context.store.read(UNIFIED_EVENTS).where(reduce(or_, passed)).select(c.UNIFIED_ID)


def split_traits(
    released: DataFrame, *, people: CountedFrame | None, stale: Sequence[str]
) -> tuple[DataFrame, DataFrame]:
    """Part the spans of the last release into those that stay, and those that were evaluated again.

    Args:
        released: spans.
        people: whose traits were all evaluated; None for everyone's.
        stale: traits that were evaluated for everyone.
    """
    if people is None:
        return released.limit(0), released
    is_stale = F.col(c.TRAIT).isin(*stale) if stale else F.lit(False)
    others = released.where(~is_stale)
    again = others.join(people.joinable, on=c.UNIFIED_ID, how="left_semi").select(*TRAITS.schema.names)
    stays = others.join(people.joinable, on=c.UNIFIED_ID, how="left_anti").select(*TRAITS.schema.names)
    return stays, released.where(is_stale).unionByName(again) if stale else again


def build_spans(values: DataFrame, previous: DataFrame, *, as_of: datetime) -> DataFrame:
    """Carry the history of traits on by one run, as `profile_history` is.

    Args:
        values: rows of TRAIT_VALUES, of all people and traits that were evaluated.
        previous: their spans, at most one open per unified_id and trait; what they say of `as_of` and later is written
            anew.
        as_of: of the run; when values that are new begin.
    Returns: one row per unified_id, trait and valid_from_utc.
    """
    now = F.lit(as_of)
    ended = F.coalesce(F.col(c.VALID_TO) < now, F.lit(False))
    before = previous.where(F.col(c.VALID_FROM) < now).withColumn(c.VALID_TO, F.when(ended, F.col(c.VALID_TO)))
    past = before.where(F.col(c.VALID_TO).isNotNull())
    opened = before.where(F.col(c.VALID_TO).isNull())
    pairs = _as_struct(opened, "before", c.VALID_FROM).join(_as_struct(values, "now"), on=_TRAIT, how="full_outer")
    there = [F.col(side).isNotNull() for side in ("before", "now")]
    same = there[0] & there[1] & reduce(lambda one, it: one & it, map(_is_same, _VALUES))
    spans = F.array(
        F.when(there[0], _span("before", F.col("before")[c.VALID_FROM], F.when(~same, now))),
        F.when(there[1] & ~same, _span("now", now, F.lit(None).cast("timestamp"))),
    )
    return TRAITS.conform(past).unionByName(TRAITS.conform(pairs.select(*_TRAIT, F.inline(F.array_compact(spans)))))


def _as_struct(rows: DataFrame, name: str, *others: str) -> DataFrame:
    return rows.select(*_TRAIT, F.struct(*_VALUES, *others).alias(name))


def _is_same(name: str) -> Column:
    return F.col("before")[name].eqNullSafe(F.col("now")[name])


def _span(side: str, start: Column, end: Column) -> Column:
    values = [F.col(side)[name].alias(name) for name in _VALUES]
    return F.struct(*values, start.alias(c.VALID_FROM), end.alias(c.VALID_TO))


def open_values(spans: DataFrame, traits: Iterable[str]) -> DataFrame:
    """The values now of some traits, in the columns of TRAIT_VALUES."""
    now = spans.where(F.col(c.VALID_TO).isNull() & F.col(c.TRAIT).isin(*traits))
    return now.select(*TRAIT_VALUES.names)
