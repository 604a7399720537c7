"""Where the manifest is kept: in a file of the warehouse's folder, else as a property of a table beside the others."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cdp_spark.tables.direct.place import is_table, sql_name
from cdp_spark.tables.manifest.manifest import PLACE, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    Change = Callable[[Manifest], Manifest]

_WRITING = threading.RLock()
_PROPERTY = "cdp.manifest"
_ATTEMPTS = 5


class Keeper(Protocol):
    """Keeps the manifest of one warehouse."""

    @property
    def notes_versions(self) -> bool:
        """Whether a change costs so little that every write is noted."""

    def read(self) -> Manifest | None:
        """Return the manifest; None where there is none."""

    def update(self, change: Change) -> None:
        """Replace the manifest, or an empty one, by what `change` makes of it."""

    def put(self, manifest: Manifest) -> None:
        """Replace whatever is there, damaged or not."""


@dataclass(frozen=True)
class FileKeeper:
    """Keeps the manifest in a file, which is replaced at once or not at all."""

    folder: Path
    notes_versions: bool = True

    def read(self) -> Manifest | None:
        """Return the manifest; None where there is none."""
        try:
            text = (self.folder / PLACE).read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Manifest.from_json(text, warehouse=str(self.folder))

    def update(self, change: Change) -> None:
        """Replace the file; others that write it meanwhile wait."""
        with _WRITING, self._hold():
            before = self.read()
            after = change(before or Manifest())
            if after != before:
                self._write(after)

    def put(self, manifest: Manifest) -> None:
        """Replace whatever is there, damaged or not."""
        with _WRITING, self._hold():
            self._write(manifest)

    def _write(self, manifest: Manifest) -> None:
        draft = (self.folder / PLACE).with_suffix(".tmp")
        draft.write_text(manifest.to_json(), encoding="utf-8")
        draft.replace(self.folder / PLACE)

    @contextmanager
    def _hold(self) -> Iterator[None]:
        import fcntl  # noqa: PLC0415 - POSIX only

        place = self.folder / PLACE
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.with_suffix(".lock").open("w") as file:
            with suppress(OSError):  # a file system without locks: a lost name is added by the table's next write
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class PropertyKeeper:
    """Keeps the manifest as a property of a Delta table without rows.

    What was read or written last is remembered: a table that another process creates meanwhile is not demanded yet.

    Args:
        spark: the session.
        identifier: the table's path or name.
        is_path: which of both.
    """

    spark: SparkSession
    identifier: str
    is_path: bool
    notes_versions: bool = False
    _known: list[Manifest] = field(default_factory=list)

    def read(self) -> Manifest | None:
        """Return the manifest; None where there is none."""
        return self._known[-1] if self._known else self._fetch()

    def update(self, change: Change) -> None:
        """Set the property; a second writer's change is read and kept."""
        with _WRITING:
            for attempt in range(_ATTEMPTS):
                before = self._fetch()
                after = change(before or Manifest())
                try:
                    if after != before:
                        self._write(after)
                    break
                except Exception:
                    if attempt == _ATTEMPTS - 1 or self._fetch() == before:
                        raise
            self._known[:] = [after]

    def put(self, manifest: Manifest) -> None:
        """Replace whatever is there, damaged or not."""
        self._write(manifest)
        self._known[:] = [manifest]

    def _write(self, manifest: Manifest) -> None:
        properties = f"TBLPROPERTIES ('{_PROPERTY}' = '{manifest.to_json()}')"
        if self._is_there():
            self.spark.sql(f"ALTER TABLE {self._name} SET {properties}")
        else:
            self.spark.sql(f"CREATE TABLE IF NOT EXISTS {self._name} (note string) USING delta {properties}")

    def _fetch(self) -> Manifest | None:
        if not self._is_there():
            return None
        rows = self.spark.sql(f"SHOW TBLPROPERTIES {self._name} ('{_PROPERTY}')").collect()
        manifest = Manifest.from_json(rows[0]["value"], warehouse=self.identifier)
        self._known[:] = [manifest]
        return manifest

    def _is_there(self) -> bool:
        return is_table(self.spark, self.identifier, is_path=self.is_path)

    @property
    def _name(self) -> str:
        return sql_name(self.identifier, is_path=self.is_path)


@dataclass(frozen=True)
class NoKeeper:
    """Demands nothing: for reading a warehouse whose manifest is lost."""

    notes_versions: bool = False

    def read(self) -> Manifest | None:
        """Return an empty manifest."""
        return Manifest()

    def update(self, change: Change) -> None:
        """Do nothing."""

    def put(self, manifest: Manifest) -> None:
        """Do nothing."""
