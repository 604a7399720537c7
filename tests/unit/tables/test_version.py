"""The newest version is the same by Delta's log and by its history."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from cdp_spark.tables.version import newest_version


def test_log_and_history_agree_after_another_write(spark: SparkSession, tmp_path: Path) -> None:
    place = str(tmp_path / "table")
    for version in range(2):
        spark.range(version).write.format("delta").mode("append").save(place)
        table = DeltaTable.forPath(spark, place)
        without_log = cast("DeltaTable", SimpleNamespace(history=table.history))
        assert [newest_version(spark, it) for it in (table, without_log)] == [version, version]
