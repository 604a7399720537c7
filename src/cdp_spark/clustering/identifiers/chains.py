"""Devices that visitors were on together: events that bear a cookie and a device id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.components import build_components
from cdp_spark.clustering.engines.base import local_checkpoint
from cdp_spark.clustering.identifiers.claims import KNOWN, TOKEN

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.config.match import ClusteringConfig

_TOKENS = "tokens"


def with_chains(led: DataFrame, config: ClusteringConfig) -> DataFrame:
    """Replace the token of each device by that of the component of devices that anonymous visitors tie together.

    Args:
        led: one row per visitor and device: record_key, known_owner, token (null where the device ties nobody).
        config: engine and its limits.
    Returns: the same rows, `token` the component's smallest.
    """
    anonymous = led.where(F.col(KNOWN).isNull() & F.col(TOKEN).isNotNull())
    tied = anonymous.groupBy(c.RECORD_KEY).agg(F.sort_array(F.collect_set(TOKEN)).alias(_TOKENS))
    pairs = tied.select(
        F.get(_TOKENS, F.lit(0)).alias(c.RECORD_KEY_L),
        F.explode(F.slice(_TOKENS, 2, F.size(_TOKENS))).alias(c.RECORD_KEY_R),
    )
    edges = local_checkpoint(pairs.distinct())
    vertices = edges.select(F.explode(F.array(c.RECORD_KEY_L, c.RECORD_KEY_R)).alias(c.RECORD_KEY)).distinct()
    found = build_components(vertices, edges, engine=config.engine, local_max_edges=config.local_max_edges)
    chains = found.components.select(F.col(c.RECORD_KEY).alias(TOKEN), c.COMPONENT)
    joined = led.join(chains, on=TOKEN, how="left")
    return joined.withColumn(TOKEN, F.coalesce(c.COMPONENT, TOKEN)).drop(c.COMPONENT)
