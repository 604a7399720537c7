"""The warehouse as a release shows it, read without Spark wherever delta-rs can read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.runs.releases import current_release
from cdp_spark.tables.spec import TableKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.runs.releases import Release
    from cdp_spark.tables.direct.table import Only
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store


@dataclass(frozen=True)
class ReleasedWarehouse:
    """The warehouse as a release shows it.

    Args:
        store: the warehouse.
        release: whose versions of the gold tables are read.
        through_spark: opens the same warehouse with a session, for tables that delta-rs cannot read; None where `store`
            has one.
    """

    store: Store
    release: Release
    through_spark: Callable[[], Store] | None = None

    @classmethod
    def newest(cls, store: Store, *, through_spark: Callable[[], Store] | None = None) -> ReleasedWarehouse:
        """Open it at the newest release.

        Raises:
            StateError: nothing was published yet.
        """
        return cls(store, current_release(store), through_spark)

    def read(self, spec: TableSpec) -> DataFrame:
        """Read a gold table at the release, any other as it is now, by Spark."""
        store = self.store if self.through_spark is None else self.through_spark()
        return self.release.read(store, spec) if spec.kind is TableKind.GOLD else store.read(spec)

    def fetch(self, spec: TableSpec, columns: Sequence[str] | None = None, *, only: Only | None = None) -> pa.Table:
        """Fetch a gold table at the release, any other as it is now; no rows of what the release does not name.

        Args:
            spec: the table.
            columns: columns to return; None returns all.
            only: column to the values that are wanted of it.
        """
        version = self.release.versions.get(spec.name) if spec.kind is TableKind.GOLD else None
        if spec.kind is TableKind.GOLD and version is None:
            return spec.fetched_schema(columns or spec.schema.names).empty_table()
        store = reader_of(spec, version, self.store, self.through_spark)
        return store.fetch(spec, columns, only=only, version=version)


def reader_of(spec: TableSpec, version: int | None, store: Store, through_spark: Callable[[], Store] | None) -> Store:
    """Choose what reads a version of a table: delta-rs where it can, else Spark.

    Args:
        spec: the table.
        version: of it; None for the newest.
        store: without Spark where that can be.
        through_spark: opens the same warehouse with a session; None where `store` has one.
    """
    is_readable = through_spark is None or not store.exists(spec) or store.open_local(spec, version) is not None
    return store if is_readable or through_spark is None else through_spark()
