"""Counts of the sources' current rows, by Spark."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.quality.measures import FieldCount, SourceCount
from cdp_spark.tables.catalog import RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame, Row

_FIELD, _NEWEST, _VALUES, _DISTINCT = "field", "newest", "values_of", "distinct_of"
_VISITOR = "visitor"
_NOT_FIELDS = {
    *(c.RECORD_KEY, c.ENTITY_TYPE, c.SOURCE, c.SOURCE_RECORD_ID, c.CONTENT_HASH, c.INGESTED_AT, c.FIRST_SEEN_AT),
    *(c.EVENT_SOURCES, c.EMAILS, c.PHONES, c.ATTRIBUTES, c.VALUE_ISSUES, c.COMPANY_CORE),
}
"""Columns of `records` that no source fills, or whose values other columns hold."""
_EVENT_FIELDS = {
    *(c.RECEIVED_AT, c.VALUE, c.CURRENCY, c.QUANTITY, c.PRODUCT_ID),
    *(c.CATEGORY, c.CAMPAIGN, c.CHANNEL, c.URL),
}
RECORD_FIELDS = tuple(it.name for it in RECORDS.schema if it.name not in _NOT_FIELDS)


def count_records(records: DataFrame) -> list[SourceCount]:
    """Count the values of each source's current records (three aggregations).

    Args:
        records: one row per record_key; visitors do not count.
    """
    records = records.where(F.col(c.ENTITY_TYPE) != _VISITOR)
    issue = F.explode(c.VALUE_ISSUES).alias(_FIELD)
    column = F.substring_index(_FIELD, ":", 1).alias(_FIELD)
    unread = records.select(c.SOURCE, issue).groupBy(c.SOURCE, column).agg(F.count(F.lit(1)).alias(_VALUES))
    issues = {(row[c.SOURCE], row[_FIELD]): row[_VALUES] for row in unread.collect()}
    return _count(records, RECORD_FIELDS, c.ATTRIBUTES, F.max(c.OBSERVED_AT), issues)


def count_events(events: DataFrame) -> list[SourceCount]:
    """Count the values of each source's events, their identifiers among them (two aggregations).

    Args:
        events: one row per event_key.
    """
    fields = [it.name for it in events.schema if it.name in _EVENT_FIELDS]
    return _count(events, fields, c.IDENTIFIERS, F.max(c.OCCURRED_AT), {})


def _count(
    rows: DataFrame, fields: Sequence[str], pairs: str, newest: Column, issues: Mapping[tuple[str, str], int]
) -> list[SourceCount]:
    """Count the values of columns, and of the keys of a map."""
    kinds = {it.name: it.dataType for it in rows.schema}
    values = [_value(name, kinds[name]) for name in fields]
    figures = [figure for value in values for figure in (F.count(value), F.approx_count_distinct(value))]
    named = [figure.alias(f"f{place}") for place, figure in enumerate(figures)]
    sources = rows.groupBy(c.SOURCE).agg(F.count(F.lit(1)).alias(c.ROWS), newest.alias(_NEWEST), *named).collect()
    found: defaultdict[str, list[FieldCount]] = defaultdict(list)
    for row in sources:
        counts = [(name, row[f"f{2 * place}"], row[f"f{2 * place + 1}"]) for place, name in enumerate(fields)]
        found[row[c.SOURCE]] += _fields(row[c.SOURCE], counts, issues)
    for source, of_source in _of_map(rows, pairs).items():
        found[source] += of_source
    return [
        SourceCount(it[c.SOURCE], it[c.ROWS], it[_NEWEST] and it[_NEWEST].astimezone(UTC), tuple(found[it[c.SOURCE]]))
        for it in sources
    ]


def _value(name: str, kind: T.DataType) -> Column:
    return F.when(F.size(name) > 0, F.to_json(name)) if isinstance(kind, T.ArrayType) else F.col(name)


def _fields(
    source: str, counts: Sequence[tuple[str, int, int]], issues: Mapping[tuple[str, str], int]
) -> list[FieldCount]:
    fields = [FieldCount(name, values, distinct, issues.get((source, name), 0)) for name, values, distinct in counts]
    return [it for it in fields if it.values or it.unread]


def _of_map(rows: DataFrame, pairs: str) -> dict[str, list[FieldCount]]:
    each = rows.select(c.SOURCE, F.explode(pairs).alias(_FIELD, c.VALUE)).where(F.col(c.VALUE).isNotNull())
    figures = (F.count(F.lit(1)).alias(_VALUES), F.approx_count_distinct(c.VALUE).alias(_DISTINCT))
    found: defaultdict[str, list[FieldCount]] = defaultdict(list)
    counted: list[Row] = each.groupBy(c.SOURCE, _FIELD).agg(*figures).orderBy(_FIELD).collect()
    for row in counted:
        found[row[c.SOURCE]].append(FieldCount(row[_FIELD], row[_VALUES], row[_DISTINCT]))
    return found
