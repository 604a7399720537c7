"""Truth files and cluster files: which record is about whom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.evaluation.figures import CLUSTER, ENTITY, RECORD
from cdp_spark.tables.checkpoint import cache_frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ID_COLUMNS = (RECORD, c.SOURCE_RECORD_ID, c.RECORD_KEY)
_FORMATS = (".csv", ".parquet")


@dataclass(frozen=True)
class GroupFile:
    """A file that says in which group each record is.

    Args:
        path: CSV with a header, or Parquet.
        group_column: the group; a record without one is dropped.
        id_column: identifies a record, within its source where the file has a column `source`; None for the first of
            ID_COLUMNS that the file has.
        entity_type: takes only these records where the file has a column `entity_type`.
    """

    path: str
    group_column: str
    id_column: str | None = None
    entity_type: str | None = None


def read_groups(spark: SparkSession, file: GroupFile, *, as_name: str) -> DataFrame:
    """Read a truth, or clusters.

    Args:
        spark: the session.
        file: what to read.
        as_name: what to call the group.
    Returns: one row per record: record_id, the group, and the source (null where the file has none).

    Raises:
        ConfigError: the suffix or a column is unknown.
        DataError: the file is not there, or a record stands twice in it.
    """
    rows = _read(spark, file.path)
    id_column = file.id_column or next((it for it in ID_COLUMNS if it in rows.columns), ID_COLUMNS[0])
    for name in (id_column, file.group_column):
        if name not in rows.columns:
            allowed = ", ".join(rows.columns)
            raise ConfigError(file.path, got=f"no column {name}", allowed=allowed, fix="name one of these")
    if file.entity_type is not None and c.ENTITY_TYPE in rows.columns:
        rows = rows.where(F.col(c.ENTITY_TYPE) == file.entity_type)
    source = F.col(c.SOURCE) if c.SOURCE in rows.columns else F.lit(None)
    groups = rows.select(
        source.cast("string").alias(c.SOURCE),
        F.col(f"`{id_column}`").cast("string").alias(RECORD),
        F.col(f"`{file.group_column}`").cast("string").alias(as_name),
    ).where(F.col(RECORD).isNotNull() & F.col(as_name).isNotNull())
    _refuse_repeated(groups, file.path, id_column)
    return groups


def judge_file(clusters: DataFrame, truth: DataFrame) -> DataFrame:
    """Put clusters beside a truth; by source and id where both files name sources, else by id.

    Args:
        clusters: as `read_groups` gives them, under the name cluster_id.
        truth: the same under the name entity_id.
    Returns: one row per record of the truth: record_id, entity_id, cluster_id or null.

    Raises:
        DataError: only one file names sources, and an id is in two of them.
    """
    named = [frame.where(F.col(c.SOURCE).isNotNull()).limit(1).count() > 0 for frame in (clusters, truth)]
    if all(named):
        joined = truth.join(clusters, on=[c.SOURCE, RECORD], how="left")
    else:
        for frame, has_sources, what in ((clusters, named[0], "clusters"), (truth, named[1], "truth")):
            if has_sources:
                _refuse_repeated(frame.drop(c.SOURCE), f"the file of {what}", RECORD)
        joined = truth.drop(c.SOURCE).join(clusters.drop(c.SOURCE), on=RECORD, how="left")
    return joined.select(RECORD, ENTITY, CLUSTER)


def judge_records(records: DataFrame, clusters: DataFrame, truth: DataFrame) -> DataFrame:
    """Put the clusters of a warehouse beside a truth.

    A truth without sources names records by their key, or by their id where that id is in one source only.

    Args:
        records: one row per record of the entity type: record_key, source, source_record_id.
        clusters: one row per record: record_key, cluster.
        truth: as `read_groups` gives it, under the name entity_id.
    Returns: one row per record of the truth: record_id (its record_key, or what the truth calls it where the
        warehouse does not have it), entity_id, cluster_id or null.

    Raises:
        DataError: no record of the truth is in the warehouse, or one is ambiguous.
    """
    named = records.select(c.RECORD_KEY, F.col(c.SOURCE).alias("of"), F.col(c.SOURCE_RECORD_ID).alias("own_id"))
    is_source = F.col(c.SOURCE).isNull() | (F.col(c.SOURCE) == F.col("of"))
    found = truth.join(named, on=(F.col(RECORD) == F.col("own_id")) & is_source, how="inner")
    by_key = truth.join(named, on=F.col(RECORD) == F.col(c.RECORD_KEY), how="inner")
    found = cache_frame(found.unionByName(by_key).select(c.RECORD_KEY, c.SOURCE, RECORD, ENTITY).distinct())
    counts = found.agg(F.count(F.lit(1)), F.countDistinct(F.struct(F.coalesce(c.SOURCE, F.lit("")), RECORD))).first()
    if counts is None or not counts[0]:
        raise DataError("--truth", got="no record of the warehouse", allowed=_KEYS, fix="name the columns of the file")
    if counts[0] != counts[1]:
        got = f"{counts[0] - counts[1]} ids that stand in several sources"
        raise DataError("--truth", got=got, allowed=_KEYS, fix="add a column `source` to the file")
    joined = found.join(clusters.select(c.RECORD_KEY, F.col(c.CLUSTER).alias(CLUSTER)), on=c.RECORD_KEY, how="left")
    held = joined.select(F.col(c.RECORD_KEY).alias(RECORD), ENTITY, CLUSTER)
    return held.unionByName(_absent(truth, found))


def _absent(truth: DataFrame, found: DataFrame) -> DataFrame:
    """Records of the truth that the warehouse does not have, each without a cluster."""
    called = F.to_json(F.struct(c.SOURCE, RECORD))
    seen = found.select(called.alias("called"))
    absent = truth.withColumn("called", called).join(seen, on="called", how="left_anti")
    return absent.select(F.col("called").alias(RECORD), ENTITY, F.lit(None).cast("string").alias(CLUSTER))


_KEYS = "record keys, or ids of the source, with a column `source` where several sources have them"


def _read(spark: SparkSession, path: str) -> DataFrame:
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ConfigError(path, got=f"suffix {suffix!r}", allowed=", ".join(_FORMATS), fix="convert the file")
    if "://" not in path and not Path(path).exists():
        raise DataError(path, got="nothing there", allowed="a file with a header and rows", fix="check the path")
    if suffix == ".parquet":
        return spark.read.parquet(path)
    return spark.read.option("header", True).option("escape", '"').option("multiLine", True).csv(path)


def _refuse_repeated(groups: DataFrame, where: str, id_column: str) -> None:
    keys = [name for name in (c.SOURCE, RECORD) if name in groups.columns]
    repeated = groups.groupBy(*keys).count().where(F.col("count") > 1).count()
    if repeated:
        got = f"{repeated} ids that stand on more than one row"
        raise DataError(where, got=got, allowed=f"an id in {id_column} once", fix="add a column `source`, or clean it")
