"""Where people who are to be erased left traces that no id leads to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.suppression.rows import is_listed_expr, listed_udf
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import (
    ID_CHANGES,
    REJECTED_ROWS,
    RUNS,
    SOURCE_EVENTS,
    SOURCE_RECORDS,
    UNIFIED_IDS,
)
from cdp_spark.tables.hashing import identifier_set_expr, visitor_key_expr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pyspark.sql import Row

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.suppression.register import SuppressionList
    from cdp_spark.privacy.identifiers import Known
    from cdp_spark.privacy.requests import People
    from cdp_spark.tables.run import RunContext


@dataclass(frozen=True)
class Traces:
    """What is to be taken out of the tables.

    Args:
        names: unified ids and record keys: a row that names one goes.
        contact_hashes: of consents.
        refused: row_hash of refused rows that hold an identifier of theirs.
        versions: record_key and content_hash of older versions of other people's records that do.
        spans: ids that once bore one of their records, and until when.
    """

    names: tuple[str, ...]
    contact_hashes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    spans: tuple[tuple[str, datetime], ...] = ()


def find_traces(context: RunContext, people: People, known: Known) -> Traces:
    """Look through what was delivered for rows that hold an identifier of the people, as ingest would.

    Such rows may be refused ones, of a run that was not released, or of a record that is another one's now.
    """
    found = known.as_list(context.project)
    searches: dict[str, Callable[[], list[Row]]] = {"spans": partial(_find_spans, context, people)}
    if found.hashes:
        searches["refused"] = partial(_find_refused, context, found)
        searches["versions"] = partial(_find_versions, context, people, found)
        searches["visitors"] = partial(_find_visitors, context, found)
    rows = run_together(context.store.spark, searches)
    unreleased = {row[c.RECORD_KEY] for row in rows.get("versions", ()) if not row.is_released}
    visitors = {row[c.RECORD_KEY] for row in rows.get("visitors", ())}
    return Traces(
        names=tuple(sorted({*people.ids, *people.merged_ids, *people.record_keys, *unreleased, *visitors})),
        contact_hashes=known.contact_hashes,
        refused=tuple(sorted({row[c.ROW_HASH] for row in rows.get("refused", ())})),
        versions=tuple(
            sorted((row[c.RECORD_KEY], row[c.CONTENT_HASH]) for row in rows.get("versions", ()) if row.is_released)
        ),
        spans=tuple(sorted((row[c.UNIFIED_ID], row[c.AS_OF]) for row in rows["spans"])),
    )


def _find_refused(context: RunContext, found: SuppressionList) -> list[Row]:
    no_row = F.lit(None).cast("map<string,string>")
    rows = context.store.read(REJECTED_ROWS).withColumn(c.ROW, no_row)
    return _search(context, rows, context.project.sources, found, (c.ROW_HASH,))


def _find_versions(context: RunContext, people: People, found: SuppressionList) -> list[Row]:
    """Versions of records that are not the people's now; whether the last release has the record."""
    theirs = context.read_released(UNIFIED_IDS).where(F.col(c.UNIFIED_ID).isin(*people.ids)).select(c.RECORD_KEY)
    others = context.store.read(SOURCE_RECORDS).join(F.broadcast(theirs), on=c.RECORD_KEY, how="left_anti")
    sources = [source for source in context.project.sources if source.kind == "records"]
    rows = others.withColumn(c.RAW_TEXT, F.lit(None).cast("string"))
    held = _search(context, rows, sources, found, (c.RECORD_KEY, c.CONTENT_HASH))
    if not held:
        return []
    keys = context.store.spark.createDataFrame(held)
    released = context.read_released(UNIFIED_IDS).select(c.RECORD_KEY, F.lit(True).alias("is_released"))
    return keys.join(released, on=c.RECORD_KEY, how="left").fillna(False, ["is_released"]).collect()


def _search(
    context: RunContext,
    rows: DataFrame,
    sources: Sequence[SourceConfig],
    found: SuppressionList,
    columns: tuple[str, ...],
) -> list[Row]:
    """The rows of some sources in which an identifier is found."""
    default = context.project.settings.default_region
    parts = [
        rows.where(F.col(c.SOURCE) == source.name)
        .where(is_listed_expr(source, found, region=source.default_region or default))
        .select(*columns)
        for source in sources
    ]
    return reduce(DataFrame.unionAll, parts).distinct().collect() if parts else []


def _find_visitors(context: RunContext, found: SuppressionList) -> list[Row]:
    """The sets of identifiers that events bear and that hold one of the people's."""
    borne = context.store.read(SOURCE_EVENTS).select(identifier_set_expr(F.col(c.IDENTIFIERS)).alias("identifier_set"))
    sets = borne.where(F.col("identifier_set").isNotNull()).distinct()
    points = F.map_entries(F.from_json("identifier_set", "map<string,string>"))
    named = F.transform(points, lambda it: F.struct(it["key"].alias(c.TYPE), it["value"].alias(c.VALUE)))
    held = listed_udf(found, context.project.settings.default_region)(named)
    return sets.where(held).select(visitor_key_expr(F.col("identifier_set")).alias(c.RECORD_KEY)).collect()


def _find_spans(context: RunContext, people: People) -> list[Row]:
    """The ids of other people that once bore a record of these: the time at which the last one left."""
    own = (*people.ids, *people.merged_ids)
    left = context.read_released(ID_CHANGES).where(
        F.col(c.RECORD_KEY).isin(*people.record_keys) & ~F.col(c.PREVIOUS_ID).isin(*own)
    )
    clocks = context.store.read(RUNS).select(F.col(c.ORDINAL).alias(c.RELEASE), c.AS_OF).distinct()
    timed = left.select(F.col(c.PREVIOUS_ID).alias(c.UNIFIED_ID), c.RELEASE).join(clocks, on=c.RELEASE, how="inner")
    return timed.groupBy(c.UNIFIED_ID).agg(F.max(c.AS_OF).alias(c.AS_OF)).collect()
