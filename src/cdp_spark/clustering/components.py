"""Connected components: one function, three engines, identical results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cdp_spark.clustering.engines.base import EngineResult, Materialise, local_checkpoint
from cdp_spark.clustering.engines.dataframe import build_components_by_stars
from cdp_spark.clustering.engines.graphframes import build_components_by_graphframes, graphframes_available
from cdp_spark.clustering.engines.local import build_components_locally

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

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
        edge_count: edges given, before any was dropped.
        dangling_edges: edges dropped because an end is null or no vertex.
    """

    components: DataFrame
    engine: Engine
    reason: str
    edge_count: int
    dangling_edges: int


def build_components(
    vertices: DataFrame,
    edges: DataFrame,
    *,
    engine: Engine | Literal["auto"] = "auto",
    local_max_edges: int = 15_000_000,
    materialise: Materialise = local_checkpoint,
    size: GraphSize | None = None,
) -> Components:
    """Find the connected components of an undirected graph.

    Self loops, duplicate and reversed edges are allowed; a vertex without edges is its own component. The edges are
    counted and then used, so pass a table or a materialised frame.

    Args:
        vertices: one row per record_key.
        edges: record_key_l, record_key_r.
        engine: `auto` takes `local` up to `local_max_edges`, else `graphframes` where its jar is, else `dataframe`.
        local_max_edges: edges that the driver may hold, at about 50 bytes each in Python; the vertices, at about 200
            bytes each, may be as many as that, too.
        materialise: cuts the lineage of a frame; called once a round by the `dataframe` engine.
        size: of the graph, where it is known; None to count it.
    Raises: StateError: `graphframes` was asked for and its classes are not on the class path.
    """
    size = size or GraphSize(vertices.count(), edges.count())
    chosen, reason = engine, "asked for"
    if chosen == "auto":
        largest = max(size.edges, size.vertices)
        chosen, reason = choose_engine(vertices.sparkSession, largest, local_max_edges=local_max_edges)
    result = _run(chosen, vertices, edges, materialise=materialise)
    return Components(result.components, chosen, reason, size.edges, result.dangling_edges)


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


def _run(engine: Engine, vertices: DataFrame, edges: DataFrame, *, materialise: Materialise) -> EngineResult:
    if engine == "local":
        return build_components_locally(vertices, edges)
    if engine == "graphframes":
        return build_components_by_graphframes(vertices, edges, materialise=materialise)
    return build_components_by_stars(vertices, edges, materialise=materialise)
