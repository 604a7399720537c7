"""Telling destinations who was erased, and taking back what was exported of them."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.errors import PySparkException

from cdp_spark import columns as c
from cdp_spark.activation.export import COPYING, Delivery, export_location, recorded_location
from cdp_spark.errors import StateError
from cdp_spark.session.files import JAVA_ERRORS, delete_folder, list_folder
from cdp_spark.tables.catalog import DELIVERIES
from cdp_spark.tables.rows import as_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from cdp_spark.config.destination import FileDestination
    from cdp_spark.tables.run import RunContext

log = logging.getLogger(__name__)

_IS_EXPORT = re.compile(rf"/(?:{COPYING})?{c.RELEASE}=(\d+)$")
ERASED = "_erased"
"""In the place of the segment, of a delivery that tells who was erased; of files the folder, over which whoever reads
`path` as one table passes."""


def tell_erased(context: RunContext, destination: FileDestination, ids: Sequence[str]) -> Delivery:
    """Write the ids to `path/_erased/release=N` of a destination, one CSV file with the column unified_id."""
    location = export_location(destination, folder=context.project.folder, release=context.ordinal, below=ERASED)
    told = Delivery(destination.name, ERASED, "delivered", len(ids), location)
    rows = as_frame(context.store.spark, pa.table({c.UNIFIED_ID: sorted(ids)})).coalesce(1)
    try:
        rows.write.mode("overwrite").option("header", "true").csv(location)
    except (PySparkException, *JAVA_ERRORS) as error:
        log.warning("Destination %s could not be told: %s", destination.name, type(error).__name__)
        return replace(told, status="failed", row_count=0, problem=f"{type(error).__name__} while writing")
    return told


def remove_exports(context: RunContext) -> list[str]:
    """Delete the folders with exports of earlier releases; returns those that could not be deleted.

    They are where deliveries say, and in the folders of the destinations: the project may have moved, and a night may
    have been killed between an export and its record.
    """
    spark, release = context.store.spark, context.ordinal
    rows = context.store.fetch(DELIVERIES, (c.RELEASE, c.SEGMENT, c.LOCATION)).to_pylist()
    recorded = {
        recorded_location(row[c.LOCATION], folder=context.project.folder)
        for row in rows
        if row[c.RELEASE] < release
        and row[c.SEGMENT] != ERASED
        and row[c.LOCATION]
        and _IS_EXPORT.search(row[c.LOCATION])
    }
    places = {
        export_location(it, folder=context.project.folder, release=release) for it in context.project.destinations.files
    }
    try:
        found = {earlier for place in places for earlier in _earlier(spark, place, release)}
    except StateError as error:
        log.warning("the exports could not be listed: %s", error)
        return sorted(recorded | {place.rsplit("/", 1)[0] for place in places})
    ours = {place for place in recorded if _IS_EXPORT.search(place)}
    return [place for place in sorted(ours | found) if not _remove(spark, place)]


def _earlier(spark: SparkSession, place: str, release: int) -> list[str]:
    """The folders of earlier releases beside an export's."""
    numbered = [(path, _IS_EXPORT.search(path)) for path in list_folder(spark, place.rsplit("/", 1)[0])]
    return [path for path, its in numbered if its and int(its[1]) < release]


def _remove(spark: SparkSession, place: str) -> bool:
    """Delete a folder; True where it is not there any more."""
    try:
        delete_folder(spark, place)
    except StateError as error:
        log.warning("an export could not be deleted: %s", error)
        return False
    return True
