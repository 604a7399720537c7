"""Connected components: one function, three engines, identical results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.engines.graphframes import build_components_by_graphframes, graphframes_available
from cdp_spark.clustering.engines.labels import label_components
from cdp_spark.clustering.engines.stars import build_components_by_stars
from cdp_spark.tables.rows import as_frame

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

Engine = Literal["local", "graphframes", "dataframe"]


@dataclass(frozen=True)
class GraphSize:
    """How large a graph is.

    Args:
        vertices: how many.
        edges: how many, duplicates and dangling ones included.
    """

    vertices: int
    edges: int


@dataclass(frozen=True)
class Components:
    """Connected components, and how they were found.

    Args:
        components: one row per vertex: record_key, component (the component's smallest record_key).
        engine: the engine that ran.
        reason: why this one, for the run's record.
    """

    components: DataFrame
    engine: Engine
    reason: str


def build_components(
    vertices: DataFrame,
    edges: DataFrame,
    *,
    engine: Engine | Literal["auto"] = "auto",
    local_max_edges: int = 15_000_000,
    size: GraphSize | None = None,
) -> Components:
    """Find the connected components of an undirected graph.

    Self loops, duplicate and reversed edges are allowed; an edge with an end that is null or no vertex is ignored; a
    vertex without edges is its own component. The edges are read several times, so pass a table or a checkpoint.

    Args:
        vertices: one row per record_key.
        edges: record_key_l, record_key_r.
        engine: `auto` takes `local` up to `local_max_edges`, else `graphframes` where its jar is, else `dataframe`.
        local_max_edges: edges that the driver may hold, at about 50 bytes each in Python; the vertices, at about 200
            bytes each, may be as many as that, too.
        size: of the graph, where it is known; None to count it.

    Raises:
        StateError: `graphframes` was asked for and its classes are not on the class path.
    """
    size = size or GraphSize(vertices.count(), edges.count())
    chosen, reason = engine, "asked for"
    if chosen == "auto":
        largest = max(size.edges, size.vertices)
        chosen, reason = choose_engine(vertices.sparkSession, largest, local_max_edges=local_max_edges)
    return Components(_ENGINES[chosen](vertices, edges), chosen, reason)


def choose_engine(spark: SparkSession, size: int, *, local_max_edges: int) -> tuple[Engine, str]:
    """Choose an engine by the graph's size and by what is on the class path.

    Args:
        spark: the session that will run it.
        size: edges or vertices, whichever are more.
        local_max_edges: the largest size for the driver.
    Returns: the engine and the reason in words.
    """
    if size <= local_max_edges:
        return "local", f"{size:,} edges or vertices fit on the driver (limit {local_max_edges:,})"
    too_large = f"{size:,} edges or vertices are above the driver's limit of {local_max_edges:,}"
    if graphframes_available(spark):
        return "graphframes", f"{too_large}; GraphFrames is on the class path"
    return "dataframe", f"{too_large}; GraphFrames is not on the class path"


def build_components_locally(vertices: DataFrame, edges: DataFrame) -> DataFrame:
    """Fetch the graph through Arrow, label it with scipy, and hand the labels back to Spark.

    Args:
        vertices: one row per record_key.
        edges: record_key_l, record_key_r in any direction and number.
    """
    return as_frame(vertices.sparkSession, label_components(*_fetch(vertices, edges)))


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


_ENGINES = {
    "local": build_components_locally,
    "graphframes": build_components_by_graphframes,
    "dataframe": build_components_by_stars,
}
