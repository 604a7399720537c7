"""Whose traits may differ from those of the stage's basis.

Who is affected is decided on the driver where the stage works there, and in Spark otherwise, by the same conditions.
"""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, TypeAlias, cast

import pyarrow as pa
from pyspark.sql import DataFrame

from cdp_spark import columns as c
from cdp_spark.config.traits.checks import EVENT_COLUMNS
from cdp_spark.config.traits.definitions import ACCOUNT, LOCAL_HOUR, borders_of
from cdp_spark.config.traits.model import LINES, PROPERTY
from cdp_spark.tables.catalog import PROFILES, SCORES, UNIFIED_EVENTS
from cdp_spark.tables.checkpoint import CountedFrame, unite_distinct
from cdp_spark.tables.increments.difference import fetch_changed, read_changed
from cdp_spark.tables.increments.serving import serve_rows
from cdp_spark.tables.rows import field_of, rows_with, rows_without, unite_texts
from cdp_spark.traits.frames_accounts import find_affected_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.traits.definitions import EventFilter, TraitDefinition
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext

Definitions: TypeAlias = tuple["TraitDefinition", ...]
People: TypeAlias = CountedFrame | pa.Array
"""Unified ids, each once: in a frame, or on the driver."""


def count_people(people: People | None) -> int:
    """How many there are; 0 for None."""
    if people is None:
        return 0
    return people.count if isinstance(people, CountedFrame) else len(people)


def of_people(rows: Rows, people: People) -> Rows:
    """The rows of some people."""
    if isinstance(people, CountedFrame):
        assert isinstance(rows, DataFrame), "people are where the rows are"
        return rows.join(people.joinable, on=c.UNIFIED_ID, how="left_semi")
    return rows_with(rows, c.UNIFIED_ID, people)


def of_others(rows: Rows, people: People) -> Rows:
    """The rows of everyone else."""
    if isinstance(people, CountedFrame):
        assert isinstance(rows, DataFrame), "people are where the rows are"
        return rows.join(people.joinable, on=c.UNIFIED_ID, how="left_anti")
    return rows_without(rows, c.UNIFIED_ID, people)


def filters_of(definitions: Definitions) -> tuple[EventFilter, ...]:
    """All that measures ask of events, the steps of sequences included."""
    return tuple(it for of_trait in definitions for measure in of_trait.all_measures for it in measure.filters)


def named_columns(definitions: Definitions) -> frozenset[str]:
    """The columns of events that measures name, as they name them."""
    measures = [measure for it in definitions for measure in it.all_measures]
    values = {measure.column for measure in measures} - {"", LOCAL_HOUR}
    filters = filters_of(definitions)
    conditions = {condition.column for it in filters for condition in it.where}
    types = {c.EVENT_TYPE for it in filters if it.events}
    return frozenset(values | conditions | types)


def has_expressions(definitions: Definitions) -> bool:
    """Whether a condition is in the grammar, which Spark alone evaluates."""
    return any(it.expression is not None for it in filters_of(definitions))


def stored_columns(definitions: Definitions) -> list[str]:
    """The columns of `unified_events` whose values decide about traits, in the table's order."""
    expressed = EVENT_COLUMNS.keys() if has_expressions(definitions) else ()
    named = {_stored(it) for it in (*named_columns(definitions), *expressed, c.EVENT_KEY, c.OCCURRED_AT)}
    return [name for name in UNIFIED_EVENTS.schema.names if name in named]


def _stored(name: str) -> str:
    """The column of `unified_events` that a named one is in."""
    if name.startswith(PROPERTY) or name == c.ATTRIBUTES:
        return c.PROPERTIES
    return c.LINES if name.startswith(LINES) else name


def find_affected(context: RunContext, definitions: Definitions, *, on_driver: bool) -> People:
    """Find the people and accounts whose values may differ from those of the stage's basis.

    Args:
        context: of a stage with a basis.
        definitions: of the traits; on the driver of people.
        on_driver: where the ids are wanted.
    Returns: their unified ids.
    """
    of_people = tuple(it for it in definitions if it.entity != ACCOUNT)
    of_accounts = tuple(it for it in definitions if it.entity == ACCOUNT)
    if on_driver:
        return unite_texts(*(it[c.UNIFIED_ID] for it in _affected_by_events(context, of_people, True))).drop_null()
    found = cast("list[DataFrame]", _affected_by_events(context, of_people, False)) if of_people else []
    if of_accounts:
        by_events = tuple(it for it in of_accounts if it.is_of_events)
        members = cast("list[DataFrame]", _affected_by_events(context, by_events, False)) if by_events else []
        if any(it.finish == "score" for it in of_accounts):
            members.append(read_changed(context, SCORES, key=(c.UNIFIED_ID,)))
        nobody = context.store.read(UNIFIED_EVENTS).select(c.UNIFIED_ID).limit(0)
        found.append(find_affected_accounts(context, of_accounts, reduce(DataFrame.unionByName, members, nobody)).rows)
    return unite_distinct([it.dropna() for it in found])


def _affected_by_events(context: RunContext, definitions: Definitions, on_driver: bool) -> list[Rows]:
    """Who has a new, changed, moved or vanished event, one that began or ceased to count, or another time zone."""
    key = (c.UNIFIED_ID,)
    compared = [(UNIFIED_EVENTS, stored_columns(definitions))]
    if any(it.zone for it in definitions):
        compared.append((PROFILES, [c.COUNTRY, c.ATTRIBUTES]))
    crossed = [*_crossing(context, definitions, on_driver=on_driver)]
    find = fetch_changed if on_driver else read_changed
    changed: list[Rows] = [find(context, spec, key=key, columns=columns) for spec, columns in compared]
    return [*changed, *crossed]


def _crossing(context: RunContext, definitions: Definitions, *, on_driver: bool) -> Iterator[Rows]:
    """Who has an event that passed the border of an age between the two clocks."""
    basis = context.basis
    if basis is None or basis.as_of == context.as_of:
        return
    names = (c.UNIFIED_ID, c.OCCURRED_AT, c.EVENT_TYPE)
    events = serve_rows(context.store, UNIFIED_EVENTS, names, only={}, on_driver=on_driver)
    time, passed = field_of(events, c.OCCURRED_AT), []
    for days, types in borders_of(definitions).items():
        age = timedelta(days=days)
        inside = (time > basis.as_of - age) & (time <= context.as_of - age)
        passed.append(inside & field_of(events, c.EVENT_TYPE).isin(sorted(types)) if types else inside)
    yield events.filter(reduce(or_, passed)).select([c.UNIFIED_ID])
