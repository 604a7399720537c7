"""The newest version of a Delta table, and its checkpoints."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from py4j.protocol import Py4JError

if TYPE_CHECKING:
    from delta.tables import DeltaTable
    from pyspark.sql import SparkSession


def newest_version(spark: SparkSession, table: DeltaTable) -> int:
    """Ask Delta's log in this Java process, in a hundredth of a second; `history`, a query, takes forty times as long.

    Where there is no such log (Spark Connect, Delta of another make) the history tells.
    """
    try:
        none = spark._jvm.scala.Option.empty()  # type: ignore[union-attr]
        return int(table._jdt.deltaLog().update(False, none, none).version())
    except (AttributeError, TypeError, Py4JError):
        return int(table.history(1).select("version").collect()[0][0])


def write_checkpoint(table: DeltaTable) -> None:
    """Have Delta write a checkpoint of the table's head, and take away log files that are past their time.

    Left out where there is no such log in this Java process: readers then read the commits one by one.
    """
    with suppress(AttributeError, TypeError, Py4JError):
        log = table._jdt.deltaLog()
        log.checkpoint()
