"""Reading and writing the warehouse's Delta tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from delta.tables import DeltaTable
from pyspark.errors import AnalysisException

from cdp_spark.errors import StateError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from cdp_spark.tables.spec import TableSpec


@dataclass(frozen=True)
class Store:
    """Where the tables are: a folder or URI (`path`), or a catalog schema (`schema`).

    Args:
        spark: the session.
        location: `/data/warehouse`, `s3://bucket/warehouse`, or a schema such as `main.cdp`.
        kind: how to read `location`.
    """

    spark: SparkSession
    location: str
    kind: Literal["path", "schema"] = "path"

    def identifier(self, spec: TableSpec) -> str:
        """The table's path, or its name in the catalog."""
        return f"{self.location.rstrip('/')}/{spec.name}" if self.kind == "path" else f"{self.location}.{spec.name}"

    def exists(self, spec: TableSpec) -> bool:
        """True once the table was created."""
        if self.kind == "schema":
            return bool(self.spark.catalog.tableExists(self.identifier(spec)))
        return DeltaTable.isDeltaTable(self.spark, self.identifier(spec))

    def version(self, spec: TableSpec) -> int:
        """The table's newest Delta version.

        Raises:
            StateError: the table does not exist.
        """
        if not self.exists(spec):
            raise StateError(f"table {spec.name}", got="none yet", fix="run `cdp run nightly` first")
        return int(self._delta(spec).history(1).select("version").collect()[0][0])

    def read(self, spec: TableSpec, *, version: int | None = None) -> DataFrame:
        """The table's rows at its head or at a version; no rows where it was never written."""
        if not self.exists(spec):
            return self.spark.createDataFrame([], spec.schema)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        identifier = self.identifier(spec)
        return reader.load(identifier) if self.kind == "path" else reader.table(identifier)

    def overwrite(self, spec: TableSpec, rows: DataFrame) -> int:
        """Replace the table's rows; returns the new Delta version."""
        return self._write(spec, rows, mode="overwrite", options={})

    def append(self, spec: TableSpec, rows: DataFrame, *, application: str, step: int = 0) -> int:
        """Append rows once: a second append of the same (application, step) is skipped by Delta.

        Args:
            spec: the table.
            rows: rows that have the table's columns.
            application: unique per run and stage, such as `run_id:stage:table`.
            step: rises with each append of the application.
        """
        return self._write(spec, rows, mode="append", options={"txnAppId": application, "txnVersion": str(step)})

    def create(self, spec: TableSpec) -> None:
        """Create the table with its schema and constraints unless it is there.

        Raises:
            StateError: the warehouse cannot be written.
        """
        if self.exists(spec):
            return
        try:
            self._create(spec)
        except Exception as error:
            raise StateError(
                f"warehouse {self.location}",
                got=f"table {spec.name} could not be created ({type(error).__name__})",
                fix="check that the location exists and that this user may write there",
            ) from error

    def _create(self, spec: TableSpec) -> None:
        builder = DeltaTable.createIfNotExists(self.spark).addColumns(spec.schema).comment(spec.grain)
        identifier = self.identifier(spec)
        builder = builder.location(identifier) if self.kind == "path" else builder.tableName(identifier)
        builder = builder.property("delta.dataSkippingStatsColumns", ",".join(spec.keys))
        for name, condition in spec.constraints.items():
            builder = builder.property(f"delta.constraints.{name}", condition)
        builder.execute()

    def _write(self, spec: TableSpec, rows: DataFrame, *, mode: str, options: dict[str, str]) -> int:
        self.create(spec)
        writer = spec.conform(rows).write.format("delta").mode(mode).options(**options)
        try:
            if self.kind == "path":
                writer.save(self.identifier(spec))
            else:
                writer.saveAsTable(self.identifier(spec))
        except AnalysisException as error:
            raise StateError(f"table {spec.name}", got=type(error).__name__, fix="see the log") from error
        return self.version(spec)

    def _delta(self, spec: TableSpec) -> DeltaTable:
        identifier = self.identifier(spec)
        if self.kind == "path":
            return DeltaTable.forPath(self.spark, identifier)
        return DeltaTable.forName(self.spark, identifier)
