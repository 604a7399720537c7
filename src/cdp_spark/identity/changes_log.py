"""The log of all changes of ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.tables.catalog import ID_CHANGES
from cdp_spark.tables.increments.basis import extend_table

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.tables.run import RunContext


def write_changes(context: RunContext, tonight: DataFrame | pa.Table) -> int:
    """Append tonight's changes to what the last release shows, whatever a run that was not released left behind.

    Returns:
        the table's new version.
    """
    return extend_table(context, ID_CHANGES, tonight)
