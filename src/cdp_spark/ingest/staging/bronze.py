"""What of the staged rows is new to the bronze tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.staging.rows import record_key_expr
from cdp_spark.ingest.suppression.rows import SUPPRESSED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame

_RECORD_VERSION = (c.SOURCE, c.SOURCE_RECORD_ID, c.CONTENT_HASH)
_CONSENT = (c.CONTACT_POINT_HASH, c.PURPOSE, c.SOURCE, c.GIVEN_AT, c.STATUS)


def build_new_records(staged: DataFrame, known: DataFrame) -> DataFrame:
    """The versions of records that `source_records` does not hold yet.

    Args:
        staged: staged rows of all sources.
        known: `source_records`.

    Returns:
        One row per new (source, source_record_id, content_hash).
    """
    records = _accepted(staged, "records").withColumnsRenamed({c.KEY: c.SOURCE_RECORD_ID, c.AT: c.OBSERVED_AT})
    versions = _keep_last(records, _RECORD_VERSION, by=(c.SOURCE_FILE,))
    new = versions.join(known.select(*_RECORD_VERSION), on=list(_RECORD_VERSION), how="left_anti")
    return new.withColumn(c.RECORD_KEY, record_key_expr(F.col(c.SOURCE), F.col(c.SOURCE_RECORD_ID)))


def build_new_events(staged: DataFrame, known: DataFrame) -> DataFrame:
    """The events that `source_events` does not hold yet; of an event delivered twice the latest.

    Args:
        staged: staged rows of all sources.
        known: `source_events`.

    Returns:
        One row per new event_key.
    """
    events = _accepted(staged, "events").withColumnsRenamed(
        {c.KEY: c.EVENT_KEY, c.AT: c.OCCURRED_AT, c.ROW: c.PROPERTIES}
    )
    last = _keep_last(events, (c.EVENT_KEY,), by=(c.OCCURRED_AT, c.CONTENT_HASH, c.SOURCE_FILE))
    return last.join(known.select(c.EVENT_KEY), on=c.EVENT_KEY, how="left_anti")


def build_new_consents(staged: DataFrame, known: DataFrame) -> DataFrame:
    """The consents that `consents` does not hold yet.

    Two statuses given at the same moment are both kept: a reader takes the more restrictive.

    Args:
        staged: staged rows of all sources.
        known: `consents`.

    Returns:
        One row per new (contact point, purpose, source, given_at, status).
    """
    consents = _accepted(staged, "consents").withColumnsRenamed({c.KEY: c.CONTACT_POINT_HASH, c.AT: c.GIVEN_AT})
    last = _keep_last(consents, _CONSENT, by=(c.EVIDENCE, c.CONTENT_HASH))
    return last.join(known.select(*_CONSENT), on=list(_CONSENT), how="left_anti")


def build_new_rejections(staged: DataFrame, known: DataFrame) -> DataFrame:
    """The refused rows that `rejected_rows` does not hold yet, by any run.

    Args:
        staged: staged rows of all sources.
        known: `rejected_rows`.

    Returns:
        One row per new (source, row_hash).
    """
    refused = F.col(c.REASON).isNotNull() & (F.col(c.REASON) != SUPPRESSED)
    rejected = staged.where(refused).withColumn(c.ROW_HASH, F.sha2(F.coalesce(c.RAW_TEXT, F.lit("")), 256))
    last = _keep_last(rejected, (c.SOURCE, c.ROW_HASH), by=(c.REASON, c.SOURCE_FILE))
    keys = [c.SOURCE, c.ROW_HASH, c.REASON]
    return last.join(known.select(*keys), on=keys, how="left_anti")


def build_snapshots(staged: DataFrame, held: DataFrame, *, delivered: Sequence[str], kept: Sequence[str]) -> DataFrame:
    """The records that the newest delivery of each snapshot source holds, and which version of them.

    Args:
        staged: staged rows of all sources.
        held: `source_snapshots`.
        delivered: snapshot sources with a delivery.
        kept: snapshot sources without one; their last snapshot stays.

    Returns:
        One row per (source, source_record_id); of several versions in a delivery the last observed.
    """
    records = _accepted(staged, "records").where(F.col(c.SOURCE).isin(*delivered))
    last = _keep_last(records, (c.SOURCE, c.KEY), by=(c.AT, c.CONTENT_HASH))
    columns = [c.SOURCE, c.SOURCE_RECORD_ID, c.CONTENT_HASH]
    current = last.withColumnRenamed(c.KEY, c.SOURCE_RECORD_ID).select(*columns)
    return current.unionAll(held.where(F.col(c.SOURCE).isin(*kept)).select(*columns))


def with_run(rows: DataFrame, *, run_id: str, at: datetime, at_column: str = c.INGESTED_AT) -> DataFrame:
    """Add the run and its clock."""
    return rows.withColumns({c.RUN_ID: F.lit(run_id), at_column: F.lit(at)})


def _accepted(staged: DataFrame, kind: str) -> DataFrame:
    return staged.where((F.col(c.KIND) == kind) & F.col(c.REASON).isNull())


def _keep_last(rows: DataFrame, keys: Sequence[str], *, by: Sequence[str]) -> DataFrame:
    """Keep one row per key, the greatest by the given columns; nulls come first."""
    values = [name for name in rows.columns if name not in keys]
    last = F.max_by(F.struct(*values), F.struct(*by)).alias("last")
    return rows.groupBy(*keys).agg(last).select(*keys, "last.*")
