"""Makes the class archive: `python -m cdp_spark.session.warm_up` runs what most runs need, and keeps its classes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.session.builder import get_session
from cdp_spark.session.class_archive import archive_path, writing_options
from cdp_spark.session.jars import find_jars
from cdp_spark.session.java import check_java, java_options
from cdp_spark.session.settings import SessionSettings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PATIENCE = 180
"""Seconds that Java may take to write the archive, some 200 MB."""


def main() -> None:
    """Make the archive anew, and say where it is."""
    path = archive_path(check_java(), find_jars(SessionSettings()))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        written = Path(folder) / path.name
        _run(written, Path(folder) / "tables")
        if written.is_file():
            written.replace(path)
    print(f"classes kept in {path}" if path.is_file() else "this Java cannot keep an archive of classes")  # noqa: T201


def _run(archive: Path, folder: Path) -> None:
    options = " ".join([java_options(), *writing_options(archive)])
    conf = {"spark.driver.extraJavaOptions": options}
    spark = get_session(SessionSettings(app_name="cdp-warm-up", driver_memory="1g", conf=conf))
    gateway = spark.sparkContext._gateway
    assert gateway is not None, "a classic session has one"
    try:
        _exercise(spark, folder)
    finally:
        spark.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(_PATIENCE)


def _exercise(spark: SparkSession, folder: Path) -> None:
    """Read, join, aggregate, call Python, write, merge: one of each."""
    delta, text = str(folder / "delta"), str(folder / "csv")
    numbers = spark.range(100).select(F.col("id"), F.concat(F.lit("Ä"), F.col("id")).alias("name"))
    numbers.write.option("header", "true").csv(text)
    rows = spark.read.option("header", "true").csv(text).withColumn("name", F.lower("name"))
    for mode in ("append", "overwrite"):
        rows.write.format("delta").mode(mode).save(delta)
    spark.sql(f"DESCRIBE HISTORY delta.`{delta}`").collect()
    _look(spark.read.format("delta").load(delta))
    spark.sql(
        f"MERGE INTO delta.`{delta}` t USING (SELECT '1' AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE"
    ).collect()


def _look(table: DataFrame) -> None:
    counts = table.groupBy("id").agg(F.max_by("name", "id").alias("last"), F.count("*").alias("n"))
    joined = table.join(counts, "id").withColumn("seen", F.expr("row_number() OVER (PARTITION BY n ORDER BY id)"))
    copies = joined.mapInArrow(lambda batches: batches, joined.schema)
    copies.localCheckpoint().orderBy("id").toArrow()


if __name__ == "__main__":
    main()
