"""Telling destinations who was erased, and taking back what was exported of them."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from cdp_spark import columns as c
from cdp_spark.activation.export import Delivery, export_location
from cdp_spark.tables.catalog import DELIVERIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py4j.java_gateway import JavaObject
    from pyspark.sql import SparkSession

    from cdp_spark.config.destination import FileDestination
    from cdp_spark.tables.run import RunContext

log = logging.getLogger(__name__)

ERASED = "_erased"
"""The folder of a destination with the ids of erased people; who reads `path` as one table passes over it."""


def tell_erased(context: RunContext, destination: FileDestination, ids: Sequence[str]) -> Delivery:
    """Write the ids to `path/_erased/release=N` of a destination, one CSV file with the column unified_id."""
    location = export_location(destination, folder=context.project.folder, release=context.ordinal, below=ERASED)
    told = Delivery(destination.name, ERASED, "delivered", len(ids), 0, 0, location)
    rows = context.store.spark.createDataFrame(pa.table({c.UNIFIED_ID: sorted(ids)})).coalesce(1)
    try:
        rows.write.mode("overwrite").option("header", "true").csv(location)
    except (PySparkException, Py4JError) as error:
        log.warning("Destination %s could not be told: %s", destination.name, type(error).__name__)
        return replace(told, status="failed", row_count=0, problem=f"{type(error).__name__} while writing")
    return told


def remove_exports(context: RunContext) -> list[str]:
    """Delete the folders with exports of earlier releases; returns those that could not be deleted.

    Where they are is recorded, and follows from the configuration, should the project have moved since.
    """
    rows = context.store.fetch(DELIVERIES, (c.RELEASE, c.SEGMENT, c.LOCATION)).to_pylist()
    earlier = [row for row in rows if row[c.RELEASE] < context.ordinal and row[c.SEGMENT] != ERASED]
    recorded = {row[c.LOCATION] for row in earlier if f"{row[c.LOCATION]}".endswith(f"/{c.RELEASE}={row[c.RELEASE]}")}
    configured = {
        export_location(destination, folder=context.project.folder, release=release)
        for destination in context.project.destinations.destinations
        for release in {row[c.RELEASE] for row in earlier}
    }
    return [place for place in sorted(recorded | configured) if not _remove(context.store.spark, place)]


def _remove(spark: SparkSession, place: str) -> bool:
    """Delete a folder; True where it is not there any more."""
    try:
        path = spark._jvm.org.apache.hadoop.fs.Path(place)  # type: ignore[union-attr]
        files: JavaObject = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
        return not files.exists(path) or bool(files.delete(path, True))
    except (AttributeError, TypeError, Py4JError) as error:
        log.warning("an export could not be deleted: %s", type(error).__name__)
        return False
