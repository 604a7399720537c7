"""The newest version is the same by the names in the log, by Delta's log in Java, and by the history."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cdp_spark.tables import store as store_module
from cdp_spark.tables.catalog import LABELS
from cdp_spark.tables.store import Store


def test_all_ways_agree_after_another_write(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(spark, str(tmp_path))
    for _ in range(2):
        store.append(LABELS, LABELS.table([]), application=None)
    found = [store.version(LABELS)]
    far = Store(spark, str(tmp_path)).unguarded()
    vars(far)["folder"] = None
    found.append(far.version(LABELS))
    monkeypatch.setattr(store_module, "read_newest_version", lambda *_, **__: None)
    found.append(far.version(LABELS))
    assert found == [2, 2, 2]
