"""Reading and writing the warehouse's Delta tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.base import Secret, hide_secrets
from cdp_spark.errors import CdpError, StateError
from cdp_spark.limits import READ_BY_DRIVER_BYTES
from cdp_spark.session.files import JAVA_ERRORS, find_folder, read_newest_version
from cdp_spark.tables.actions.fetch import fetch_through_spark
from cdp_spark.tables.catalog import OUTDATED_RECORDS
from cdp_spark.tables.checkpoint import beside
from cdp_spark.tables.creation import COMMITS_A_CHECKPOINT, create_statement
from cdp_spark.tables.direct.create import create_in_folder
from cdp_spark.tables.direct.log import read_log
from cdp_spark.tables.direct.place import find_written_folder, identifier_of, is_readable_by_delta_rs, sql_name
from cdp_spark.tables.direct.write import Write
from cdp_spark.tables.failures import broken_constraint, is_permission, other_columns, unwritable
from cdp_spark.tables.increments.outdated import keep_in_force
from cdp_spark.tables.manifest.guard import Guard, open_guard
from cdp_spark.tables.manifest.keepers import NoKeeper
from cdp_spark.tables.rows import as_frame
from cdp_spark.tables.trouble import disk_full, is_disk_full

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from cdp_spark.config.project import Project
    from cdp_spark.tables.direct.table import LocalTable, Only
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import TableAccess
    from cdp_spark.tables.spec import TableSpec


@dataclass(frozen=True)
class Store:
    """Where the tables are: a folder or URI (`path`), or a catalog schema (`schema`).

    Args:
        spark: the session.
        location: `/data/warehouse`, `s3://bucket/warehouse`, or a schema such as `main.cdp`.
        kind: how to read `location`.
        direct: read and write what fits on the driver without a Spark query, where the tables are in a folder of this
            machine.
        access: the tables that may be read and written; None for all.
    """

    spark: SparkSession
    location: str
    kind: Literal["path", "schema"] = "path"
    direct: bool = True
    access: TableAccess | None = None

    @property
    def shown(self) -> str:
        """The location, for messages: what came from the environment stays hidden."""
        return str(hide_secrets(self.location))

    def identifier(self, spec: TableSpec) -> str:
        """The table's path, or its name in the catalog."""
        return identifier_of(self.location, spec.name, is_path=self.kind == "path")

    def sql_name(self, spec: TableSpec) -> str:
        """The table's name in SQL."""
        return sql_name(self.identifier(spec), is_path=self.kind == "path")

    def name_to_change(self, spec: TableSpec) -> str:
        """The table's name for a statement that changes it, as `DataFrame.mergeInto` takes it, too."""
        self._check_write(spec)
        return self.sql_name(spec)

    @cached_property
    def guard(self) -> Guard:
        """The warehouse's manifest, and what it demands."""
        return open_guard(self.spark, self.location, is_path=self.kind == "path", folder=self.folder)

    def limited_to(self, access: TableAccess) -> Store:
        """The same warehouse, of which only some tables may be read and written: any other is a ContractError."""
        limited = replace(self, access=access)
        vars(limited).update(guard=self.guard, folder=self.folder)
        return limited

    def _check_write(self, spec: TableSpec) -> None:
        if self.access is not None:
            self.access.check_write(spec.name)

    def unguarded(self) -> Store:
        """The same warehouse for reading, whatever its manifest demands."""
        free = replace(self)
        vars(free)["guard"] = replace(self.guard, keeper=NoKeeper())
        return free

    def exists(self, spec: TableSpec) -> bool:
        """True once the table was created.

        Raises:
            StateError: it was written and is missing or shortened, or the warehouse's manifest is missing or damaged.
        """
        if self.access is not None:
            self.access.check_read(spec.name)
        return self.guard.is_there(spec.name)

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

        One that was written and is missing or damaged is an error, here and wherever a table is read.

        Args:
            spec: the table.
            version: its Delta version; None for the head.
            marked_at: for a table with dated rows, the version of `outdated_records`; None for its head.
        """
        rows = self.read_all(spec, version=version)
        if not spec.dated_by:
            return rows
        marks = self.read_all(OUTDATED_RECORDS, version=marked_at)
        return cast("DataFrame", keep_in_force(rows, marks, spec.dated_by))

    def read_of_type(self, spec: TableSpec, entity_type: str) -> DataFrame:
        """What `read` reads of one entity type."""
        return self.read(spec).where(F.col(c.ENTITY_TYPE) == entity_type)

    def read_all(self, spec: TableSpec, *, version: int | None = None) -> DataFrame:
        """What `read` reads, and the dated rows that are no longer in force."""
        local = self.open_local(spec, version)
        if local is not None and local.bytes <= READ_BY_DRIVER_BYTES:
            rows = local.read(spec.schema.names)
            return as_frame(self.spark, rows) if rows.num_rows else self._no_rows(spec)
        if not self.exists(spec):
            return self._no_rows(spec)
        return self._load(spec, version)

    def _load(self, spec: TableSpec, version: int | None) -> DataFrame:
        reader, identifier = self.spark.read.format("delta"), self.identifier(spec)
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(identifier) if self.kind == "path" else reader.table(identifier)

    def _no_rows(self, spec: TableSpec) -> DataFrame:
        return self.spark.createDataFrame([], spec.schema).limit(0)  # the optimiser sees that it is empty

    def fetch(
        self,
        spec: TableSpec,
        columns: Sequence[str] | None = None,
        *,
        only: Only | None = None,
        version: int | None = None,
        marked_at: int | None = None,
    ) -> pa.Table:
        """What `read` reads, on the driver, in the types of the table's Arrow schema (an action).

        Args:
            spec: the table.
            columns: that are wanted; None for all.
            only: column to the values that are wanted of it.
            version: as of `read`, and so is `marked_at`.
            marked_at: the version of `outdated_records`.
        """
        names, table = list(columns or spec.schema.names), self.open_local(spec, version)
        if table is None and not self.exists(spec):
            return spec.fetched_schema(names).empty_table()
        if table is None:
            return fetch_through_spark(self.read(spec, version=version, marked_at=marked_at), spec, names, only or {})
        if not spec.dated_by:
            return table.read(names, only=only)
        rows = table.read([*dict.fromkeys((*names, *spec.dated_by, c.ORDINAL))], only=only)
        marks = self.fetch(OUTDATED_RECORDS, (c.RECORD_KEY, c.ORDINAL), version=marked_at)
        return keep_in_force(rows, marks, spec.dated_by).select(names)

    def count(self, spec: TableSpec, *, version: int | None = None) -> int:
        """How many rows `read` reads (an action)."""
        table = None if spec.dated_by else self.open_local(spec, version)
        return self.read(spec, version=version).count() if table is None else table.count()

    def is_readable(self, spec: TableSpec, version: int) -> bool:
        """Open every file of a version (an action): Delta's log may name files that are gone."""
        try:
            table = self.open_local(spec, version)
            if table is None:
                self._load(spec, version).agg(F.max("_metadata.file_path")).collect()
            else:
                table.count()
        except (PySparkException, StateError, *JAVA_ERRORS):
            return False
        return True

    def overwrite(self, spec: TableSpec, rows: Rows) -> int:
        """Replace the table's rows; returns the new Delta version.

        Args:
            spec: the table.
            rows: that have its columns; in Arrow memory they are written by the driver, where it can reach the table.

        Raises:
            ContractError: the rows lack a column or break a constraint.
            StateError: the warehouse cannot be written, or the table has other columns.
        """
        return self._write(spec, rows, Write("overwrite"))

    def append(self, spec: TableSpec, rows: Rows, *, application: str | None, step: int = 0) -> int:
        """Append rows once: a second append of the same (application, step) is skipped by Delta.

        Args:
            spec: the table.
            rows: as of `overwrite`.
            application: unique per run and stage, such as `run_id:stage:table`; None for rows of which a repetition
                does no harm, which Delta then writes three times faster.
            step: rises with each append of the application.

        Raises:
            ContractError: the rows lack a column or break a constraint.
            StateError: the warehouse cannot be written.
        """
        return self._write(spec, rows, Write("append", application, step))

    def rewind(self, spec: TableSpec, version: int) -> None:
        """Go back to a version, if the head is another one: what a killed run wrote since does not count."""
        self._check_write(spec)
        if self._newest(spec) != version:
            self.spark.sql(f"RESTORE TABLE {self.name_to_change(spec)} TO VERSION AS OF {version}")
            self.guard.note_newest(spec.name)

    def create(self, spec: TableSpec) -> None:
        """Create the table with its schema and constraints unless it is there.

        Raises:
            StateError: the warehouse cannot be written.
        """
        if self.exists(spec):
            self._note(spec)
            return
        folder = self._folder(spec)
        try:
            self.guard.begin()
            if folder is None:
                self.spark.sql(create_statement(spec, self.sql_name(spec)))
            else:
                create_in_folder(spec, folder)
        except Exception as error:
            if not self.guard.find_tables([spec.name]):  # else another writer created it meanwhile
                raise self._failed_write(spec, error) from error
        self._note(spec)

    def _note(self, spec: TableSpec, version: int = 0) -> int:
        try:
            self.guard.note(spec.name, version)
        except OSError as error:
            raise self._failed_write(spec, error) from error
        return version

    def _failed_write(self, spec: TableSpec, error: Exception) -> StateError:
        if is_disk_full(error):
            return disk_full(f"warehouse {self.shown}: table {spec.name}")
        return unwritable(self.shown, spec, error)

    def _write(self, spec: TableSpec, rows: Rows, write: Write) -> int:
        self._check_write(spec)
        self.create(spec)
        try:
            if isinstance(rows, DataFrame):
                return self._note(spec, self._write_frame(spec, spec.conform(rows), write))
            return self._note(spec, self._write_table(spec, spec.conform_table(rows), write))
        except CdpError:
            raise
        except Exception as error:
            broken = broken_constraint(spec, str(error))
            if broken is not None:
                raise broken from None  # the cause prints the row's values
            if is_disk_full(error) or is_permission(str(error)):
                raise self._failed_write(spec, error) from error
            if self._has_other_columns(spec):
                raise other_columns(spec) from error
            raise

    def _write_table(self, spec: TableSpec, rows: pa.Table, write: Write) -> int:
        table = self.open_local(spec)
        if table is None or (write.mode == "overwrite" and spec.has_change_feed):
            return self._write_frame(spec, as_frame(self.spark, rows), write)
        version = table.write(rows, write)
        if version % COMMITS_A_CHECKPOINT == 0:
            table.write_checkpoint()
        return version

    def _write_frame(self, spec: TableSpec, rows: DataFrame, write: Write) -> int:
        identifier, options = self.identifier(spec), write.options
        if self.kind == "path":
            rows.write.format("delta").mode(write.mode).options(**options).save(identifier)
        elif write.mode == "append":  # not `saveAsTable`, which would replace the table and its constraints
            rows.writeTo(identifier).options(**options).append()
        else:
            rows.writeTo(identifier).options(**options).overwrite(F.lit(True))
        return self._newest(spec)

    def open_local(self, spec: TableSpec, version: int | None = None) -> LocalTable | None:
        """The table, where the driver itself can read and write it; else None."""
        from cdp_spark.tables.direct.table import LocalTable  # noqa: PLC0415 - some 0.2 s, in other threads

        folder = self._folder(spec)
        return LocalTable.open(spec, folder, version=version) if folder and self.exists(spec) else None

    def _folder(self, spec: TableSpec) -> Path | None:
        is_readable = self.direct and self.folder is not None and is_readable_by_delta_rs(self.folder)
        return self.folder / spec.name if self.folder is not None and is_readable else None

    @cached_property
    def folder(self) -> Path | None:
        """The warehouse's folder, where this process sees it as Spark does; else None."""
        return find_folder(self.spark, self.location) if self.kind == "path" else None

    def _has_other_columns(self, spec: TableSpec) -> bool:
        there = {field.name: field.dataType for field in self.read_all(spec).schema}
        return any(there.get(field.name) != field.dataType for field in spec.schema)

    def _newest(self, spec: TableSpec) -> int:
        log = read_log(spec.name, self.folder / spec.name) if self.folder else None
        if log is not None:
            return log.newest
        newest = read_newest_version(self.spark, self.identifier(spec), is_path=self.kind == "path")
        if newest is not None:
            return newest
        history = self.spark.sql(f"DESCRIBE HISTORY {self.sql_name(spec)} LIMIT 1")
        return int(history.select("version").collect()[0][0])


def open_store(spark: SparkSession, project: Project) -> Store:
    """Open the warehouse that `project.yaml` names: a URI, a folder relative to the project's, or a schema."""
    store = _store_of(spark, project)
    beside(store)
    return store


def _store_of(spark: SparkSession, project: Project) -> Store:
    warehouse = project.settings.warehouse
    if warehouse.path is None:
        return Store(spark, str(warehouse.catalog_schema), kind="schema")
    path = warehouse.path
    location = path if ":" in path else str((Path(project.folder) / path).resolve())
    return Store(spark, Secret(location, path.template) if isinstance(path, Secret) else location)


def open_folder(project: Project) -> Store | None:
    """Open a warehouse that is a folder of this machine, to read it without Spark; None for any other.

    What delta-rs cannot read (`open_local` gives None for it) must be read through a store of a session.
    """
    store = open_store(cast("SparkSession", None), project)
    folder = find_written_folder(store.location) if store.kind == "path" else None
    if folder is None or not is_readable_by_delta_rs(folder):
        return None
    vars(store)["folder"] = folder
    return store
