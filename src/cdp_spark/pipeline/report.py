"""A run's HTML report in the project's folder for reports."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cdp_spark.report import Accuracy, build_report_data, write_report

if TYPE_CHECKING:
    from cdp_spark.config.project import Project
    from cdp_spark.pipeline.runs.summary import RunSummary
    from cdp_spark.tables.store import Store

log = logging.getLogger(__name__)

_FOLDER = "report"


def report_folder(project: Project) -> Path:
    """Where the project's reports are: as it says, else beside a warehouse that is a folder, else in the project."""
    warehouse, folder = project.settings.warehouse.path, Path(project.folder)
    if project.settings.report is not None:
        return (folder / project.settings.report).resolve()
    local = warehouse is not None and ":" not in warehouse
    return ((folder / str(warehouse)).resolve().parent if local else folder.resolve()) / _FOLDER


def write_run_report(
    store: Store, project: Project, summary: RunSummary, *, accuracy: tuple[Accuracy, ...] = ()
) -> Path | None:
    """Write a finished run's report.

    What the run published is there whether or not it can be told of, so a folder that cannot be written is a warning.

    Args:
        store: the warehouse.
        project: says where to.
        summary: of the run.
        accuracy: against a truth, where there is one.
    Returns: the file; None where it could not be written.
    """
    versions = summary.release.versions if summary.release else {}
    data = build_report_data(store, summary.run.run_id, versions, accuracy=accuracy)
    data = replace(data, as_of=data.as_of.astimezone(ZoneInfo(project.settings.time_zone)))
    folder = report_folder(project)
    try:
        return write_report(data, folder)
    except OSError as error:
        log.warning("the report could not be written to %s: %s", folder, error.strerror)
        return None
