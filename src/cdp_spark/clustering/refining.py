"""From evidence to clusters: what a pair, a label or an identifier says, and how components are refined by it.

The evidence about records is one table, EVIDENCE: a row per scored pair, label, link by an identifier, or value of
which a cluster has one. What its rows mean is said by `_weigh` alone.

1. Edges are pairs that join by weight alone, or for certain (`is_edge`); their components are clustered apart.
2. `refine_batch` clusters any number of whole components by average linkage, and lists the edges it left unused.
3. `cluster_components` does both steps on the driver; in Spark the first is an engine's, the second a task's.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.clustering.engines.labels import label_components, smallest_members
from cdp_spark.clustering.labels import CANNOT_LINK, CERTAIN, MUST_LINK
from cdp_spark.clustering.linkage.cuts import Cuts, find_cuts
from cdp_spark.clustering.linkage.evidence import Constraints, as_links, as_pairs
from cdp_spark.clustering.linkage.refine import Refinement, refine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.clustering.linkage.evidence import Pairs
    from cdp_spark.clustering.settings import ClusteringRules
    from cdp_spark.config.match import ClusteringConfig

    Flags = NDArray[np.bool_]
    Positions = NDArray[np.int64]

EVIDENCE = pa.schema(
    [
        *((name, pa.string()) for name in (c.RECORD_KEY_L, c.RECORD_KEY_R)),
        (c.WEIGHT_LOG2, pa.float64()),
        (c.DETERMINISTIC, pa.bool_()),
        *((name, pa.string()) for name in (c.LABEL, c.IDENTIFIER_TYPE, c.VALUE_HASH)),
    ]
)
"""A scored pair has a weight, a labelled one a label, a linked one the type of the identifier that both have; a value
of one record, which is both keys then, its type and hash."""
CUTS = "cuts"
_CUT_FIELDS = f"{c.WEIGHT_LOG2}: double, {c.REASON}: string, {c.IDENTIFIER_TYPE}: string"
REFINED_TYPE = (
    f"{c.RECORD_KEY} string, {c.COMPONENT} string, {c.CLUSTER} string, "
    f"{CUTS} array<struct<{c.RECORD_KEY_R}: string, {_CUT_FIELDS}>>"
)
CUTS_TYPE = f"{c.RECORD_KEY_L} string, {c.RECORD_KEY_R} string, {_CUT_FIELDS.replace(':', '')}"

Condition = TypeVar("Condition")


def is_edge(weight_log2: object, deterministic: Condition, threshold_log2: float) -> Condition:
    """Tell whether a scored pair joins, by its weight or whatever it weighs; of arrays or of columns of any engine."""
    weight = cast("NDArray[np.float64]", weight_log2)  # or a column; mypy knows no type of all three
    return cast("Condition", operator.or_(weight >= threshold_log2, deterministic))


def cluster_components(members: pa.Table, evidence: pa.Table, *, rules: ClusteringRules) -> pa.Table:
    """Find the components of the edges and refine them.

    Args:
        members: one row per record: `ClusteringRules.columns`.
        evidence: EVIDENCE.
        rules: what joins records, and what keeps them apart.
    Returns: REFINED_TYPE, one row per member.
    """
    weight, deterministic, joins = _weigh(evidence)
    edges = evidence.filter(pa.array(joins & is_edge(weight, deterministic, rules.config.threshold_log2)))
    keys = members[c.RECORD_KEY]
    components = label_components(keys, keys, edges.select([c.RECORD_KEY_L, c.RECORD_KEY_R]))
    ordered = members.take(pc.sort_indices(keys))
    return refine_batch(ordered.append_column(c.COMPONENT, components[c.COMPONENT]), evidence, rules=rules)


def refine_batch(members: pa.Table, evidence: pa.Table, *, rules: ClusteringRules) -> pa.Table:
    """Split components into clusters by average linkage on match weights.

    Weights are clipped at ±12 bits; a pair that was never compared counts `missing_weight`. Two clusters join while the
    mean over all their pairs is positive, the largest first, ties by the smallest keys. A deterministic pair joins
    before all others. No two records with a cannot-link, with two values of a unique column or identifier, or of one
    exclusive source are ever in one cluster. Negative pairs are evidence, too.

    Args:
        members: one row per record: `ClusteringRules.columns`, component.
        evidence: EVIDENCE; a pair across two components, or with a record that is no member, is ignored.
        rules: what joins records, and what keeps them apart.
    Returns: REFINED_TYPE, one row per member.

    Raises:
        DataError: a pair that is not deterministic has no weight.
    """
    members = members.take(pc.sort_indices(members[c.RECORD_KEY]))
    config, (rows, left, right) = rules.config, _inside_components(members, evidence)
    weight, deterministic, joins = _weigh(rows)
    pairs = as_pairs(left[joins], right[joins], weight[joins], deterministic[joins])
    constraints = Constraints(
        as_links(*(ends[_flags(pc.equal(rows[c.LABEL], CANNOT_LINK))] for ends in (left, right))),
        must_agree=(*(_codes(members[it]) for it in config.unique), *_unique_values(len(members), rows, left, rules)),
        must_differ=(_exclusive_codes(members[c.SOURCE], rules),),
    )
    refinement = _refine(len(members), pairs, constraints, config)
    joining = is_edge(weight[joins], deterministic[joins], config.threshold_log2)[pairs.row]
    cuts = find_cuts(pairs, refinement, constraints, is_edge=joining)
    return _refined_table(members, refinement.cluster, cuts, weight[joins], _linked_types(rows))


def _refine(size: int, pairs: Pairs, constraints: Constraints, config: ClusteringConfig) -> Refinement:
    return refine(
        size,
        pairs,
        constraints,
        missing_weight=config.missing_weight,
        max_records=config.max_component_records,
    )


def _weigh(evidence: pa.Table) -> tuple[NDArray[np.float64], Flags, Flags]:
    """Weight of each row, whether it joins for certain, and whether it speaks for its pair at all.

    A must-link and an identifier join like a deterministic rule, whether or not the pair was compared; a cannot-link
    and a value of one record only keep apart.
    """
    is_link = pc.and_(pc.is_valid(evidence[c.IDENTIFIER_TYPE]), pc.is_null(evidence[c.VALUE_HASH]))
    certain = _flags(pc.or_kleene(is_link, pc.equal(evidence[c.LABEL], MUST_LINK)))
    apart = _flags(pc.or_kleene(pc.is_valid(evidence[c.VALUE_HASH]), pc.equal(evidence[c.LABEL], CANNOT_LINK)))
    weight = np.asarray(pc.fill_null(evidence[c.WEIGHT_LOG2], float("nan")), dtype=np.float64)
    return np.where(certain, CERTAIN, weight), certain | _flags(evidence[c.DETERMINISTIC]), ~apart


def _inside_components(members: pa.Table, evidence: pa.Table) -> tuple[pa.Table, Positions, Positions]:
    """The evidence about members of one component, scored pairs first, so that of equal weights theirs is told."""
    is_scored = pc.is_valid(evidence[c.WEIGHT_LOG2])
    evidence = pa.concat_tables([evidence.filter(is_scored), evidence.filter(pc.invert(is_scored))])
    keys, component = members[c.RECORD_KEY].combine_chunks(), _codes(members[c.COMPONENT])
    left, right = (_positions(evidence[side], keys) for side in (c.RECORD_KEY_L, c.RECORD_KEY_R))
    inside = (left >= 0) & (right >= 0)
    inside[inside] = component[left[inside]] == component[right[inside]]
    return evidence.filter(pa.array(inside)), left[inside], right[inside]


def _unique_values(size: int, rows: pa.Table, left: Positions, rules: ClusteringRules) -> list[Positions]:
    """A code for the largest value of each record, for every unique type of identifiers; -1 without one."""
    hashes = rows[c.VALUE_HASH].combine_chunks()
    values = pc.unique(hashes).drop_null().sort()
    code = _positions(pa.chunked_array([hashes]), values)
    codes = []
    for kind in rules.unique:
        of_type = _flags(pc.equal(rows[c.IDENTIFIER_TYPE], kind)) & (code >= 0)
        own = np.full(size, -1, dtype=np.int64)
        np.maximum.at(own, left[of_type], code[of_type])
        codes.append(own)
    return codes


def _exclusive_codes(sources: pa.ChunkedArray, rules: ClusteringRules) -> Positions:
    codes = _codes(sources)
    if rules.exclusive_sources is None:
        return codes
    return np.where(_flags(pc.is_in(sources, value_set=pa.array(rules.exclusive_sources, pa.string()))), codes, -1)


def _linked_types(rows: pa.Table) -> dict[tuple[str, str], str]:
    """The type of the identifier that links a pair, the first by name where several do."""
    links = rows.filter(pc.and_(pc.is_valid(rows[c.IDENTIFIER_TYPE]), pc.is_null(rows[c.VALUE_HASH])))
    ordered = links.select([c.RECORD_KEY_L, c.RECORD_KEY_R, c.IDENTIFIER_TYPE]).sort_by(
        [(c.IDENTIFIER_TYPE, "descending")]
    )
    left, right, types = (column.to_pylist() for column in ordered.columns)
    return dict(zip(zip(left, right, strict=True), types, strict=True))


def _refined_table(
    members: pa.Table,
    cluster: Positions,
    cuts: Cuts,
    weight: NDArray[np.float64],
    linked: dict[tuple[str, str], str],
) -> pa.Table:
    keys = members[c.RECORD_KEY].combine_chunks()
    left, right = (keys.take(pa.array(side)) for side in (cuts.pairs.left, cuts.pairs.right))
    types = [linked.get(pair) for pair in zip(left.to_pylist(), right.to_pylist(), strict=True)]
    cut = pa.StructArray.from_arrays(
        [
            right,
            pa.array(weight[cuts.pairs.row], from_pandas=True),
            pa.array(cuts.reason, type=keys.type),
            pa.array(types, type=keys.type),
        ],
        names=[c.RECORD_KEY_R, c.WEIGHT_LOG2, c.REASON, c.IDENTIFIER_TYPE],
    )
    first_cut = np.searchsorted(cuts.pairs.left, np.arange(len(keys) + 1)).astype(np.int32)
    return pa.table(
        {
            c.RECORD_KEY: keys,
            c.COMPONENT: members[c.COMPONENT],
            c.CLUSTER: keys.take(pa.array(cluster)),
            CUTS: pa.ListArray.from_arrays(first_cut, cut),
        }
    )


def unfold_cuts(refined: pa.Table) -> pa.Table:
    """List the cuts of refined records: CUTS_TYPE, one row per edge with its ends in two clusters of one component.

    Args:
        refined: record_key, cuts.
    """
    lists = refined[CUTS].combine_chunks()
    cuts = lists.flatten()
    fields = {cuts.type.field(place).name: cuts.field(place) for place in range(cuts.type.num_fields)}
    return pa.table({c.RECORD_KEY_L: refined[c.RECORD_KEY].take(pc.list_parent_indices(lists)), **fields})


def cluster_positions(
    size: int,
    ends: tuple[Positions, Positions],
    weight_log2: NDArray[np.float64],
    deterministic: Flags,
    *,
    config: ClusteringConfig,
    constraints: Constraints,
) -> Positions:
    """Cluster records by their scored pairs, both given by positions.

    Args:
        size: records, in the order in which ties are broken.
        ends: positions of both records of each pair, each of shape (pairs,).
        weight_log2: match weight in bits, shape (pairs,).
        deterministic: pairs that join whatever their weight, shape (pairs,).
        config: threshold, weights and sizes.
        constraints: what never joins.
    Returns: each record's cluster, named by its smallest record, shape (size,).

    Raises:
        DataError: a pair that is not deterministic has no weight.
    """
    left, right = ends
    joining = is_edge(weight_log2, deterministic, config.threshold_log2)
    component = smallest_members(size, left[joining], right[joining])
    inside = component[left] == component[right]
    pairs = as_pairs(left[inside], right[inside], weight_log2[inside], deterministic[inside])
    return _refine(size, pairs, constraints, config).cluster


def _positions(column: pa.ChunkedArray, keys: pa.Array) -> Positions:
    return np.asarray(pc.fill_null(pc.index_in(column, value_set=keys), -1), dtype=np.int64)


def _codes(column: pa.ChunkedArray) -> Positions:
    """A number for each value, -1 for null; lists are compared as text."""
    if pa.types.is_nested(column.type):
        column = pa.chunked_array(
            [pa.array([None if it is None else str(it) for it in column.to_pylist()], pa.string())]
        )
    return np.asarray(pc.fill_null(column.combine_chunks().dictionary_encode().indices, -1), dtype=np.int64)


def _flags(column: pa.ChunkedArray) -> Flags:
    return np.asarray(pc.fill_null(column, False), dtype=np.bool_)
