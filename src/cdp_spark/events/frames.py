"""Released events that do not hold any more, as their visitor has another id or their currency another rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.events.worth import are_in_spans
from cdp_spark.tables.rows import join_left

if TYPE_CHECKING:
    from pyspark.sql import Column

    from cdp_spark.tables.rows import Rows

_BEFORE = "unified_id_before"


def find_moved(released: pa.Table, ids: pa.Table) -> pa.Table:
    """The events of visitors that have another unified id than they had.

    Args:
        released: event_key, record_key and unified_id, as they were.
        ids: record_key and unified_id of visitors now, each once.
    Returns: event_key.
    """
    before = released.rename_columns([_BEFORE if it == c.UNIFIED_ID else it for it in released.column_names])
    both = cast("pa.Table", join_left(before, c.RECORD_KEY, ids))
    was, now = (pc.fill_null(both[name], "") for name in (_BEFORE, c.UNIFIED_ID))
    return both.filter(pc.not_equal(was, now)).select([c.EVENT_KEY])


def find_in_spans(released: Rows, spans: pa.Table) -> Rows:
    """The events whose currency had another rate when they happened.

    Args:
        released: event_key, currency and occurred_at_utc.
        spans: of `find_changed_spans`.
    Returns: event_key.
    """
    if isinstance(released, DataFrame):
        return released.where(_in_spans_expr(spans)).select(c.EVENT_KEY)
    currencies, at = released[c.CURRENCY].combine_chunks(), released[c.OCCURRED_AT].combine_chunks()
    return released.filter(are_in_spans(currencies, at, spans)).select([c.EVENT_KEY])


def _in_spans_expr(spans: pa.Table) -> Column:
    def find(currencies: pa.Array, at: pa.Array) -> pa.Array:
        return are_in_spans(currencies, at, spans)

    is_inside = F.arrow_udf(find, "boolean")  # type: ignore[attr-defined] # Spark's stubs lack it
    return is_inside(c.CURRENCY, c.OCCURRED_AT)  # type: ignore[no-any-return]
