"""Classes of pairs by weight, from which pairs are drawn to be labelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from pyspark.sql import Column

EDGES = (-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0)
"""Bits from the threshold between one stratum and the next."""
CERTAIN = len(EDGES) + 1
"""The stratum of the pairs that a deterministic rule joins."""
STRATUM = "stratum"


def stratum_expr(threshold_log2: float) -> Column:
    """The stratum of a scored pair, from 0 for the least weight; CERTAIN for a deterministic pair."""
    number = F.lit(0)
    for edge in EDGES:
        number = number + (F.col(c.WEIGHT_LOG2) >= threshold_log2 + edge).cast("int")
    return F.when(F.col(c.DETERMINISTIC), F.lit(CERTAIN)).otherwise(number)


def stratum_name(stratum: int) -> str:
    """A stratum in words, in bits from the threshold."""
    if stratum == CERTAIN:
        return "deterministic"
    if stratum == 0:
        return f"below {EDGES[0]:+g}"
    high = f" to {EDGES[stratum]:+g}" if stratum < len(EDGES) else " and more"
    return f"{EDGES[stratum - 1]:+g}{high}"
