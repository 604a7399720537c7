"""What may have moved records since the last release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.in_spark.night import EvidenceFrames
from cdp_spark.identity.terms import CHANGED_VALUE, ERASURE, LABEL, LIMIT, LIMIT_REASONS, VALUE_REASONS, linking_types
from cdp_spark.tables.catalog import CUTS, IDENTIFIERS, LABELS, RECORDS, RELEASES, RUNS, TOUCHED_RECORDS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.identity.in_spark.night import Night
    from cdp_spark.tables.run import RunContext


def read_evidence(context: RunContext, night: Night) -> EvidenceFrames:
    """What may have moved the records that a night looks at."""
    store, pair = context.store, [c.RECORD_KEY_L, c.RECORD_KEY_R]
    labels = store.read(LABELS).select(*pair, F.lit(LABEL).alias(c.CAUSE))
    limits = read_limits(context).select(*pair, F.lit(LIMIT).alias(c.CAUSE))
    last, records = _last_release(context), store.read(RECORDS).select(c.RECORD_KEY, c.INGESTED_AT)
    if night.affected is not None:
        records = records.join(night.affected.joinable, on=c.RECORD_KEY, how="left_semi")
    changed = records.join(last, how="cross").where(F.col(c.INGESTED_AT) > F.col(c.AS_OF))
    by_erasures = store.read(TOUCHED_RECORDS).where(F.col(c.STAGE) == ERASURE)
    beside = by_erasures.join(last, how="cross").where(F.col(c.ORDINAL) >= F.col(c.RELEASE))
    named = {CHANGED_VALUE: changed, ERASURE: beside}
    of_records = [rows.select(c.RECORD_KEY, F.lit(cause).alias(c.CAUSE)) for cause, rows in named.items()]
    return EvidenceFrames(of_records[0].unionByName(of_records[1]), labels.unionByName(limits))


def read_limits(context: RunContext) -> DataFrame:
    """The pairs of this run that a limit kept apart."""
    of_this_run = (F.col(c.RUN_ID) == context.run_id) & F.col(c.REASON).isin(*LIMIT_REASONS)
    names = (c.RECORD_KEY_L, c.RECORD_KEY_R, c.IDENTIFIER_TYPE, c.REASON)
    return context.store.read(CUTS).where(of_this_run).select(*names).unionByName(_read_unused_values(context))


def _read_unused_values(context: RunContext) -> DataFrame:
    """The people that a value would have joined, were it not shared by too many or contradicted by what they say."""
    linking = linking_types(context.project)
    unused = context.store.read(IDENTIFIERS).where(
        (F.col(c.ENTITY_TYPE) == "person") & F.col(c.TYPE).isin(*linking) & F.col(c.REASON).isin(*VALUE_REASONS)
    )
    first = F.min(c.RECORD_KEY).over(Window.partitionBy(c.TYPE, c.VALUE_HASH))
    pairs = unused.select(
        first.alias(c.RECORD_KEY_L),
        F.col(c.RECORD_KEY).alias(c.RECORD_KEY_R),
        F.col(c.TYPE).alias(c.IDENTIFIER_TYPE),
        c.REASON,
    )
    return pairs.where(F.col(c.RECORD_KEY_L) != F.col(c.RECORD_KEY_R))


def _last_release(context: RunContext) -> DataFrame:
    """The last release, one row with its number and the clock of its run; none before the first."""
    published = context.store.read(RELEASES).where(F.col(c.RELEASE) < context.ordinal)
    last = published.orderBy(F.desc(c.RELEASE)).limit(1).select(c.RELEASE, c.RUN_ID, c.PUBLISHED_AT)
    clocks = context.store.read(RUNS).groupBy(c.RUN_ID).agg(F.max(c.AS_OF).alias(c.AS_OF))
    as_of = F.coalesce(c.AS_OF, c.PUBLISHED_AT).alias(c.AS_OF)
    return last.join(clocks, on=c.RUN_ID, how="left").select(c.RELEASE, as_of)
