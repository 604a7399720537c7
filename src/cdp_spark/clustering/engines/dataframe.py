"""Connected components in the DataFrame API alone: alternating large-star and small-star.

Source: Kiveris, Lattanzi, Mirrokni, Rastogi, Vassilvitskii: Connected Components in MapReduce and Beyond, 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from cdp_spark.clustering.engines import vertex_ids as ids
from cdp_spark.clustering.engines.base import EngineResult, Materialise
from cdp_spark.errors import StateError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_MAX_ROUNDS = 100
_NEAREST = "nearest"


def build_components_by_stars(vertices: DataFrame, edges: DataFrame, *, materialise: Materialise) -> EngineResult:
    """Contract every component to a star around its smallest vertex id.

    Args:
        vertices: one row per record_key.
        edges: record_key_l, record_key_r in any direction and number.
        materialise: called once a round, so that neither plan nor work grows with the rounds.
    Raises: StateError: no convergence, which a faithful `materialise` cannot cause.
    """
    vertex_ids = materialise(ids.build_vertex_ids(vertices))
    numbered = materialise(ids.build_numbered_edges(edges, vertex_ids))
    stars = build_stars(ids.build_simple_edges(numbered), materialise=materialise)
    roots = stars.select(stars[ids.SRC].alias(ids.VERTEX_ID), stars[ids.DST].alias(ids.ROOT))
    components = materialise(ids.build_named_components(vertex_ids, roots))
    return EngineResult(components, ids.count_dangling(numbered))


def build_stars(simple_edges: DataFrame, *, materialise: Materialise) -> DataFrame:
    """Alternate the two operations until a round leaves the edges as they were.

    Args:
        simple_edges: one row per undirected edge: src > dst.
        materialise: called once a round.
    Returns: one row per vertex that is not the smallest of its component: src, dst (the smallest).
    """
    stars = materialise(simple_edges)
    before = _fingerprint(stars)
    for _ in range(_MAX_ROUNDS):
        stars = materialise(small_star(large_star(stars)).distinct())
        after = _fingerprint(stars)
        if after == before:
            return stars
        before = after
    raise StateError(
        "connected components",
        got=f"no convergence in {_MAX_ROUNDS} rounds",
        fix="check that the materialise function returns the rows that it was given, or choose another engine",
    )


def large_star(stars: DataFrame) -> DataFrame:
    """Connect every larger neighbour of a vertex to the smallest of its neighbours and itself."""
    other_way = stars.select(stars[ids.DST].alias(ids.SRC), stars[ids.SRC].alias(ids.DST))
    neighbours = Window.partitionBy(ids.SRC)
    nearest = F.least(ids.SRC, F.min(ids.DST).over(neighbours)).alias(_NEAREST)
    return (
        stars.unionByName(other_way)
        .select(ids.SRC, ids.DST, nearest)
        .where(F.col(ids.DST) > F.col(ids.SRC))
        .select(F.col(ids.DST).alias(ids.SRC), F.col(_NEAREST).alias(ids.DST))
    )


def small_star(stars: DataFrame) -> DataFrame:
    """Connect a vertex and its smaller neighbours to the smallest of them; duplicate edges remain."""
    nearest = F.min(ids.DST).over(Window.partitionBy(ids.SRC)).alias(_NEAREST)
    is_nearest = F.col(ids.DST) == F.col(_NEAREST)
    return stars.select(ids.SRC, ids.DST, nearest).select(
        F.when(is_nearest, F.col(ids.SRC)).otherwise(F.col(ids.DST)).alias(ids.SRC), F.col(_NEAREST).alias(ids.DST)
    )


def _fingerprint(stars: DataFrame) -> tuple[Any, ...]:
    """Count and combine the hashes of all edges: the same for the same set, whatever its order."""
    edge_hash = F.xxhash64(ids.SRC, ids.DST)
    return tuple(stars.agg(F.count(F.lit(1)), F.bit_xor(edge_hash)).collect()[0])
