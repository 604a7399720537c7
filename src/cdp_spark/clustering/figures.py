"""The figures of a night's clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.increment import RECORDS_FIGURE
from cdp_spark.clustering.kinds import VISITOR

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.tables.rows import Rows


def cluster_figures(clusters: Rows) -> dict[str, float]:
    """Figures of the people and accounts, and how many visitors are with one of them.

    Args:
        clusters: of all types: record_key, entity_type, cluster.
    """
    return _count(clusters) if isinstance(clusters, pa.Table) else _count_in_spark(clusters)


def _count(clusters: pa.Table) -> dict[str, float]:
    is_visitor = pc.equal(clusters[c.ENTITY_TYPE], VISITOR)
    sizes = pc.value_counts(clusters[c.CLUSTER].filter(pc.invert(is_visitor)).combine_chunks())
    records = sizes.field("counts")
    with_somebody = pc.is_in(clusters[c.CLUSTER].filter(is_visitor), value_set=sizes.field("values"))
    known = pc.sum(with_somebody).as_py() or 0
    figures = {
        "clusters.count": len(sizes),
        RECORDS_FIGURE: pc.sum(records).as_py() or 0,
        "clusters.largest": pc.max(records).as_py() or 0,
        "visitors.known": known,
        "visitors.anonymous": len(with_somebody) - known,
    }
    return {name: float(value) for name, value in figures.items()}


def _count_in_spark(clusters: DataFrame) -> dict[str, float]:
    is_visitor = F.col(c.ENTITY_TYPE) == VISITOR
    records, visitors = F.col(c.RECORD_COUNT), F.col("visitors")
    sizes = clusters.groupBy(c.CLUSTER).agg(
        F.count_if(~is_visitor).alias(c.RECORD_COUNT), F.count_if(is_visitor).alias("visitors")
    )
    figures = {
        "clusters.count": F.count_if(records > 0),
        RECORDS_FIGURE: F.sum(records),
        "clusters.largest": F.max(records),
        "visitors.known": F.sum(F.when(records > 0, visitors)),
        "visitors.anonymous": F.sum(F.when(records == 0, visitors)),
    }
    row = sizes.agg(*[F.coalesce(figure, F.lit(0)).alias(name) for name, figure in figures.items()]).collect()[0]
    return {name: float(row[name]) for name in figures}
