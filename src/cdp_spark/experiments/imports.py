"""Assignments that were made elsewhere: a CSV file of records, arms and times."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.normalise.hashing import record_key, sha256

if TYPE_CHECKING:
    from cdp_spark.config.experiments import AssignmentsFile, ExperimentConfig

_SCHEMA = pa.schema([(c.RECORD_KEY, pa.string()), (c.ARM, pa.string()), (c.ASSIGNED_AT, pa.timestamp("us", "UTC"))])


@dataclass(frozen=True)
class ImportedArms:
    """What a file says.

    Args:
        rows: record_key, arm and assigned_at_utc, of times that have come.
        unknown_arms: rows of an arm that is not configured.
        unreadable_times: rows without a time that can be read.
    """

    rows: pa.Table
    unknown_arms: int
    unreadable_times: int


def path_of(file: AssignmentsFile, folder: str) -> Path:
    """Where a file is."""
    return Path(folder) / file.path


def fingerprint(file: AssignmentsFile, folder: str) -> str | None:
    """Hash of a file's content; None where it is not there."""
    path = path_of(file, folder)
    return sha256(path.read_text(encoding="utf-8-sig", errors="replace")) if path.is_file() else None


def read_assignments(
    experiment: ExperimentConfig, file: AssignmentsFile, folder: str, *, until: datetime
) -> ImportedArms:
    """Read a file.

    Args:
        experiment: whose arms it names.
        file: of the experiment.
        folder: of the project.
        until: later rows wait for a later run.

    Raises:
        DataError: it is not there, or lacks a column.
    """
    where, path = f"experiment {experiment.name}, {file.path}", path_of(file, folder)
    if not path.is_file():
        raise DataError(where, got="no such file", fix="put the file there, or correct `assignments.path`")
    rows, unknown, unread = [], 0, 0
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        reader = csv.DictReader(lines)
        _check_columns(where, file, list(reader.fieldnames or ()))
        for line in reader:
            record_id, arm, at = line[file.record_id], line[file.arm], _time_of(line[file.assigned_at])
            unknown += arm not in experiment.arms
            unread += at is None
            if record_id and arm in experiment.arms and at is not None and at <= until:
                rows.append({c.RECORD_KEY: record_key(file.source, record_id), c.ARM: arm, c.ASSIGNED_AT: at})
    return ImportedArms(pa.Table.from_pylist(rows, _SCHEMA), unknown, unread)


def _check_columns(where: str, file: AssignmentsFile, there: list[str]) -> None:
    missing = [name for name in (file.record_id, file.arm, file.assigned_at) if name not in there]
    if missing:
        fix = "name the columns in `assignments`: record_id, arm, assigned_at"
        raise DataError(where, got=f"no column {', '.join(missing)}", allowed=", ".join(there), fix=fix)


def _time_of(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
