"""A Delta table in a folder, opened by delta-rs: a hundredth of a second where Spark plans for a second."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import (
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import DeltaError, TableNotFoundError

from cdp_spark.tables.manifest.manifest import damaged_table

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from pathlib import Path

    from cdp_spark.tables.direct.write import Write
    from cdp_spark.tables.spec import TableSpec

    Only = Mapping[str, pa.Array]
    """Column to the values that are wanted of it; rows with others are left out."""

_UNDERSTOOD = frozenset({"appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns"})
"""Writer features of tables that `Store.create` makes; others, such as deletion vectors, are left to Spark."""
_FILES = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"))
_PROPERTIES = WriterProperties(compression="SNAPPY", max_row_group_size=1 << 17)  # so that Spark's tasks share a file
_NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)  # `write_checkpoint` does


@dataclass(frozen=True)
class LocalTable:
    """A version of a table.

    Args:
        spec: the table, with the very columns that it has there.
        folder: where it is.
        table: its opened log.
        files: of the version, their paths inside the folder.
        sizes: of the files, in bytes.
    """

    spec: TableSpec
    folder: Path
    table: DeltaTable
    files: tuple[str, ...]
    sizes: tuple[int, ...]

    @classmethod
    def open(cls, spec: TableSpec, folder: Path, *, version: int | None = None) -> LocalTable | None:
        """Open a version, or the head; None for a table that is not there, or that has to be left to Spark.

        That is one with other columns than the spec's, as an older cdp-spark made it, with features of Delta that are
        not understood here, or with files elsewhere: delta-rs does not find a shallow clone's to take them out.

        Raises:
            StateError: the log is damaged, or does not reach back to the version.
        """
        try:
            table = DeltaTable(folder, version=version)
            added = pa.table(table.get_add_actions())
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            of_version = "" if version is None else f" for version {version}"
            raise damaged_table(spec.name, f"a log that cannot be read{of_version}") from error
        files, sizes = added["path"].to_pylist(), added["size_bytes"].to_pylist()
        is_plain = _is_understood(table) and not any(":" in file for file in files)
        if not is_plain or not _has_columns(table, spec):
            return None
        return cls(spec, folder, table, tuple(files), tuple(sizes))

    @property
    def _rows(self) -> ds.Dataset:
        files = [self.path_of(file) for file in self.files]
        return ds.dataset(files, schema=self.spec.fetched_schema(), format=_FILES)

    def without(self, shared: Container[str]) -> LocalTable:
        """The same version as if it had no such files."""
        sizes = {file: size for file, size in zip(self.files, self.sizes, strict=True) if file not in shared}
        return replace(self, files=tuple(sizes), sizes=tuple(sizes.values()))

    def path_of(self, file: str) -> str:
        """Where one of the files is."""
        return str(self.folder / unquote(file))

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(self.sizes)

    @property
    def version(self) -> int:
        """Of the table that is open."""
        return self.table.version()

    def read(self, columns: Sequence[str], *, only: Only | None = None) -> pa.Table:
        """Read columns of the rows that have wanted values, in the types of the table's Arrow schema."""
        with self._reading():
            return self._rows.to_table(columns=list(columns), filter=_filter(only or {}))

    def count(self) -> int:
        """How many rows there are, as the files' footers say."""
        with self._reading():
            count: int = self._rows.count_rows()
        return count

    def count_any(self, any_of: Mapping[str, pa.Array]) -> int:
        """How many rows have one of the values in one of the columns."""
        with self._reading():
            count: int = self._rows.count_rows(filter=_is_any(any_of))
        return count

    def read_others(self, any_of: Mapping[str, pa.Array]) -> pa.Table:
        """Read all other rows."""
        with self._reading():
            return self._rows.to_table(filter=~_is_any(any_of))

    def check_files(self) -> None:
        """Compare the sizes of all files with the log's.

        Raises:
            StateError: a file is missing or has another size.
        """
        for file, size in zip(self.files, self.sizes, strict=True):
            place = self.folder / unquote(file)
            if not place.exists() or place.stat().st_size != size:
                what = "another size than was written" if place.exists() else "been deleted"
                raise damaged_table(self.spec.name, f"a file that has {what}, {place.name}")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Name the table where a file is missing or damaged.

        Raises:
            StateError: instead of what Arrow raises.
        """
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            self.check_files()
            what = f"a file that cannot be read ({type(error).__name__})"
            raise damaged_table(self.spec.name, what) from error

    def delete_old_files(self, *, older_than: float) -> None:
        """Delete what older versions, and writes that came to nothing, left behind.

        Args:
            older_than: seconds; files that no version ever named stay where they were written later, as somebody may
                be about to commit them.
        """
        latest = time.time() - older_than
        left, unnamed = (
            self.table.vacuum(0, dry_run=True, enforce_retention_duration=False, full=full) for full in (False, True)
        )
        for name in left + unnamed:
            file = self.folder / unquote(name)
            if file.exists() and (name in left or file.stat().st_mtime <= latest):
                file.unlink()

    def write_checkpoint(self) -> None:
        """Write a checkpoint of this version, and take away log files that are past their time."""
        self.table.create_checkpoint()
        self.table.cleanup_metadata()

    def write(self, rows: pa.Table, write: Write) -> int:
        """Write rows that have the spec's columns; what was to be written once and is there already is left.

        Returns:
            the table's version then.
        """
        properties = None
        if write.application is not None:
            written = self.table.transaction_version(write.application)
            if written is not None and written >= write.step:
                return self.version
            properties = CommitProperties(app_transactions=[Transaction(write.application, write.step)])
        write_deltalake(
            self.table,
            rows,
            mode=write.mode,
            writer_properties=_PROPERTIES,
            commit_properties=properties,
            post_commithook_properties=_NO_HOOKS,
        )
        return self.version


def _is_understood(table: DeltaTable) -> bool:
    """Reader version 2, and writer versions 5 and 6, mean column mapping and identity columns without naming them."""
    protocol = table.protocol()
    features = {*(protocol.reader_features or ()), *(protocol.writer_features or ())}
    is_named = protocol.min_reader_version in (1, 3) and protocol.min_writer_version in (1, 2, 3, 4, 7)
    return is_named and features <= _UNDERSTOOD


def _has_columns(table: DeltaTable, spec: TableSpec) -> bool:
    there, wanted = json.loads(table.schema().to_json()), spec.schema.jsonValue()
    return _types(there) == _types(wanted)


def _types(schema: Mapping[str, list[dict[str, object]]]) -> list[tuple[object, object]]:
    return [(field["name"], field["type"]) for field in schema["fields"]]


def _is_any(any_of: Mapping[str, pa.Array]) -> pc.Expression:
    return reduce(or_, (pc.field(name).isin(values) for name, values in any_of.items()))


def _filter(only: Only) -> pc.Expression | None:
    found: pc.Expression | None = None
    for name, values in only.items():
        wanted = pc.field(name).isin(values)
        found = wanted if found is None else found & wanted
    return found
