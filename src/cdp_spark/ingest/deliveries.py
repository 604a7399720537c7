"""Every source's newest delivery: read in this process where all is small and here, otherwise in Spark's tasks.

Files of this machine are opened by `reading`. The smallest, as many as together stay below a limit, are read here, the
others by tasks. Spark reads whatever else there is: files elsewhere, Delta, JDBC, and Parquet that is partitioned or
has options of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cdp_spark.errors import CdpError
from cdp_spark.ingest.frames import distribute, open_in_spark
from cdp_spark.ingest.reading import Reading, open_source
from cdp_spark.ingest.reading.files import FILE_OPTIONS, find_files, find_unread_files, place_of_files
from cdp_spark.limits import INGEST_IN_PROCESS_BYTES
from cdp_spark.session import is_on_this_machine
from cdp_spark.session.files import find_folder
from cdp_spark.session.remote import is_remote_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.frames import SparkReading

    Delivery = Reading | SparkReading | CdpError | None
    """What was opened, or why it cannot be; None where nothing is there."""


def open_deliveries(spark: SparkSession, sources: Sequence[SourceConfig], *, folder: str) -> dict[str, Delivery]:
    """Open the newest delivery of every source.

    Args:
        spark: the session.
        sources: what to read.
        folder: relative paths of sources are below it.
    Returns: a delivery that cannot be opened is the error that says why: UTF-16, a header that names a column twice,
        files of another format, an option that ingest itself sets.
    """
    is_local = is_on_this_machine(spark)
    are_seen = is_local or (is_remote_session(spark) and find_folder(spark, folder) is not None)
    opened = {it.name: _open(spark, it, folder, is_here=are_seen) for it in sources}
    here = {name: delivery for name, delivery in opened.items() if isinstance(delivery, Reading)}
    large = here.keys() - _small_ones(here)
    for source in sources:
        if source.name in large:  # a server's tasks may not see what the server sees
            name = source.name
            opened[name] = distribute(spark, here[name]) if is_local else _open(spark, source, folder, is_here=False)
    return opened


def _open(spark: SparkSession, source: SourceConfig, folder: str, *, is_here: bool) -> Delivery:
    try:
        if is_here and _is_for_this_process(source, folder):
            return open_source(source, folder=folder)
        return open_in_spark(spark, source, source_path(source, folder))
    except CdpError as error:
        return error


def find_unread(sources: Sequence[SourceConfig], *, folder: str) -> dict[str, dict[str, str]]:
    """List the files of this machine that lie in a source's delivery and that no source reads.

    Args:
        sources: all of the project.
        folder: relative paths of sources are below it.
    Returns: source to each file's name and why it is not read, each file once; sources without such files are left
        out.
    """
    local = [(it, path) for it in sources if (path := place_of_files(it, folder)) is not None]
    read = {file for it, path in local for file in find_files(path, it.options)}
    known = read | {parent for file in read for parent in file.parents}
    found: dict[str, dict[str, str]] = {}
    for source, path in local:
        unread = {file: why for file, why in find_unread_files(path, source.options).items() if file not in known}
        known |= {*unread}
        if unread:
            found[source.name] = {file.name: why for file, why in unread.items()}
    return found


def source_path(source: SourceConfig, folder: str) -> str | None:
    """A source's path; a relative one is below the folder."""
    if source.path is None or "://" in source.path or source.path.startswith("/"):
        return source.path
    return f"{folder.rstrip('/')}/{source.path}"


def _is_for_this_process(source: SourceConfig, folder: str) -> bool:
    path = place_of_files(source, folder)
    if path is None:
        return False
    if source.format != "parquet":
        return True
    has_own_options = bool({name.lower() for name in source.options} - FILE_OPTIONS)
    return not has_own_options and not any(_is_in_partition(file, path) for file in find_files(path, source.options))


def _is_in_partition(file: Path, path: str) -> bool:
    return any("=" in part for part in file.parent.parts[len(Path(path).parts) - 1 :])


def _small_ones(readings: dict[str, Reading]) -> set[str]:
    """Choose the smallest deliveries that together stay below the limit."""
    chosen: set[str] = set()
    size = 0
    for name, reading in sorted(readings.items(), key=lambda item: (item[1].size_bytes, item[0])):
        size += reading.size_bytes
        if size > INGEST_IN_PROCESS_BYTES:
            break
        chosen.add(name)
    return chosen
