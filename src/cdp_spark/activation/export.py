"""Writing an audience to a folder, and the row that tells of it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.activation.audiences.ad_audiences import audience_columns, hash_audience
from cdp_spark.activation.audiences.audience import REASON
from cdp_spark.activation.audiences.cells import cells
from cdp_spark.config.base import Secret
from cdp_spark.config.destination import AUDIENCE_COLUMNS
from cdp_spark.config.load.secrets import reveal
from cdp_spark.session.files import rename_only_file
from cdp_spark.tables.rows import map_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from cdp_spark.activation.audiences.audience import Reason
    from cdp_spark.config.destination import FileDestination

Status = Literal["delivered", "skipped", "held", "failed"]

COPYING = "_copying-"
"""Before the name of a folder that is being copied: who reads its parent as one table passes over it."""
_ROWS_PER_FILE = 1_000_000
CSV_OPTIONS = {
    "header": "true",
    "escape": '"',
    "nullValue": "",
    "emptyValue": "",
    "ignoreLeadingWhiteSpace": "false",
    "ignoreTrailingWhiteSpace": "false",
}


@dataclass(frozen=True)
class Delivery:
    """What became of one export.

    Args:
        destination: its name.
        segment: whose members it takes.
        status: skipped where fewer than the destination's `min_members` would be sent, held where `find_hold` gives a
            reason.
        row_count: profiles written, or rows acknowledged.
        location: the folder or URL.
        withheld: how many members were not sent, by reason.
        problem: what went wrong, for a failed one; what holds a held one.
        inputs: checksum of what the audience and the columns depend on.
        files: checksum of the files; None where this machine does not see them.
        counts: of a destination of rows, how many had which fate, and how many are given up.
    """

    destination: str
    segment: str
    status: Status
    row_count: int
    location: str
    withheld: Mapping[Reason, int] = field(default_factory=dict)
    problem: str = ""
    inputs: float | None = None
    files: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


def count_audience(audience: DataFrame) -> tuple[int, dict[Reason, int]]:
    """Count the members that may be exported, and those that are withheld by reason (an action)."""
    counts = {row[REASON]: row["count"] for row in audience.groupBy(REASON).count().collect()}
    return counts.pop(None, 0), dict(sorted(counts.items()))


def build_export(audience: DataFrame, *, destination: FileDestination) -> DataFrame:
    """The rows to write, sorted by unified_id in one partition, so that equal audiences give equal files.

    Args:
        audience: one row per member with `withheld_reason`.
        destination: names the columns and the kind of file.

    Returns:
        one row per allowed member.
    """
    allowed = audience.where(F.col(REASON).isNull()).repartition(1).sortWithinPartitions(c.UNIFIED_ID)
    selected = allowed.select(*cells(destination, audience))
    if destination.kind not in AUDIENCE_COLUMNS:
        return selected
    names = audience_columns(destination.kind, [it.written for it in destination.sent_columns])
    schema = ", ".join(f"`{name}` string" for name in names)
    return cast("DataFrame", map_rows(selected, partial(hash_audience, kind=destination.kind), schema))


def write_export(export: DataFrame, *, destination: FileDestination, location: str) -> None:
    """Replace the folder by the export: one file under its name, or part files of a million rows each.

    Raises:
        StateError: the file could not be given its name.
    """
    rows_per_file = 0 if destination.single_file else _ROWS_PER_FILE
    writer = export.write.mode("overwrite").option("maxRecordsPerFile", rows_per_file)
    if destination.kind == "parquet":
        writer.parquet(location)
        return
    writer.options(**CSV_OPTIONS).csv(location)
    if destination.single_file:
        rename_only_file(export.sparkSession, location, prefix="part-", name=destination.single_file)


def export_location(destination: FileDestination, *, folder: str, release: int, below: str = "") -> str:
    """The folder of a release's export: `path/release=N`, a relative path below the project's folder.

    What came from the environment stays hidden: see `Secret`.

    Args:
        destination: names the path.
        folder: of the project.
        release: its number.
        below: a folder of `path` to be in.
    """
    end = f"/{below + '/' if below else ''}{c.RELEASE}={release}"
    location = f"{_base(destination.path, folder)}{end}"
    if isinstance(destination.path, Secret):
        return Secret(location, f"{destination.path.template.rstrip('/')}{end}")
    return location


def recorded_location(text: str, *, folder: str) -> str:
    """The folder of an export that `deliveries` has, its variables replaced by what they are now.

    Args:
        text: of `deliveries`.
        folder: of the project.
    """
    try:
        return _base(str(reveal(text, os.environ)), folder)
    except KeyError:
        return text


def _base(path: str, folder: str) -> str:
    path = path.rstrip("/")
    return path if "://" in path or Path(path).is_absolute() else str(Path(folder) / path)


def idempotency_key(*, release: int, destination: str, segment: str) -> str:
    """The same for every attempt to deliver a release's segment to a destination."""
    return hashlib.sha256(json.dumps([release, destination, segment]).encode()).hexdigest()
