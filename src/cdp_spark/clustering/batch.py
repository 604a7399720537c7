"""Refine one batch of components: Arrow tables in, an Arrow table out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.clustering.linkage.cuts import Cuts, find_cuts
from cdp_spark.clustering.linkage.evidence import Constraints, as_links, as_pairs
from cdp_spark.clustering.linkage.refine import refine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import ClusteringConfig

CANNOT_LINK = "cannot_link"
CUTS = "cuts"
REFINED_SCHEMA = (
    "record_key string, component string, cluster string, "
    "cuts array<struct<record_key_r: string, weight_log2: double, reason: string>>"
)


def refine_batch(
    members: pa.Table, pairs: pa.Table, *, config: ClusteringConfig, unique_within: tuple[str, ...]
) -> pa.Table:
    """Cluster the components of a batch.

    Args:
        members: record_key, component, and the columns that the constraints name.
        pairs: record_key_l, record_key_r, weight_log2, deterministic, cannot_link; a pair across two components, or
            with a record that is no member, is ignored.
        config: weights, sizes, and the columns of which a cluster may hold only one value.
        unique_within: columns of which a cluster may hold no value twice.
    Returns: a table of REFINED_SCHEMA, one row per member.
    """
    members = members.take(pc.sort_indices(members.column(c.RECORD_KEY)))
    pairs, left, right = _inside_components(members, pairs)
    forbidden = _flags(pairs.column(CANNOT_LINK))
    scored = pairs.filter(pa.array(~forbidden))
    weight, deterministic = _numbers(scored.column(c.WEIGHT_LOG2)), _flags(scored.column(c.DETERMINISTIC))
    evidence = as_pairs(left[~forbidden], right[~forbidden], weight, deterministic)
    constraints = Constraints(
        as_links(left[forbidden], right[forbidden]),
        must_agree=tuple(_codes(members.column(name)) for name in config.unique),
        must_differ=tuple(_codes(members.column(name)) for name in unique_within),
    )
    refinement = refine(
        len(members),
        evidence,
        constraints,
        missing_weight=config.missing_weight,
        max_records=config.max_component_records,
    )
    is_edge = (deterministic | (weight >= config.threshold_log2))[evidence.row]
    cuts = find_cuts(evidence, refinement, constraints, is_edge=is_edge)
    return _refined_table(members, refinement.cluster, cuts, weight)


def _inside_components(members: pa.Table, pairs: pa.Table) -> tuple[pa.Table, NDArray[np.int64], NDArray[np.int64]]:
    keys = members.column(c.RECORD_KEY).combine_chunks()
    component = _codes(members.column(c.COMPONENT))
    left, right = (_positions(pairs.column(side), keys) for side in (c.RECORD_KEY_L, c.RECORD_KEY_R))
    inside = (left >= 0) & (right >= 0)
    inside[inside] = component[left[inside]] == component[right[inside]]
    return pairs.filter(pa.array(inside)), left[inside], right[inside]


def _refined_table(members: pa.Table, cluster: NDArray[np.int64], cuts: Cuts, weight: NDArray[np.float64]) -> pa.Table:
    keys = members.column(c.RECORD_KEY).combine_chunks()
    cut = pa.StructArray.from_arrays(
        [
            keys.take(pa.array(cuts.pairs.right)),
            pa.array(weight[cuts.pairs.row], from_pandas=True),
            pa.array(cuts.reason, type=keys.type),
        ],
        names=[c.RECORD_KEY_R, c.WEIGHT_LOG2, c.REASON],
    )
    first_cut = np.searchsorted(cuts.pairs.left, np.arange(len(keys) + 1)).astype(np.int32)
    return pa.table(
        {
            c.RECORD_KEY: keys,
            c.COMPONENT: members.column(c.COMPONENT),
            c.CLUSTER: keys.take(pa.array(cluster)),
            CUTS: pa.ListArray.from_arrays(first_cut, cut),
        }
    )


def _positions(column: pa.ChunkedArray, keys: pa.Array) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(pc.index_in(column, value_set=keys), -1), dtype=np.int64)


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(column.combine_chunks().dictionary_encode().indices, -1), dtype=np.int64)


def _flags(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(column, False), dtype=np.bool_)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(column, float("nan")), dtype=np.float64)
