"""Demands the tables that a warehouse's manifest names, and keeps the manifest right while tables are written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException

from cdp_spark.errors import StateError, raise_together
from cdp_spark.tables.catalog import TABLES
from cdp_spark.tables.direct.log import read_log
from cdp_spark.tables.direct.place import identifier_of, is_table
from cdp_spark.tables.manifest.keepers import FileKeeper, PropertyKeeper
from cdp_spark.tables.manifest.manifest import Manifest, damaged_table, lost_manifest, lost_table, shortened_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from cdp_spark.tables.direct.log import Log
    from cdp_spark.tables.manifest.keepers import Keeper


@dataclass(frozen=True)
class Guard:
    """The tables of one warehouse, and its manifest.

    Args:
        spark: the session.
        location: a folder or URI, or a catalog schema.
        folder: the warehouse's folder where this machine sees it; else None.
        is_path: whether the location is a folder or URI.
        keeper: of the manifest.
    """

    spark: SparkSession
    location: str
    folder: Path | None
    is_path: bool
    keeper: Keeper

    def read(self) -> Manifest:
        """Return the manifest; an empty one of a new warehouse.

        Raises:
            StateError: the manifest is damaged, or there are tables without one.
        """
        found = self.keeper.read()
        if found is None and (there := self.find_tables(TABLES)):
            found = self.keeper.read()  # which comes before the first table, so one that was made meanwhile has it
            if found is None:
                raise lost_manifest(self.location, there)
        return found or Manifest()

    def is_there(self, name: str) -> bool:
        """Tell whether a table exists.

        Raises:
            StateError: it was written and is missing, or its log has lost commits or parts of them.
        """
        manifest = self.read()  # before the log, which may grow meanwhile
        log = self._read_log(name)
        there = bool(self.find_tables([name])) if self.folder is None else log is not None
        if name not in manifest.tables:
            return there
        if not there:
            raise lost_table(name, self._place(name))
        if log is not None:
            _refuse_shorter(name, manifest, log)
        return True

    def check_all(self) -> None:
        """Look for every table that was written.

        Raises:
            StateError: names all that are missing or have lost commits.
        """
        mistakes = []
        for name in self.read().tables:
            try:
                self.is_there(name)
            except StateError as error:
                mistakes.append(error)
        where = f"warehouse {self.location}"
        raise_together(mistakes, StateError, where, got="tables that are lost or damaged")

    def begin(self) -> None:
        """Write an empty manifest for a warehouse that has none, before its first table."""
        if self.keeper.read() is None:
            self.keeper.update(lambda manifest: manifest)

    def note(self, name: str, version: int = 0) -> None:
        """Demand a table from now on; its version, too, where that costs little."""
        known = self.read().tables.get(name)
        if known is None or (self.keeper.notes_versions and known < version):
            self.keeper.update(lambda manifest: manifest.with_table(name, version, self.measure_log(name, version)))

    def note_newest(self, name: str) -> None:
        """Demand what a table's log holds by now: after a merge or another write by the table's handle."""
        log = self._read_log(name)
        self.note(name, log.newest if log else 0)

    def note_release(self, number: int) -> None:
        """Demand a release from now on; after it was written."""
        self.keeper.update(lambda manifest: manifest.with_release(number))

    def note_suppression_key(self, key_id: str) -> None:
        """Demand the suppression list's key from now on; after it was used."""
        if self.read().suppression_key != key_id:
            self.keeper.update(lambda manifest: replace(manifest, suppression_key=key_id))

    def measure_log(self, name: str, version: int) -> tuple[int, int] | None:
        """Return the first commit of a table's log and the size of all up to a version; None where nobody sees them."""
        log = self._read_log(name)
        return log.size_until(version) if log else None

    def _read_log(self, name: str) -> Log | None:
        return read_log(name, self.folder / name) if self.folder else None

    def find_tables(self, names: Iterable[str]) -> list[str]:
        """Find those of some tables that exist, whatever the manifest says."""
        if self.folder is not None:
            return [name for name in names if (self.folder / name / "_delta_log").is_dir()]
        try:
            return [name for name in names if is_table(self.spark, self._place(name), is_path=self.is_path)]
        except AnalysisException:
            if self.is_path:
                raise
            return []  # no such schema

    def _place(self, name: str) -> str:
        return identifier_of(self.location, name, is_path=self.is_path)


def _refuse_shorter(name: str, manifest: Manifest, log: Log) -> None:
    written = manifest.tables[name]
    if log.newest < written:
        raise shortened_table(name, version=log.newest, written=written)
    if name in manifest.logs:
        first, size = manifest.logs[name]
        now = log.size_until(written, first=first)  # None where old commits were cleaned up after a checkpoint
        if now is not None and now != (first, size):
            raise damaged_table(name, f"a log of {now[1]:,} bytes, where {size:,} were written")


def open_guard(spark: SparkSession, location: str, *, is_path: bool, folder: Path | None) -> Guard:
    """Find where a warehouse keeps its manifest.

    Args:
        spark: the session.
        location: a folder or URI, or a catalog schema.
        is_path: which of both.
        folder: the warehouse's folder where this machine sees it; else None.
    """
    beside = identifier_of(location, "_cdp/manifest" if is_path else "cdp_manifest", is_path=is_path)
    keeper: Keeper = FileKeeper(folder) if folder is not None else PropertyKeeper(spark, beside, is_path)
    return Guard(spark, location, folder, is_path, keeper)
