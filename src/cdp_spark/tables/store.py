"""Reading and writing the warehouse's Delta tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from delta.tables import DeltaTable, DeltaTableBuilder
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import CdpError, ContractError, StateError
from cdp_spark.tables.catalog import OUTDATED_RECORDS
from cdp_spark.tables.increments.outdated import build_in_force
from cdp_spark.tables.version import newest_version

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from cdp_spark.config.project import Project
    from cdp_spark.tables.spec import TableSpec

_HASHES = frozenset({c.RECORD_KEY, c.RECORD_KEY_L, c.RECORD_KEY_R, c.UNIFIED_ID, c.CLUSTER})
"""Columns of which every file holds values from end to end, so that their smallest and largest skip nothing."""
_COMMITS_A_CHECKPOINT = 100
"""Delta's 10 are for thousands of files: of a small table a checkpoint takes up to ten times a commit."""


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
        return self._newest(spec)

    def read(self, spec: TableSpec, *, version: int | None = None, marked_at: int | None = None) -> DataFrame:
        """The table's rows that are in force; no rows where it was never written.

        Args:
            spec: the table.
            version: its Delta version; None for the head.
            marked_at: for a table with dated rows, the version of `outdated_records`; None for its head.
        """
        rows = self.read_all(spec, version=version)
        if not spec.dated_by:
            return rows
        return build_in_force(rows, self.read_all(OUTDATED_RECORDS, version=marked_at), spec.dated_by)

    def read_of_type(self, spec: TableSpec, entity_type: str) -> DataFrame:
        """What `read` reads of one entity type."""
        return self.read(spec).where(F.col(c.ENTITY_TYPE) == entity_type)

    def read_all(self, spec: TableSpec, *, version: int | None = None) -> DataFrame:
        """What `read` reads, and the dated rows that are no longer in force."""
        if not self.exists(spec):
            return self.spark.createDataFrame([], spec.schema).limit(0)  # the optimiser sees that it is empty
        reader, identifier = self.spark.read.format("delta"), self.identifier(spec)
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(identifier) if self.kind == "path" else reader.table(identifier)

    def overwrite(self, spec: TableSpec, rows: DataFrame) -> int:
        """Replace the table's rows; returns the new Delta version.

        A table that an older cdp-spark made with fewer columns, or other types, is replaced, its history kept.

        Raises:
            ContractError: the rows lack a column or break a constraint.
            StateError: the warehouse cannot be written.
        """
        self._write(spec, rows, mode="overwrite", options={})
        return self._newest(spec)

    def append(self, spec: TableSpec, rows: DataFrame, *, application: str | None, step: int = 0) -> int:
        """Append rows once: a second append of the same (application, step) is skipped by Delta.

        Args:
            spec: the table.
            rows: rows that have the table's columns.
            application: unique per run and stage, such as `run_id:stage:table`; None for rows of which a repetition
                does no harm, which Delta then writes three times faster.
            step: rises with each append of the application.

        Raises:
            ContractError: the rows lack a column or break a constraint.
            StateError: the warehouse cannot be written.
        """
        once = {} if application is None else {"txnAppId": application, "txnVersion": str(step)}
        self._write(spec, rows, mode="append", options=once)
        return self._newest(spec)

    def log(self, spec: TableSpec, rows: DataFrame) -> None:
        """Append rows of which a repetition does no harm, without asking for the new version, a query of its own.

        Raises:
            ContractError: the rows lack a column or break a constraint.
            StateError: the warehouse cannot be written.
        """
        self._write(spec, rows, mode="append", options={})

    def rewind(self, spec: TableSpec, version: int) -> None:
        """Go back to a version, if the head is another one: what a killed run wrote since does not count."""
        if self._newest(spec) != version:
            self.delta(spec).restoreToVersion(version)

    def create(self, spec: TableSpec) -> None:
        """Create the table with its schema and constraints unless it is there.

        Raises:
            StateError: the warehouse cannot be written.
        """
        if self.exists(spec):
            return
        try:
            self._create(spec, DeltaTable.createIfNotExists(self.spark))
        except Exception as error:
            if self.exists(spec):  # another writer created it meanwhile
                return
            raise self._unwritable(spec, error) from error

    def _create(self, spec: TableSpec, builder: DeltaTableBuilder) -> None:
        builder = builder.addColumns(spec.schema).comment(spec.grain)
        identifier = self.identifier(spec)
        builder = builder.location(identifier) if self.kind == "path" else builder.tableName(identifier)
        skipped_by = [name for name in spec.keys if name not in _HASHES]
        if skipped_by:
            builder = builder.property("delta.dataSkippingStatsColumns", ",".join(skipped_by))
        else:
            builder = builder.property("delta.dataSkippingNumIndexedCols", "0")
        builder = builder.property("delta.checkpointInterval", str(_COMMITS_A_CHECKPOINT))
        if spec.has_change_feed:
            builder = builder.property("delta.enableChangeDataFeed", "true")
        for name, condition in spec.constraints.items():
            builder = builder.property(f"delta.constraints.{name}", condition)
        builder.execute()

    def _write(self, spec: TableSpec, rows: DataFrame, *, mode: str, options: dict[str, str]) -> None:
        conformed = spec.conform(rows)
        self.create(spec)
        try:
            if self.kind == "path":
                conformed.write.format("delta").mode(mode).options(**options).save(self.identifier(spec))
            else:
                self._write_by_name(spec, conformed, mode=mode, options=options)
        except CdpError:
            raise
        except Exception as error:
            broken = _broken_constraint(spec, str(error))
            if broken is not None:
                raise broken from None  # the cause prints the row's values
            if _is_permission(str(error)):
                raise self._unwritable(spec, error) from error
            if mode == "overwrite" and self._has_other_columns(spec):
                self._create(spec, DeltaTable.replace(self.spark))
                return self._write(spec, rows, mode=mode, options=options)
            raise

    def _has_other_columns(self, spec: TableSpec) -> bool:
        there = {field.name: field.dataType for field in self.read_all(spec).schema}
        return any(there.get(field.name) != field.dataType for field in spec.schema)

    def _write_by_name(self, spec: TableSpec, rows: DataFrame, *, mode: str, options: dict[str, str]) -> None:
        """Write through the catalog; `saveAsTable` would replace the table and its constraints."""
        writer = rows.writeTo(self.identifier(spec)).options(**options)
        if mode == "append":
            writer.append()
        else:
            writer.overwrite(F.lit(True))

    def _unwritable(self, spec: TableSpec, error: Exception) -> StateError:
        return StateError(
            f"warehouse {self.location}",
            got=f"table {spec.name} could not be written ({_condition(error)})",
            fix="check that the location exists and that this user may write there",
        )

    def _newest(self, spec: TableSpec) -> int:
        return newest_version(self.spark, self.delta(spec))

    def delta(self, spec: TableSpec) -> DeltaTable:
        """The table's handle, for merges and history."""
        identifier = self.identifier(spec)
        if self.kind == "path":
            return DeltaTable.forPath(self.spark, identifier)
        return DeltaTable.forName(self.spark, identifier)


def open_store(spark: SparkSession, project: Project) -> Store:
    """Open the warehouse that `project.yaml` names: a URI, a folder relative to the project's, or a schema."""
    warehouse = project.settings.warehouse
    if warehouse.path is None:
        return Store(spark, str(warehouse.catalog_schema), kind="schema")
    path = warehouse.path
    return Store(spark, path if ":" in path else str((Path(project.folder) / path).resolve()))


def _broken_constraint(spec: TableSpec, message: str) -> ContractError | None:
    """The constraint that rows broke, without the values that Delta's message prints."""
    check = re.search(r"CHECK constraint (\w+) \((.*)\) violated by row", message)
    if check:
        name, condition = check.groups()
        return ContractError(f"table {spec.name}", got=f"rows that break the constraint {name}", allowed=condition)
    null = re.search(r"NOT NULL constraint violated for column: (\S+)", message)
    if null:
        return ContractError(f"table {spec.name}", got="null", allowed=f"a value in the column {null[1].rstrip('.')}")
    return None


def _is_permission(message: str) -> bool:
    return any(sign in message for sign in ("Permission denied", "AccessDenied", "AccessControlException", "Read-only"))


def _condition(error: Exception) -> str:
    """Spark's name of an error, or the Java class; never its text, which may hold values."""
    named = re.search(r"\[([A-Z][A-Z0-9_.]+)\]", str(error))
    java = re.search(r"([\w.]+(?:Exception|Error))\b", str(error))
    return named[1] if named else (java[1].rsplit(".", 1)[-1] if java else type(error).__name__)
