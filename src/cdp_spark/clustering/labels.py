"""What people said about pairs: which labels are in force, and the pairs that they join."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MUST_LINK, CANNOT_LINK, WITHDRAWN = "must_link", "cannot_link", "withdrawn"
CERTAIN = 12.0
"""Bits of a pair that joins first."""


def build_current_labels(labels: DataFrame) -> DataFrame:
    """The newest label of each pair, but for those withdrawn: record_key_l, record_key_r, label."""
    newest = Window.partitionBy(c.RECORD_KEY_L, c.RECORD_KEY_R).orderBy(F.col(c.AT).desc(), c.LABEL)
    ranked = labels.withColumn("rank", F.row_number().over(newest))
    in_force = (F.col("rank") == 1) & (F.col(c.LABEL) != WITHDRAWN)
    return ranked.where(in_force).select(c.RECORD_KEY_L, c.RECORD_KEY_R, c.LABEL)


def keep_current_labels(labels: pa.Table) -> pa.Table:
    """What `build_current_labels` builds, of a table in memory."""
    order = [(c.RECORD_KEY_L, "ascending"), (c.RECORD_KEY_R, "ascending"), (c.AT, "ascending"), (c.LABEL, "descending")]
    newest = {(row[c.RECORD_KEY_L], row[c.RECORD_KEY_R]): row[c.LABEL] for row in labels.sort_by(order).to_pylist()}
    rows = [(*pair, label) for pair, label in newest.items() if label != WITHDRAWN]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    names = (c.RECORD_KEY_L, c.RECORD_KEY_R, c.LABEL)
    return pa.table({name: pa.array(values, pa.string()) for name, values in zip(names, columns, strict=True)})


def with_must_links(pair_scores: DataFrame, labels: DataFrame) -> DataFrame:
    """Let a must-link join its pair like a deterministic rule, whether or not the pair was compared."""
    keys, must = [c.RECORD_KEY_L, c.RECORD_KEY_R], labels.where(F.col(c.LABEL) == MUST_LINK)
    compared = pair_scores.select(*keys, c.WEIGHT_LOG2, c.DETERMINISTIC).join(must, on=keys, how="left_anti")
    return compared.unionByName(as_certain_pairs(must))


def as_certain_pairs(pairs: DataFrame) -> DataFrame:
    """Weigh pairs that join first, whether or not they were compared.

    Args:
        pairs: record_key_l, record_key_r.
    """
    weight, joins = F.lit(CERTAIN).alias(c.WEIGHT_LOG2), F.lit(True).alias(c.DETERMINISTIC)
    return pairs.select(c.RECORD_KEY_L, c.RECORD_KEY_R, weight, joins)
