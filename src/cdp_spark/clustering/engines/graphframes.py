"""Connected components by GraphFrames: distributed, for clusters that carry its jar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphframes import GraphFrame
from pyspark.errors import AnalysisException
from pyspark.logger import PySparkLogger
from pyspark.sql import functions as F

from cdp_spark.clustering.engines import stars as ids
from cdp_spark.errors import StateError
from cdp_spark.tables.checkpoint import checkpoint, checkpoint_and_count, release_frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_JVM_CLASS = "org.graphframes.GraphFrame"


def graphframes_available(spark: SparkSession) -> bool:
    """Say whether GraphFrames' classes are on the class path of a classic session.

    The look-up is a Spark expression and touches no JVM handle, which Spark Connect lacks. A Connect server needs
    GraphFrames' plugin as well as its classes, so there the answer is no.
    """
    if type(spark).__module__.startswith("pyspark.sql.connect"):
        return False
    log = PySparkLogger.getLogger("DataFrameQueryContextLogger")
    log.disabled, was_disabled = True, log.disabled  # else a class that is missing is logged as an error
    try:
        spark.range(1).select(F.reflect(F.lit(_JVM_CLASS), F.lit("ID"))).schema  # noqa: B018
    except AnalysisException:
        return False
    finally:
        log.disabled = was_disabled
    return True


def build_components_by_graphframes(vertices: DataFrame, edges: DataFrame) -> DataFrame:
    """Run GraphFrames' two-phase algorithm on a materialised map of integers.

    `broadcastThreshold=-1` leaves skewed joins to adaptive execution, the fast mode. Local checkpoints need no
    directory; a lost executor fails the job, it never changes its result. `randomized_contraction` fails on Spark 4.2.

    Args:
        vertices: one row per record_key.
        edges: record_key_l, record_key_r in any direction and number.
    Returns: what `build_components_by_stars` returns.

    Raises:
        StateError: GraphFrames is not on the class path.
    """
    if not graphframes_available(vertices.sparkSession):
        raise StateError(
            "clustering.engine",
            got="graphframes, whose classes are not on the class path",
            allowed="auto, local, dataframe",
            fix="name its jar in CDP_GRAPHFRAMES_JAR or spark.jars, or choose another engine",
        )
    vertex_ids = checkpoint(ids.build_vertex_ids(vertices))
    numbered = checkpoint(ids.build_numbered_edges(edges, vertex_ids))
    graph = GraphFrame(vertex_ids.select(F.col(ids.VERTEX_ID).alias("id")), ids.build_simple_edges(numbered))
    labelled = graph.connectedComponents(algorithm="two_phase", broadcastThreshold=-1, use_local_checkpoints=True)
    roots = labelled.select(F.col("id").alias(ids.VERTEX_ID), F.col("component").alias(ids.ROOT))
    components = checkpoint_and_count(ids.build_named_components(vertex_ids, roots)).rows
    release_frame(labelled)
    return components
