"""The log of all changes of ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.tables.catalog import ID_CHANGES

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.tables.run import RunContext


def write_changes(context: RunContext, tonight: DataFrame | pa.Table) -> int:
    """Append tonight's changes to what the last release shows, whatever a run that was not released left behind.

    Returns:
        the table's new version.
    """
    store, published = context.store, context.base_versions.get(ID_CHANGES.name)
    if published is None:
        return store.overwrite(ID_CHANGES, tonight)
    store.rewind(ID_CHANGES, published)
    return store.append(ID_CHANGES, tonight, application=None)
