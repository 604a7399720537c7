"""An export that would be the last one again: its files are copied to the new release's folder.

Every release's folder holds the whole export, so an unchanged audience is delivered, too. What it takes is that nothing
the export depends on has changed, and that the files of the last one are on this machine and still what was written.
"""

from __future__ import annotations

import logging
import re
import shutil
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.activation.export import COPYING, Delivery, export_location
from cdp_spark.tables.catalog import DELIVERIES
from cdp_spark.tables.increments.basis import BASIS_PREFIX, checksum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdp_spark.config.destination import AnyDestination, FileDestination
    from cdp_spark.tables.run import RunContext

log = logging.getLogger(__name__)

_INPUTS, _FILES = "inputs", "files"
_IS_DATA = re.compile(r"(?!\.|_).+\.(?:csv|parquet)")
"""Names of an export's own files: not of checksums, nor of Spark's mark that it is whole."""


def has_inputs_of_last(context: RunContext, destination: AnyDestination, inputs: float) -> bool:
    """Whether nothing that an export depends on has changed since it was made last."""
    return context.last_figure(_figure(destination.name, _INPUTS)) == inputs


def files_checksum(location: str) -> float | None:
    """Checksum of an export's files; None where they are not on this machine."""
    found = Path(location).iterdir() if Path(location).is_dir() else ()
    parts = sorted(it for it in found if _IS_DATA.fullmatch(it.name))
    return checksum([_digest(part) for part in parts]) if parts else None


def _digest(part: Path) -> str:
    with part.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def repeat_delivery(context: RunContext, destination: FileDestination, location: str, inputs: float) -> Delivery | None:
    """Deliver the last export again; None where it has to be made anew.

    Args:
        context: of the run.
        destination: where to.
        location: the folder of this release's export.
        inputs: checksum of what the export depends on.
    """
    if context.full or not has_inputs_of_last(context, destination, inputs):
        return None
    last = _last_delivery(context, destination)
    if last is None or last[c.STATUS] not in ("delivered", "skipped"):
        return None
    withheld = dict(last[c.WITHHELD_BY])
    told = Delivery(
        destination.name, destination.label, last[c.STATUS], last[c.ROW_COUNT], location, withheld, inputs=inputs
    )
    if told.status == "skipped":
        return told
    files = context.last_figure(_figure(destination.name, _FILES))
    source = export_location(destination, folder=context.project.folder, release=last[c.RELEASE])
    if files is None or files_checksum(source) != files or not _copied(source, location):
        return None
    return Delivery(**{**vars(told), "files": files})


def repeat_figures(deliveries: Iterable[Delivery]) -> dict[str, float]:
    """The figures by which the next run finds out whether an export would be the same."""
    found = {_figure(it.destination, name): getattr(it, name) for it in deliveries for name in (_INPUTS, _FILES)}
    return {name: value for name, value in found.items() if value is not None}


def _figure(destination: str, name: str) -> str:
    return f"{BASIS_PREFIX}activation.{destination}.{name}"


def _last_delivery(context: RunContext, destination: FileDestination) -> dict[str, Any] | None:
    only = {c.DESTINATION: pa.array([destination.name]), c.SEGMENT: pa.array([destination.label])}
    rows = context.store.fetch(DELIVERIES, only=only).sort_by(
        [(c.RELEASE, "descending"), (c.DELIVERED_AT, "descending")]
    )
    return rows.slice(0, 1).to_pylist()[0] if rows.num_rows else None


def _copied(source: str, location: str) -> bool:
    """Copy a folder, so that it appears whole or not at all."""
    if source == location:
        return True
    target = Path(location)
    beside = target.with_name(f"{COPYING}{target.name}")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(source, beside)
        if target.exists():
            shutil.rmtree(target)
        beside.rename(target)
    except OSError as error:
        log.warning("an export could not be copied: %s", type(error).__name__)
        shutil.rmtree(beside, ignore_errors=True)
        return False
    return True
