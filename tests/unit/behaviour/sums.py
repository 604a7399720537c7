"""Counts of single definitions, added up as the stage adds up those of all."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.behaviour.funnels import REACHED
from cdp_spark.behaviour.retention import RETURNS


def add_reached(parts: Sequence[pa.Table]) -> pa.Table:
    """Add counts of several batches up; negative ones take away."""
    added = pa.concat_tables([REACHED.empty_table(), *(part.select(REACHED.names).cast(REACHED) for part in parts)])
    return added.group_by([c.BY_VALUE, c.STEP]).aggregate([(c.PROFILES, "sum")]).rename_columns(REACHED.names)


def add_returns(parts: Sequence[pa.Table]) -> pa.Table:
    """Add counts of several batches up; negative ones take away."""
    added = pa.concat_tables([RETURNS.empty_table(), *(part.select(RETURNS.names).cast(RETURNS) for part in parts)])
    sums = added.group_by([c.COHORT, c.PERIOD]).aggregate([(c.RETURNED, "sum"), (c.VALUE, "sum")])
    return sums.rename_columns(RETURNS.names)
