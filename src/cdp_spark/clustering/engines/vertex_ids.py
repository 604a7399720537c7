"""Small integers for record keys, so that the iterations shuffle 16 bytes an edge instead of two strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from cdp_spark import columns as c

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VERTEX_ID = "vertex_id"
SRC = "src"
DST = "dst"
ROOT = "root"

_BUCKETS = 1024
_BUCKET = "bucket"


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


def count_dangling(numbered_edges: DataFrame) -> int:
    """Count the edges of which an end is no vertex."""
    return numbered_edges.where(F.col(SRC).isNull() | F.col(DST).isNull()).count()


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
