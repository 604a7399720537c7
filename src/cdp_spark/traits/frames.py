"""Traits by either engine: events to values, and values to spans; on the driver, or in Spark's tasks."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.config.expressions.compile import compile_expression
from cdp_spark.config.traits.checks import EVENT_COLUMNS
from cdp_spark.config.traits.definitions import ACCOUNT
from cdp_spark.config.traits.model import LINES, PROPERTY
from cdp_spark.tables.catalog import PROFILES, TRAITS, UNIFIED_EVENTS
from cdp_spark.tables.increments.serving import serve_rows
from cdp_spark.tables.rows import field_of, fold_sorted, is_given, map_groups, map_rows, unite
from cdp_spark.traits.engine import Plan
from cdp_spark.traits.finish import TRAIT_VALUES, make_traits
from cdp_spark.traits.frames_accounts import attribute_to_accounts, build_roll_ups, read_people_of_accounts
from cdp_spark.traits.frames_affected import filters_of, named_columns, of_others, of_people, stored_columns
from cdp_spark.traits.spans import SPANS, carry_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from pyspark.sql import Column

    from cdp_spark.config.traits.definitions import TraitDefinition
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext
    from cdp_spark.traits.frames_affected import Definitions, People

_ORDERED = ("first", "last", "recent", "earliest", "sequence")
"""Reductions that depend on which of the events of one time is first."""


def build_trait_values(
    context: RunContext, definitions: Definitions, *, on_driver: bool, people: People | None = None
) -> Rows:
    """Make traits of events.

    Args:
        context: of the run.
        definitions: all of people, or all of accounts and all with or without their subsidiaries; on the driver of
            people, without expressions.
        on_driver: read the events, and make the traits, there.
        people: whose, or of which accounts, where the events are read; None for all.
    Returns: rows of TRAIT_VALUES, one per person or account and trait that has a value.
    """
    only = {c.UNIFIED_ID: people} if isinstance(people, pa.Array) else {}
    names = [c.UNIFIED_ID, *dict.fromkeys((*stored_columns(definitions), c.EVENT_TYPE))]
    events = serve_rows(context.store, UNIFIED_EVENTS, names, only=only, on_driver=on_driver)
    if definitions[0].entity == ACCOUNT:
        below = definitions[0].include_subsidiaries
        people_of = read_people_of_accounts(context, include_subsidiaries=below)
        events = attribute_to_accounts(cast("DataFrame", events), people_of)
    if people is not None:
        events = of_people(events, people)
    expressions = _expressions(definitions)
    plan = Plan(definitions, int(pa.scalar(context.as_of, pa.timestamp("us", "UTC")).value), expressions)
    rows = _needed_columns(_needed_events(events, definitions, context.as_of), definitions, context, expressions)
    if any(it.zone for it in definitions):
        rows = _with_homes(rows, context, definitions, on_driver=on_driver)
    order = (c.OCCURRED_AT, c.EVENT_KEY) if c.EVENT_KEY in rows.schema.names else ()
    return fold_sorted(rows, c.UNIFIED_ID, order, partial(make_traits, plan=plan), TRAIT_VALUES)


def _needed_events(events: Rows, definitions: Definitions, as_of: datetime) -> Rows:
    """The events of people that some trait may count: of its types, and of its ages."""
    measures = [measure for it in definitions for measure in it.all_measures]
    time = field_of(events, c.OCCURRED_AT)
    needed = is_given(events, c.UNIFIED_ID) & (time <= as_of)
    oldest = [measure.ages.under_days for measure in measures]
    bounded = [days for days in oldest if days is not None]
    if len(bounded) == len(oldest):
        needed &= time > as_of - timedelta(days=max(bounded))
    if all(measure.events.events for measure in measures):
        types = sorted({name for measure in measures for name in measure.events.events})
        needed &= field_of(events, c.EVENT_TYPE).isin(types)
    return events.filter(needed)


def _needed_columns(events: Rows, definitions: Definitions, context: RunContext, expressions: dict[str, str]) -> Rows:
    """The columns that measures name, as they name them; expressions as their truth."""
    fixed = [c.UNIFIED_ID, c.OCCURRED_AT]
    if any(measure.reduction in _ORDERED for it in definitions for measure in it.all_measures):
        fixed.append(c.EVENT_KEY)
    names = sorted({c.LINES if it.startswith(LINES) else it for it in named_columns(definitions)})
    if isinstance(events, DataFrame):
        read = events.withColumn(c.ATTRIBUTES, F.col(c.PROPERTIES)) if expressions else events
        return read.select(*fixed, *(_column(name) for name in names), *_conditions(expressions, context))
    return pa.table({name: events[name] for name in fixed} | {name: _read_column(events, name) for name in names})


def _column(name: str) -> Column:
    if name.startswith(PROPERTY):
        return F.col(c.PROPERTIES)[name.removeprefix(PROPERTY)].alias(name)
    return F.col(name).cast("double") if name == c.VALUE else F.col(name)


def _read_column(events: pa.Table, name: str) -> pa.ChunkedArray:
    if name.startswith(PROPERTY):
        return pc.map_lookup(events[c.PROPERTIES], name.removeprefix(PROPERTY), "first")
    return events[name].cast(pa.float64()) if name == c.VALUE else events[name]


def _expressions(definitions: Definitions) -> dict[str, str]:
    """Expression to the column with its truth."""
    texts = {asked.expression for asked in filters_of(definitions)}
    return {text: f"expression_{number}" for number, text in enumerate(sorted(text for text in texts if text))}


def _conditions(expressions: dict[str, str], context: RunContext) -> Iterator[Column]:
    kinds = {name: _KINDS[kind] for name, kind in EVENT_COLUMNS.items()}
    for text, name in expressions.items():
        yield compile_expression(text, columns=kinds, now=context.now, where="trait").alias(name)


_KINDS: dict[str, T.DataType] = {
    "string": T.StringType(),
    "double": T.DoubleType(),
    "timestamp": T.TimestampType(),
    "string_map": T.MapType(T.StringType(), T.StringType()),
}


def _with_homes(rows: Rows, context: RunContext, definitions: Definitions, *, on_driver: bool) -> Rows:
    """Add the country and the own time zone of each profile."""
    attribute = next(it.zone[0] for it in definitions if it.zone)
    names = (c.UNIFIED_ID, c.COUNTRY, c.ATTRIBUTES)
    homes = serve_rows(context.store, PROFILES, names, only={}, on_driver=on_driver)
    if isinstance(homes, DataFrame):
        zone = F.col(c.ATTRIBUTES)[attribute] if attribute else F.lit(None).cast("string")
        zones = homes.select(c.UNIFIED_ID, c.COUNTRY, zone.alias(c.ZONE))
        return rows.join(zones, on=c.UNIFIED_ID, how="left")
    events = cast("pa.Table", rows)
    place = pc.index_in(events[c.UNIFIED_ID], value_set=homes[c.UNIFIED_ID].combine_chunks())
    own = pc.map_lookup(homes[c.ATTRIBUTES], attribute, "first") if attribute else pa.nulls(len(homes), pa.string())
    return events.append_column(c.COUNTRY, homes[c.COUNTRY].take(place)).append_column(c.ZONE, own.take(place))


def build_values(
    context: RunContext, definitions: Definitions, *, on_driver: bool, ids: People | None = None
) -> list[Rows]:
    """Make traits in as few passes as they need: over the events of people, of accounts, of accounts with those below.

    Args:
        context: of the run.
        definitions: of the traits.
        on_driver: whether to make them there; those of accounts are Spark's.
        ids: unified ids of people or accounts; None for all.
    Returns: rows of TRAIT_VALUES of each pass.
    """
    passes: dict[tuple[str, bool, bool], list[TraitDefinition]] = {}
    for it in definitions:
        passes.setdefault((it.entity, it.include_subsidiaries, it.is_of_events), []).append(it)
    return [
        build_trait_values(context, tuple(group), on_driver=on_driver, people=ids)
        if is_of_events
        else build_roll_ups(context, group, accounts=cast("CountedFrame | None", ids))
        for (_, _, is_of_events), group in passes.items()
    ]


def split_traits(
    context: RunContext, *, people: People | None, stale: Sequence[str], on_driver: bool
) -> tuple[Rows, Rows]:
    """Part the spans of the last release into those that stay, and those that were evaluated again.

    Args:
        context: of the run.
        people: whose traits were all evaluated, where the spans are wanted; None for everyone's.
        stale: traits that were evaluated for everyone.
        on_driver: where the spans are wanted.
    """
    released: Rows = context.fetch_released(TRAITS) if on_driver else context.read_released(TRAITS)
    names = TRAITS.schema.names
    if people is None:
        return TRAITS.fetched_schema().empty_table(), released
    is_stale = field_of(released, c.TRAIT).isin(list(stale))
    others = released.filter(~is_stale)
    again, stays = of_people(others, people).select(names), of_others(others, people).select(names)
    return stays, unite(context.store.spark, [released.filter(is_stale).select(names), again])


def build_spans(values: Rows, previous: Rows, *, as_of: datetime, row_count: int) -> Rows:
    """Carry the history of traits on by one run.

    Args:
        values: rows of TRAIT_VALUES, of all people and traits that were evaluated.
        previous: their spans, where the values are; none on the driver where there is no history.
        as_of: of the run.
        row_count: of both, about.
    Returns: rows of the table.
    """
    if not isinstance(previous, DataFrame) and not previous.num_rows:
        return map_rows(values, partial(carry_on, previous=SPANS.empty_table(), as_of=as_of), SPANS)
    parts = [values.select(TRAIT_VALUES.names), previous.select(SPANS.names)]
    return map_groups(parts, c.UNIFIED_ID, partial(carry_on, as_of=as_of), SPANS, row_count=row_count)


def open_values(spans: Rows, traits: Iterable[str]) -> Rows:
    """The values now of some traits, in the columns of TRAIT_VALUES."""
    is_open = ~is_given(spans, c.VALID_TO)
    return spans.filter(is_open & field_of(spans, c.TRAIT).isin(list(traits))).select(TRAIT_VALUES.names)
