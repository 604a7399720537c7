"""Visitors: one record for each distinct set of identifiers that events bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.standardise.frames import ATTRIBUTES, build_clean_rows
from cdp_spark.standardise.mapping import RawMapping
from cdp_spark.tables.catalog import RECORDS
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.project import Project

VISITOR = "visitor"
VISITOR_SOURCE = "events"
"""The source of a visitor's record; `event_sources` names those of its events."""

_SET = "identifier_set"
_SEEN_IN = "seen_in"


def event_sources(project: Project) -> list[str]:
    """Name the sources of events."""
    return sorted(source.name for source in project.sources if source.kind == "events")


def visitors_mapping(project: Project) -> RawMapping:
    """Say how the identifiers of the sources of events are read: those that are no type of theirs identify nobody."""
    types = sorted({kind for source in project.sources if source.events for kind in source.events.identifiers})
    region, forms = project.settings.default_region, project.identifiers.forms
    return RawMapping({}, {kind: kind for kind in types}, default_region=region, forms=forms)


def build_identifier_sets(source_events: DataFrame, sources: Sequence[str]) -> DataFrame:
    """Reduce events to the distinct sets of identifiers that they bear.

    One hash aggregation with buffers of fixed width, so that it combines before the shuffle and spills after it.

    Args:
        source_events: one row per event.
        sources: names; events of other sources, and events without an identifier, show no visitor.
    Returns: one row per set: identifier_set, first_seen_at, observed_at (the last time), ingested_at (the first),
        event_sources.
    """
    bits = {name: 1 << place for place, name in enumerate(sources)}
    bit = F.lit(0).cast("long")
    for name, value in bits.items():
        bit = F.when(F.col(c.SOURCE) == name, F.lit(value).cast("long")).otherwise(bit)
    borne = source_events.where(F.col(c.SOURCE).isin(*sources)).select(
        identifier_set_expr(F.col(c.IDENTIFIERS)).alias(_SET), c.OCCURRED_AT, c.INGESTED_AT, bit.alias(_SEEN_IN)
    )
    sets = borne.where(F.col(_SET).isNotNull()).groupBy(_SET)
    names = [F.when(F.col(_SEEN_IN).bitwiseAND(value) != 0, name) for name, value in bits.items()]
    return sets.agg(
        F.min(c.OCCURRED_AT).alias(c.FIRST_SEEN_AT),
        F.max(c.OCCURRED_AT).alias(c.OBSERVED_AT),
        F.min(c.INGESTED_AT).alias(c.INGESTED_AT),
        F.bit_or(_SEEN_IN).alias(_SEEN_IN),
    ).select(
        _SET, c.FIRST_SEEN_AT, c.OBSERVED_AT, c.INGESTED_AT, F.array_compact(F.array(*names)).alias(c.EVENT_SOURCES)
    )


def build_visitors(identifier_sets: DataFrame, mapping: RawMapping, *, as_of: date) -> DataFrame:
    """Make a record of each set; its identifiers are cleaned as those of any record, its attributes are empty.

    Args:
        identifier_sets: from `build_identifier_sets`.
        mapping: of the identifiers; others in a set tell visitors apart and identify nobody.
        as_of: today.
    Returns: one row per set: the columns of `records`, and `identifiers`.
    """
    keys = _key_columns()
    rows = identifier_sets.select(
        *(value.alias(name) for name, value in keys.items()), F.from_json(_SET, "map<string,string>").alias(c.ROW)
    )
    cleaned = build_clean_rows(rows, {VISITOR_SOURCE: mapping}, as_of=as_of)
    return cleaned.select(*keys, *map(_empty_expr, ATTRIBUTES), c.IDENTIFIERS)


def _empty_expr(attribute: str) -> Column:
    kind = RECORDS.schema[attribute].dataType
    if isinstance(kind, T.ArrayType):
        return F.array().cast(kind).alias(attribute)
    return (F.create_map() if isinstance(kind, T.MapType) else F.lit(None)).cast(kind).alias(attribute)


def _key_columns() -> dict[str, Column]:
    identifier_set = F.col(_SET)
    given = (c.OBSERVED_AT, c.INGESTED_AT, c.FIRST_SEEN_AT, c.EVENT_SOURCES)
    return {
        c.RECORD_KEY: visitor_key_expr(identifier_set),
        c.ENTITY_TYPE: F.lit(VISITOR),
        c.SOURCE: F.lit(VISITOR_SOURCE),
        c.SOURCE_RECORD_ID: identifier_set,
        c.CONTENT_HASH: F.sha2(identifier_set, 256),
        **{name: F.col(name) for name in given},
    }
