"""How a table is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c

if TYPE_CHECKING:
    from delta.tables import DeltaTableBuilder

    from cdp_spark.tables.spec import TableSpec

COMMITS_A_CHECKPOINT = 100
"""Delta's 10 are for thousands of files: of a small table a checkpoint takes up to ten times a commit."""
_WITHOUT_BOUNDS = frozenset(
    {
        *(c.RECORD_KEY, c.RECORD_KEY_L, c.RECORD_KEY_R, c.UNIFIED_ID, c.CLUSTER, c.EVENT_KEY),
        *(c.SOURCE_RECORD_ID, c.CONTENT_HASH, c.ROW_HASH, c.VALUE_HASH, c.CONTACT_POINT_HASH),
    }
)
"""Columns of which every file holds values from end to end, so that their smallest and largest skip nothing.

Nor does the log, which keeps what it says of old files for weeks, tell a value of a person that way.
"""


def describe(spec: TableSpec, builder: DeltaTableBuilder) -> DeltaTableBuilder:
    """Give the builder of a table its columns, constraints and properties."""
    builder = builder.addColumns(spec.schema).comment(spec.grain)
    skipped_by = [name for name in spec.keys if name not in _WITHOUT_BOUNDS]
    if skipped_by:
        builder = builder.property("delta.dataSkippingStatsColumns", ",".join(skipped_by))
    else:
        builder = builder.property("delta.dataSkippingNumIndexedCols", "0")
    builder = builder.property("delta.checkpointInterval", str(COMMITS_A_CHECKPOINT))
    if spec.has_change_feed:
        builder = builder.property("delta.enableChangeDataFeed", "true")
    for name, condition in spec.constraints.items():
        builder = builder.property(f"delta.constraints.{name}", condition)
    return builder
