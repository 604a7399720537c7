"""The figures of a run's clusters."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.clustering.kinds import VISITOR

RECORDS_FIGURE = "clusters.records"
_COUNT, _LARGEST, _KNOWN, _ANONYMOUS = "clusters.count", "clusters.largest", "visitors.known", "visitors.anonymous"
_FIGURES = (_COUNT, RECORDS_FIGURE, _LARGEST, _KNOWN, _ANONYMOUS)
COUNTS_TYPE = ", ".join(f"`{name}` bigint" for name in _FIGURES)


def count_clusters(clusters: pa.Table) -> pa.Table:
    """Count people and accounts, and how many visitors are with one of them: COUNTS_TYPE, one row.

    Args:
        clusters: with all their records: entity_type, cluster.
    """
    is_visitor = pc.equal(clusters[c.ENTITY_TYPE], VISITOR)
    sizes = pc.value_counts(clusters[c.CLUSTER].filter(pc.invert(is_visitor)).combine_chunks())
    records = sizes.field("counts")
    with_somebody = pc.is_in(clusters[c.CLUSTER].filter(is_visitor), value_set=sizes.field("values"))
    known = pc.sum(with_somebody).as_py() or 0
    counts = [len(sizes), _number(pc.sum(records)), _number(pc.max(records)), known, len(with_somebody) - known]
    return pa.table({name: pa.array([it], pa.int64()) for name, it in zip(_FIGURES, counts, strict=True)})


def _number(count: pa.Scalar) -> int:
    return int(count.as_py() or 0)


def cluster_figures(counts: pa.Table) -> dict[str, float]:
    """Figures by dotted name.

    Args:
        counts: from `count_clusters`, of any number of parts.
    """
    figures = {name: pc.max(counts[name]) if name == _LARGEST else pc.sum(counts[name]) for name in _FIGURES}
    return {name: float(_number(value)) for name, value in figures.items()}
