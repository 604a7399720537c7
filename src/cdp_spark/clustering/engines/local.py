"""Connected components on the driver: the fastest way for any graph that fits there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.engines.base import EngineResult
from cdp_spark.clustering.engines.labels import smallest_members
from cdp_spark.session import shuffle_partitions

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame


def build_components_locally(vertices: DataFrame, edges: DataFrame) -> EngineResult:
    """Fetch the graph through Arrow, label it with scipy, and hand the labels back to Spark.

    Args:
        vertices: one row per record_key.
        edges: record_key_l, record_key_r in any direction and number.
    """
    spark = vertices.sparkSession
    components, dangling_edges = label_components(*_fetch(vertices, edges))
    labelled = spark.createDataFrame(components, "record_key string, component string")
    few = labelled.coalesce(shuffle_partitions(spark))  # else one partition for every 10,000 rows
    return EngineResult(few, dangling_edges)


def _fetch(vertices: DataFrame, edges: DataFrame) -> tuple[pa.ChunkedArray, pa.ChunkedArray, pa.Table]:
    """What `label_components` takes; the edges by hashes of their ends, which are a quarter of the bytes.

    Where two vertices share a hash, which one graph of four million in two million has, the edges come by record keys.
    """
    ends = (c.RECORD_KEY_L, c.RECORD_KEY_R)
    fetched = vertices.select(c.RECORD_KEY, _hash_expr(c.RECORD_KEY)).toArrow()
    keys, hashes = fetched.columns
    if pc.count_distinct(hashes).as_py() < len(hashes):
        return keys, keys, edges.select(*ends).toArrow()
    return keys, hashes, edges.select(*[_hash_expr(end) for end in ends]).toArrow()


def _hash_expr(name: str) -> Column:
    """64 bits of a record key, null for null."""
    return F.when(F.col(name).isNotNull(), F.xxhash64(name)).alias(f"{name}_hash")


def label_components(keys: pa.ChunkedArray, names: pa.ChunkedArray, ends: pa.Table) -> tuple[pa.Table, int]:
    """Compute the components of a graph in Arrow memory.

    Args:
        keys: the vertices' record keys, each once.
        names: what the edges call each of them, in the same order: the keys themselves, or a number for each.
        ends: one row per edge, two names; null or unknown where the edge dangles.
    Returns: record_key and component, sorted by record_key; the number of dangling edges.
    """
    order = pc.sort_indices(keys)
    sorted_keys, sorted_names = (pc.take(it, order).combine_chunks() for it in (keys, names))
    left, right = (pc.index_in(side, value_set=sorted_names) for side in ends.columns)
    known = pc.and_(left.is_valid(), right.is_valid())
    smallest = smallest_members(len(sorted_keys), _known_positions(left, known), _known_positions(right, known))
    components = {c.RECORD_KEY: sorted_keys, c.COMPONENT: pc.take(sorted_keys, pa.array(smallest))}
    return pa.table(components), len(known) - (pc.sum(known).as_py() or 0)


def _known_positions(positions: pa.ChunkedArray, known: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(pc.filter(positions, known), dtype=np.int64)
