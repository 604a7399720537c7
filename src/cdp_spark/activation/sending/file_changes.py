"""Files with what changed: a folder of each run, below that of its release, with the columns `action` and `unified_id`.

All of a run's rows are written at once, and acknowledged when they are; a run that is killed writes them again.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.errors import PySparkException

from cdp_spark import columns as c
from cdp_spark.activation.destinations.interface import Fate
from cdp_spark.activation.export import CSV_OPTIONS
from cdp_spark.session.files import JAVA_ERRORS
from cdp_spark.tables.rows import as_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import SparkSession

    from cdp_spark.activation.destinations.interface import Row
    from cdp_spark.config.destination import FileDestination

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileSender:
    """Writes rows to a folder.

    Args:
        spark: the session.
        destination: its settings.
        location: the folder of the release.
        run_id: names the folder of the run.
        schema: of the rows.
    """

    spark: SparkSession
    destination: FileDestination
    location: str
    run_id: str
    schema: pa.Schema

    @property
    def batch_rows(self) -> int:
        """All of a run."""
        return sys.maxsize

    def send(self, batch: Sequence[Row]) -> list[Fate]:
        """Write the rows to one file."""
        writer = as_frame(self.spark, self._table(batch)).coalesce(1).write.mode("overwrite")
        place = f"{self.location}/run={self.run_id}"
        try:
            if self.destination.kind == "csv":
                writer.options(**CSV_OPTIONS).csv(place)
            else:
                writer.parquet(place)
        except (PySparkException, *JAVA_ERRORS) as error:
            log.warning("Destination %s could not be written: %s", self.destination.name, type(error).__name__)
            return [Fate("unsent", f"{type(error).__name__} while writing", stops=True)] * len(batch)
        return [Fate("acknowledged")] * len(batch)

    def _table(self, batch: Sequence[Row]) -> pa.Table:
        fields = [it for it in self.schema if it.name != c.UNIFIED_ID]
        named = {
            c.ACTION: pa.array([row.action for row in batch], pa.string()),
            c.UNIFIED_ID: pa.array([row.unified_id for row in batch], pa.string()),
        }
        values = {it.name: pa.array([_cell(row.values, it.name) for row in batch], it.type) for it in fields}
        return pa.table({**named, **values})


def _cell(values: Mapping[str, object], name: str) -> object:
    """A value as Arrow takes it: a map as its pairs."""
    value = values.get(name)
    return list(value.items()) if isinstance(value, dict) else value
