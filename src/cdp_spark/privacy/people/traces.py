"""Where people who are to be erased left traces that no id leads to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.terms import REMOVED
from cdp_spark.ingest.suppression.frames import holds_listed_expr, is_listed_expr
from cdp_spark.ingest.suppression.listed import Listed
from cdp_spark.normalise.identifiers import searched_identifiers
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import (
    ACCOUNT_HIERARCHY,
    ACCOUNT_MEMBERS,
    ID_CHANGES,
    RECORDS,
    REJECTED_ROWS,
    RUNS,
    SOURCE_EVENTS,
    SOURCE_RECORDS,
    UNIFIED_IDS,
)
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr
from cdp_spark.tables.rows import rows_with, texts, tuples_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cdp_spark.normalise.keyed_hashing import SuppressionList
    from cdp_spark.privacy.people.identifiers import Identifier, Known
    from cdp_spark.privacy.people.requests import People
    from cdp_spark.tables.run import RunContext

Found = dict[str, Any]
"""A row that was found."""
_HELD_BY, _SET, _IS_CURRENT, _CELLS = "held_by", "identifier_set", "is_current_version", "cells"


class Span(NamedTuple):
    """A time in which an id bore a record of theirs.

    Args:
        unified_id: of another.
        since: when the record came to it; None where that is forgotten.
        until: when it left.
    """

    unified_id: str
    since: datetime | None
    until: datetime


@dataclass(frozen=True)
class Traces:
    """What is to be taken out of the tables.

    Args:
        names: unified ids and record keys: a row that names one goes.
        contact_hashes: of consents.
        refused: row_hash of refused rows that hold an identifier of theirs.
        versions: record_key and content_hash of older versions of other people's records that do.
        spans: ids that once bore one of their records, and from when until when.
        orders: order_key of their orders whose lines a source of its own has.
        accounts: they belonged to, and those above: what these come to is partly theirs.
        contested: identifiers that stand in what others' records say now, read another way than they were cleaned.
    """

    names: tuple[str, ...]
    contact_hashes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    spans: tuple[Span, ...] = ()
    orders: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    contested: frozenset[Identifier] = frozenset()


def find_traces(context: RunContext, people: People, known: Known) -> Traces:
    """Look through what was delivered for rows that hold an identifier of the people, as ingest would.

    Such rows may be refused ones, of a run that was not released, or of a record that is another one's now.
    """
    found = known.as_list(context.project)
    searches: dict[str, Callable[[], list[Any]]] = {
        "spans": partial(find_spans, context, people),
        "refused": partial(_find_refused, context, found),
        "versions": partial(_find_versions, context, people, found),
        "visitors": partial(_find_visitors, context, found),
    }
    rows = run_together(context.store.spark, searches)
    of_others = [row for row in rows["versions"] if row[_HELD_BY]]
    unreleased = {row[c.RECORD_KEY] for row in rows["versions"] if not row[_HELD_BY]}
    visitors = {row[c.RECORD_KEY] for row in rows["visitors"]}
    names = tuple(sorted({*people.ids, *people.merged_ids, *people.record_keys, *unreleased, *visitors}))
    return Traces(
        names=names,
        contact_hashes=known.contact_hashes,
        refused=tuple(sorted({row[c.ROW_HASH] for row in rows["refused"]})),
        versions=tuple(sorted((row[c.RECORD_KEY], row[c.CONTENT_HASH]) for row in of_others if not row[_IS_CURRENT])),
        spans=tuple(sorted(rows["spans"])),
        orders=_find_orders(context, names),
        accounts=_find_accounts(context, people),
        contested=_held(context, known, [row for row in of_others if row[_IS_CURRENT]]),
    )


def _held(context: RunContext, known: Known, rows: list[Found]) -> frozenset[Identifier]:
    """The identifiers that stand in rows, whatever their columns mean."""
    region, kinds = context.project.settings.default_region, {kind for kind, _ in known.own}
    search = partial(searched_identifiers, region=region, forms=context.project.identifiers.forms)
    cells = {cell for row in rows for cell in row[_CELLS] if cell}
    borne = {pair for kind in kinds for cell in cells for pair in search(kind, cell)}
    return known.own & borne


def _find_refused(context: RunContext, found: SuppressionList) -> list[Found]:
    no_row = F.lit(None).cast("map<string,string>")
    rows = context.read_released(REJECTED_ROWS).withColumn(c.ROW, no_row)
    return _rows(_search(context, rows, found).select(c.ROW_HASH).distinct())


def _find_versions(context: RunContext, people: People, found: SuppressionList) -> list[Found]:
    """Versions of others' records: their cells, which id bears the record, and whether that is what it says now."""
    theirs = F.broadcast(people.keys_frame(context.store))
    others = context.read_released(SOURCE_RECORDS).join(theirs, on=c.RECORD_KEY, how="left_anti")
    held = _search(context, others.withColumn(c.RAW_TEXT, F.lit(None).cast("string")), found)
    versions = _rows(held.select(c.RECORD_KEY, c.CONTENT_HASH, F.map_values(c.ROW).alias(_CELLS)))
    if not versions:
        return []
    only = {c.RECORD_KEY: texts({row[c.RECORD_KEY] for row in versions})}
    ids = dict(tuples_of(context.fetch_released(UNIFIED_IDS, (c.RECORD_KEY, c.UNIFIED_ID), only=only)))
    current = dict(tuples_of(context.fetch_released(RECORDS, (c.RECORD_KEY, c.CONTENT_HASH), only=only)))
    return [
        {
            **row,
            _HELD_BY: ids.get(row[c.RECORD_KEY]),
            _IS_CURRENT: current.get(row[c.RECORD_KEY]) == row[c.CONTENT_HASH],
        }
        for row in versions
    ]


def _search(context: RunContext, rows: DataFrame, found: SuppressionList) -> DataFrame:
    """The rows in which an identifier is found; of sources that are no longer configured by the e-mails in them."""
    default, sources = context.project.settings.default_region, context.project.sources
    parts = [
        rows.where(F.col(c.SOURCE) == source.name).where(
            is_listed_expr(Listed(found, source.default_region or default, source))
        )
        for source in sources
    ]
    of_others = rows.where(~F.col(c.SOURCE).isin(*[source.name for source in sources])) if sources else rows
    return reduce(DataFrame.unionAll, [*parts, of_others.where(is_listed_expr(Listed(found, default)))])


def _find_visitors(context: RunContext, found: SuppressionList) -> list[Found]:
    """The sets of identifiers that events bear and that hold one of the people's."""
    borne = context.read_released(SOURCE_EVENTS).select(identifier_set_expr(F.col(c.IDENTIFIERS)).alias(_SET))
    sets = borne.where(F.col(_SET).isNotNull()).distinct()
    held = holds_listed_expr(F.col(_SET), Listed(found, context.project.settings.default_region))
    return _rows(sets.where(held).select(visitor_key_expr(F.col(_SET)).alias(c.RECORD_KEY)))


def _find_orders(context: RunContext, names: tuple[str, ...]) -> tuple[str, ...]:
    """The orders of visitors whose lines a source of its own has; none where no source has lines."""
    if not any(source.events and source.events.lines_from for source in context.project.sources):
        return ()
    key = visitor_key_expr(identifier_set_expr(F.col(c.IDENTIFIERS))).alias(c.RECORD_KEY)
    orders = context.read_released(SOURCE_EVENTS).where(F.col(c.LINES_KEY).isNotNull()).select(key, c.LINES_KEY)
    theirs = rows_with(orders, c.RECORD_KEY, texts(names))
    return tuple(sorted(row[c.LINES_KEY] for row in _rows(theirs.select(c.LINES_KEY).distinct())))


def _find_accounts(context: RunContext, people: People) -> tuple[str, ...]:
    """The accounts of the people, and those above them."""
    theirs = {c.UNIFIED_ID: texts({*people.ids, *people.merged_ids})}
    own = texts({*context.fetch_released(ACCOUNT_MEMBERS, (c.ACCOUNT_ID,), only=theirs)[c.ACCOUNT_ID].to_pylist()})
    paths = context.fetch_released(ACCOUNT_HIERARCHY, (c.PATH,), only={c.UNIFIED_ID: own})[c.PATH].to_pylist()
    return tuple(sorted({*own.to_pylist(), *(it for path in paths for it in path)}))


def _rows(found: DataFrame) -> list[Found]:
    rows: list[Found] = found.toArrow().to_pylist()
    return rows


def find_spans(context: RunContext, people: People) -> list[Span]:
    """The ids of others in the log of changes of the people's records; the profiles of then are made of theirs, too."""
    own = {*people.ids, *people.merged_ids}
    only = {c.RECORD_KEY: pa.array(people.record_keys, pa.string())}
    columns = (c.RELEASE, c.RECORD_KEY, c.UNIFIED_ID, c.PREVIOUS_ID, c.CHANGE)
    changes = context.fetch_released(ID_CHANGES, columns, only=only).sort_by(c.RELEASE).to_pylist()
    clocks = {row[c.ORDINAL]: row[c.AS_OF] for row in context.store.fetch(RUNS, (c.ORDINAL, c.AS_OF)).to_pylist()}
    came: dict[tuple[str, str], datetime | None] = {}
    spans = []
    for row in changes:
        record, held, before = row[c.RECORD_KEY], row[c.UNIFIED_ID], row[c.PREVIOUS_ID]
        if before is not None and before not in own and row[c.RELEASE] in clocks:
            spans.append(Span(before, came.pop((record, before), None), clocks[row[c.RELEASE]]))
        if row[c.CHANGE] != REMOVED:
            came[record, held] = clocks.get(row[c.RELEASE])
    return sorted(set(spans), key=str)
