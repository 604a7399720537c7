"""Connected components in the DataFrame API alone: alternating large-star and small-star.

Record keys become small integers first, so that the iterations shuffle 16 bytes an edge instead of two strings.

Source: Kiveris, Lattanzi, Mirrokni, Rastogi, Vassilvitskii: Connected Components in MapReduce and Beyond, 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.tables.checkpoint import checkpoint

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VERTEX_ID = "vertex_id"
SRC = "src"
DST = "dst"
ROOT = "root"

_BUCKETS = 1024
_BUCKET = "bucket"
_MAX_ROUNDS = 100
_NEAREST = "nearest"


def build_components_by_stars(vertices: DataFrame, edges: DataFrame) -> DataFrame:
    """Contract every component to a star around its smallest vertex id.

    Args:
        vertices: one row per record_key.
        edges: record_key_l, record_key_r in any direction and number.
    Returns: one row per vertex: record_key, component.

    Raises:
        StateError: no convergence, which only rows that change between two reads can cause.
    """
    vertex_ids = checkpoint(build_vertex_ids(vertices))
    stars = build_stars(build_simple_edges(build_numbered_edges(edges, vertex_ids)))
    roots = stars.select(stars[SRC].alias(VERTEX_ID), stars[DST].alias(ROOT))
    return checkpoint(build_named_components(vertex_ids, roots))


def build_stars(simple_edges: DataFrame) -> DataFrame:
    """Alternate the two operations until a round leaves the edges as they were.

    Args:
        simple_edges: one row per undirected edge: src > dst.
    Returns: one row per vertex that is not the smallest of its component: src, dst (the smallest).
    """
    stars = checkpoint(simple_edges)
    before = _fingerprint(stars)
    for _ in range(_MAX_ROUNDS):
        stars = checkpoint(small_star(large_star(stars)).distinct())
        after = _fingerprint(stars)
        if after == before:
            return stars
        before = after
    raise StateError(
        "connected components",
        got=f"no convergence in {_MAX_ROUNDS} rounds",
        fix="check that the tables are not written meanwhile, or choose another engine",
    )


def large_star(stars: DataFrame) -> DataFrame:
    """Connect every larger neighbour of a vertex to the smallest of its neighbours and itself."""
    other_way = stars.select(stars[DST].alias(SRC), stars[SRC].alias(DST))
    neighbours = Window.partitionBy(SRC)
    nearest = F.least(SRC, F.min(DST).over(neighbours)).alias(_NEAREST)
    return (
        stars.unionByName(other_way)
        .select(SRC, DST, nearest)
        .where(F.col(DST) > F.col(SRC))
        .select(F.col(DST).alias(SRC), F.col(_NEAREST).alias(DST))
    )


def small_star(stars: DataFrame) -> DataFrame:
    """Connect a vertex and its smaller neighbours to the smallest of them; duplicate edges remain."""
    nearest = F.min(DST).over(Window.partitionBy(SRC)).alias(_NEAREST)
    is_nearest = F.col(DST) == F.col(_NEAREST)
    return stars.select(SRC, DST, nearest).select(
        F.when(is_nearest, F.col(SRC)).otherwise(F.col(DST)).alias(SRC), F.col(_NEAREST).alias(DST)
    )


def _fingerprint(stars: DataFrame) -> tuple[Any, ...]:
    """Count and combine the hashes of all edges: the same for the same set, whatever its order."""
    edge_hash = F.xxhash64(SRC, DST)
    return tuple(stars.agg(F.count(F.lit(1)), F.bit_xor(edge_hash)).collect()[0])


def build_vertex_ids(vertices: DataFrame) -> DataFrame:
    """Number the vertices without a global sort: the rank in a bucket of the key's hash, interleaved.

    The number depends on the set of keys only, and is unique whatever the hash, which a hash used as id is not.

    Args:
        vertices: one row per record_key.
    Returns: one row per record_key: record_key, vertex_id.
    """
    bucket = F.pmod(F.xxhash64(c.RECORD_KEY), F.lit(_BUCKETS))
    rank = F.row_number().over(Window.partitionBy(_BUCKET).orderBy(c.RECORD_KEY)).cast("bigint") - 1
    return vertices.select(c.RECORD_KEY, bucket.alias(_BUCKET)).select(
        c.RECORD_KEY, (rank * _BUCKETS + F.col(_BUCKET)).alias(VERTEX_ID)
    )


def build_numbered_edges(edges: DataFrame, vertex_ids: DataFrame) -> DataFrame:
    """Replace both record keys of an edge by vertex ids; null where the key is no vertex.

    Returns: one row per input edge: src, dst.
    """
    left = vertex_ids.select(F.col(c.RECORD_KEY).alias(c.RECORD_KEY_L), F.col(VERTEX_ID).alias(SRC))
    right = vertex_ids.select(F.col(c.RECORD_KEY).alias(c.RECORD_KEY_R), F.col(VERTEX_ID).alias(DST))
    return (
        edges.select(c.RECORD_KEY_L, c.RECORD_KEY_R)
        .join(left, on=c.RECORD_KEY_L, how="left")
        .join(right, on=c.RECORD_KEY_R, how="left")
        .select(SRC, DST)
    )


def build_simple_edges(numbered_edges: DataFrame) -> DataFrame:
    """Drop dangling edges and self loops; each undirected edge once, larger end first.

    Returns: one row per undirected edge: src > dst.
    """
    return (
        numbered_edges.where(F.col(SRC) != F.col(DST))
        .select(F.greatest(SRC, DST).alias(SRC), F.least(SRC, DST).alias(DST))
        .distinct()
    )


def build_named_components(vertex_ids: DataFrame, roots: DataFrame) -> DataFrame:
    """Name every component by its smallest record key.

    Args:
        vertex_ids: one row per vertex: record_key, vertex_id.
        roots: vertex_id, root: at most one row per vertex; a vertex without one is its own root.
    Returns: one row per vertex: record_key, component.
    """
    root = F.coalesce(ROOT, VERTEX_ID).alias(ROOT)
    component = F.min(c.RECORD_KEY).over(Window.partitionBy(ROOT))
    return (
        vertex_ids.join(roots, on=VERTEX_ID, how="left")
        .select(c.RECORD_KEY, root)
        .select(c.RECORD_KEY, component.alias(c.COMPONENT))
    )
