"""Connected components on the driver: the fastest way for any graph that fits there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.clustering.engines.base import EngineResult
from cdp_spark.clustering.labels import smallest_members

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame


def build_components_locally(vertices: DataFrame, edges: DataFrame) -> EngineResult:
    """Fetch the graph through Arrow, label it with scipy, and hand the labels back to Spark.

    Args:
        vertices: one row per record_key.
        edges: record_key_l, record_key_r in any direction and number.
    """
    spark = vertices.sparkSession
    keys = vertices.select(c.RECORD_KEY).toArrow().column(c.RECORD_KEY)
    ends = edges.select(c.RECORD_KEY_L, c.RECORD_KEY_R).toArrow()
    components, dangling_edges = label_components(keys, ends)
    labelled = spark.createDataFrame(components, "record_key string, component string")
    partitions = int(spark.conf.get("spark.sql.shuffle.partitions", "200") or 200)
    return EngineResult(labelled.coalesce(partitions), dangling_edges)  # else one partition for every 10,000 rows


def label_components(keys: pa.ChunkedArray, ends: pa.Table) -> tuple[pa.Table, int]:
    """Compute the components of a graph in Arrow memory.

    Args:
        keys: the vertices' record keys, each once.
        ends: record_key_l, record_key_r.
    Returns: record_key and component, sorted by record_key; the number of dangling edges.
    """
    sorted_keys = pc.take(keys, pc.sort_indices(keys)).combine_chunks()
    left, right = (pc.index_in(ends.column(side), value_set=sorted_keys) for side in (c.RECORD_KEY_L, c.RECORD_KEY_R))
    known = pc.and_(left.is_valid(), right.is_valid())
    smallest = smallest_members(len(sorted_keys), _known_positions(left, known), _known_positions(right, known))
    components = {c.RECORD_KEY: sorted_keys, c.COMPONENT: pc.take(sorted_keys, pa.array(smallest))}
    return pa.table(components), len(known) - (pc.sum(known).as_py() or 0)


def _known_positions(positions: pa.ChunkedArray, known: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(pc.filter(positions, known), dtype=np.int64)
