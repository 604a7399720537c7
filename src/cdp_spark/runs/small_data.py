"""Whether a run is small: decided before the session starts, by the sizes of the tables and of the sources' files.

A size that this machine cannot tell cheaply (a catalog, an object store, Delta, JDBC) leaves Spark's usual settings.
They cost a small run some seconds, while the settings for small data would make a large run slow.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cdp_spark.ingest.reading.files import find_files, local_path, place_of_files, unpacked_size
from cdp_spark.limits import SMALL_FILE_BYTES, SMALL_TABLE_BYTES
from cdp_spark.session import SMALL_DATA
from cdp_spark.tables.catalog import TABLES
from cdp_spark.tables.store import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cdp_spark.config.project import Project
    from cdp_spark.config.source import SourceConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunSize:
    """What a run starts from.

    Args:
        table_bytes: of the newest versions of all tables; None where that cannot be told.
        file_bytes: of the sources' files, unpacked; None where that cannot be told.
    """

    table_bytes: int | None
    file_bytes: int | None

    @property
    def is_small(self) -> bool:
        """Whether Spark would take longer to compile its code than to do without."""
        if self.table_bytes is None or self.file_bytes is None:
            return False
        return self.table_bytes <= SMALL_TABLE_BYTES and self.file_bytes <= SMALL_FILE_BYTES

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings of the session, which a project's own override."""
        return SMALL_DATA if self.is_small else {}

    @property
    def figures(self) -> Mapping[str, float]:
        """What the run records of it."""
        sizes = {"session.table_bytes": self.table_bytes, "session.file_bytes": self.file_bytes}
        known = {name: float(size) for name, size in sizes.items() if size is not None}
        return {"session.is_small": float(self.is_small), **known}


def measure_run(project: Project) -> RunSize:
    """Measure what a run starts from, without Spark; counting ends at the limits."""
    file_bytes = _count_file_bytes(project)
    size = RunSize(_count_table_bytes(project, has_files=bool(file_bytes)), file_bytes)
    log.info("Spark's settings are for %s data: %s", "small" if size.is_small else "any", size)
    return size


def _count_table_bytes(project: Project, *, has_files: bool) -> int | None:
    store = open_folder(project)
    if store is None:
        return 0 if has_files and _is_unwritten(project) else None
    tables = (store.open_local(spec) if store.exists(spec) else () for spec in TABLES.values())
    return _add_up(None if it is None else it.bytes if it else 0 for it in tables)


def _is_unwritten(project: Project) -> bool:
    """Whether the warehouse is a folder that is not there yet; a path without files beside it may be on a cluster."""
    path = project.settings.warehouse.path
    here = local_path(path, project.folder) if path is not None else None
    return here is not None and not Path(here).exists()


def _count_file_bytes(project: Project) -> int | None:
    return _add_up(size for source in project.sources for size in _sizes(source, project.folder))


def _sizes(source: SourceConfig, folder: str) -> Iterable[int | None]:
    path = place_of_files(source, folder)
    if path is None:
        return [None]
    return map(unpacked_size, find_files(path, source.options))


def _add_up(sizes: Iterable[int | None]) -> int | None:
    """The sum, which ends where it is large in any case; None where a size is not known."""
    total = 0
    for size in sizes:
        if size is None:
            return None
        total += size
        if total > max(SMALL_TABLE_BYTES, SMALL_FILE_BYTES):
            break
    return total
