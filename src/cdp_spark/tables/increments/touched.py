"""Which records a stage worked on anew, and so which ones the next stage has to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.tables.catalog import TOUCHED_RECORDS
from cdp_spark.tables.rows import unite, with_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext

MATCHING, CLUSTERING = "matching", "clustering"
ERASURE = "erasure"
"""Works on the records that a person who was erased may have kept together or apart."""
KEPT_RUNS = 30
"""A stage that has not finished for this many runs works on all records."""


def record_touched(context: RunContext, stage: str, touched: Mapping[str, Rows | None]) -> int:
    """Note what a stage worked on in this run; returns the Delta version of the table.

    What a run notes that does not finish stays: who looks at more records than it has to comes to the same result.

    Args:
        context: of the run.
        stage: that worked.
        touched: entity type to record_key of the records that it worked on; None where it worked on all.
    """
    store = context.store
    parts: list[Rows] = [TOUCHED_RECORDS.table([])]
    for entity_type, records in sorted(touched.items()):
        keys = pa.table({c.RECORD_KEY: pa.nulls(1, pa.string())}) if records is None else records.select([c.RECORD_KEY])
        values: dict[str, int | str] = {c.ORDINAL: context.ordinal, c.STAGE: stage, c.ENTITY_TYPE: entity_type}
        parts.append(with_values(keys, values).select(TOUCHED_RECORDS.schema.names))
    if context.ordinal % KEPT_RUNS == 0 and store.exists(TOUCHED_RECORDS):
        past = f"{c.ORDINAL} < {context.ordinal - KEPT_RUNS}"
        store.spark.sql(f"DELETE FROM {store.name_to_change(TOUCHED_RECORDS)} WHERE {past}")
    rows = unite(store.spark, parts)
    return store.append(TOUCHED_RECORDS, rows, application=context.application(stage, TOUCHED_RECORDS))


def fetch_touched(context: RunContext, stage: str, *, since: int, entity_types: Sequence[str]) -> pa.Array | None:
    """The records that a stage worked on in the runs after `since`; None where one of these runs worked on all.

    Args:
        context: of the run.
        stage: that worked.
        since: ordinal of a run.
        entity_types: of the records.
    Returns: each record_key once.
    """
    if context.ordinal - since >= KEPT_RUNS:
        return None
    only = {c.STAGE: pa.array([stage]), c.ENTITY_TYPE: pa.array(entity_types, pa.string())}
    rows = context.store.fetch(TOUCHED_RECORDS, (c.ORDINAL, c.RECORD_KEY), only=only)
    keys = rows.filter(pc.field(c.ORDINAL) > since)[c.RECORD_KEY]
    return None if keys.null_count else keys.unique()
