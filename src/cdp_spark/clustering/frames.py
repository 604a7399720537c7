"""Clusters of records: all evidence about them in one table, refined on the driver or in Spark's tasks.

1. Scored pairs, labels, and what identifiers say become EVIDENCE.
2. Where it is little, the driver finds components and refines them at once.
3. Else an engine finds the components, and each of Spark's tasks refines some of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.clustering.engines.components import GraphSize, build_components
from cdp_spark.clustering.identifiers.links import STATEMENTS_TYPE, find_statements
from cdp_spark.clustering.labels import MUST_LINK, keep_current_labels
from cdp_spark.clustering.refining import (
    CUTS,
    CUTS_TYPE,
    EVIDENCE,
    REFINED_TYPE,
    cluster_components,
    is_edge,
    refine_batch,
    unfold_cuts,
)
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import LABELS
from cdp_spark.tables.checkpoint import checkpoint, checkpoint_and_count
from cdp_spark.tables.rows import as_frame, as_table, count_rows, field_of, map_groups, map_rows, unite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from cdp_spark.clustering.settings import ClusteringRules
    from cdp_spark.config.match import ClusteringConfig
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.store import Store

_PAIR = [c.RECORD_KEY_L, c.RECORD_KEY_R]
SCORED = [*_PAIR, c.WEIGHT_LOG2, c.DETERMINISTIC]
_PLACE, _PLACE_R = "component_place", "component_place_r"


@dataclass(frozen=True)
class Clusters:
    """Refined clusters and the edges that they left unused.

    Args:
        clusters: one row per record: record_key, component, cluster (the cluster's smallest record_key).
        cuts: one row per edge with its ends in two clusters of one component: record_key_l, record_key_r,
            weight_log2, reason (a CutReason), identifier_type (that would have joined the pair, or null).
    """

    clusters: Rows
    cuts: Rows


def read_current_labels(store: Store) -> DataFrame:
    """The labels in force: record_key_l, record_key_r, label."""
    return as_frame(store.spark, keep_current_labels(store.fetch(LABELS)))


def build_identifier_links(identifiers: DataFrame, types: Sequence[str]) -> DataFrame:
    """Link the records that clustering links by the types: record_key_l, record_key_r, identifier_type.

    Args:
        identifiers: usable ones; all holders of a value among them.
        types: that join records.
    """
    found = cast("DataFrame", _find_statements(identifiers, linking=types, unique=()))
    return found.groupBy(*_PAIR).agg(F.min(c.IDENTIFIER_TYPE).alias(c.IDENTIFIER_TYPE))


def _find_statements(identifiers: Rows, *, linking: Sequence[str], unique: Sequence[str], row_count: int = 0) -> Rows:
    rule = partial(find_statements, linking=linking, unique=unique)
    values = identifiers.select([c.RECORD_KEY, c.TYPE, c.VALUE_HASH])
    return map_groups([values], c.VALUE_HASH, rule, STATEMENTS_TYPE, row_count=row_count)


@dataclass(frozen=True)
class EvidenceRows:
    """What decides about the clusters of some records, where it is.

    Args:
        members: one row per record: `ClusteringRules.columns`.
        scored: one row per pair: record_key_l, record_key_r, weight_log2, deterministic.
        labels: those in force.
        identifiers: usable ones that join the records or keep them apart: record_key, type, value_hash; None for none.
        statements: from `find_statements`.
    """

    members: Rows
    scored: Rows
    labels: pa.Table
    identifiers: Rows | None = None
    statements: Rows = field(default_factory=EVIDENCE.empty_table)

    def with_statements(self, rules: ClusteringRules) -> EvidenceRows:
        """Leave out other columns, and find what the identifiers say."""
        few = replace(self, members=self.members.select([*rules.columns]), scored=self.scored.select(SCORED))
        if self.identifiers is None:
            return few
        count = self.identifiers.count() if isinstance(self.identifiers, DataFrame) else 0
        found = _find_statements(self.identifiers, linking=rules.linking, unique=rules.unique, row_count=count)
        return replace(few, statements=checkpoint(found) if isinstance(found, DataFrame) else found)

    @property
    def links(self) -> Rows:
        """The pairs that identifiers join."""
        return self.statements.filter(
            field_of(self.statements, c.RECORD_KEY_L) != field_of(self.statements, c.RECORD_KEY_R)
        )

    @property
    def must_links(self) -> pa.Table:
        """The pairs that labels join."""
        return self.labels.filter(pc.equal(self.labels[c.LABEL], MUST_LINK))

    def unite(self, spark: SparkSession) -> Rows:
        """All evidence in one table: EVIDENCE."""
        return unite(spark, [EVIDENCE.empty_table(), self.scored, self.labels, self.statements])


def cluster_records(spark: SparkSession, rows: EvidenceRows, rules: ClusteringRules) -> tuple[Clusters, str]:
    """Connected components of the edges, refined; and in words how the components were found.

    Frames are counted and then used, so pass tables of the warehouse or frames that are kept.
    """
    rows = rows.with_statements(rules)
    size = _measure(spark, rows, rules)
    if rules.config.engine in ("auto", "local") and size.fits_driver:
        reads = {"members": rows.members, "evidence": rows.unite(spark)}
        found = run_together(spark, {name: partial(as_table, it) for name, it in reads.items()})
        refined: Rows = cluster_components(found["members"], found["evidence"], rules=rules)
        told = f"local engine, all on the driver: {size.members:,} records, {size.pairs:,} pairs"
    else:
        refined, told = _refine_in_tasks(spark, rows, size, rules)
    cuts = map_rows(refined.select([c.RECORD_KEY, CUTS]), unfold_cuts, CUTS_TYPE)
    return Clusters(refined.select([c.RECORD_KEY, c.COMPONENT, c.CLUSTER]), cuts), told


@dataclass(frozen=True)
class _Size:
    """How much there is to cluster.

    Args:
        members: records.
        pairs: scored ones, and those that labels or identifiers join.
        edges: of these.
    """

    members: int
    pairs: int
    edges: int

    @property
    def fits_driver(self) -> bool:
        """True where the driver clusters it."""
        return self.members <= limits.RECORDS_CLUSTERED and self.pairs <= limits.PAIRS_CLUSTERED


def _measure(spark: SparkSession, rows: EvidenceRows, rules: ClusteringRules) -> _Size:
    counts: dict[str, Callable[[], tuple[int, int]]] = {
        "members": lambda: (count_rows(rows.members), 0),
        "certain": lambda: (count_rows(rows.links) + rows.must_links.num_rows,) * 2,
        "scored": partial(_count_scored, rows.scored, rules.config),
    }
    found = run_together(spark, counts)
    pairs, edges = (found["scored"][at] + found["certain"][at] for at in (0, 1))
    return _Size(found["members"][0], pairs, edges)


def _count_scored(scored: Rows, config: ClusteringConfig) -> tuple[int, int]:
    """How many scored pairs there are, and how many of them are edges."""
    edge = is_edge(field_of(scored, c.WEIGHT_LOG2), field_of(scored, c.DETERMINISTIC), config.threshold_log2)
    if not isinstance(scored, DataFrame):
        return scored.num_rows, scored.filter(edge).num_rows
    row = scored.agg(F.count(F.lit(1)), F.count_if(edge)).collect()[0]
    return row[0], row[1]


def _refine_in_tasks(
    spark: SparkSession, rows: EvidenceRows, size: _Size, rules: ClusteringRules
) -> tuple[DataFrame, str]:
    members, scored = as_frame(spark, rows.members), as_frame(spark, rows.scored)
    edge = is_edge(F.col(c.WEIGHT_LOG2), F.col(c.DETERMINISTIC), rules.config.threshold_log2)
    joined = [it.select(_PAIR) for it in (scored.where(edge), rows.must_links, rows.links)]
    components = build_components(
        members.select(c.RECORD_KEY),
        cast("DataFrame", unite(spark, joined)),
        engine=rules.config.engine,
        local_max_edges=rules.config.local_max_edges,
        size=GraphSize(size.members, size.edges),
    )
    place = F.xxhash64(c.COMPONENT).alias(_PLACE)
    placed = checkpoint(members.join(components.components, on=c.RECORD_KEY, how="inner").select("*", place))
    evidence = place_evidence(
        placed.select(c.RECORD_KEY, _PLACE),
        as_frame(spark, rows.unite(spark)),
        broadcast=size.members <= limits.COMPONENTS_BROADCAST,
    )
    rule = partial(refine_batch, rules=rules)
    refined = map_groups([placed, evidence], _PLACE, rule, REFINED_TYPE, row_count=size.members)
    return checkpoint_and_count(cast("DataFrame", refined)).rows, f"{components.engine} engine, {components.reason}"


def place_evidence(places: DataFrame, evidence: DataFrame, *, broadcast: bool) -> DataFrame:
    """Put each row of evidence into the component of its left record.

    Args:
        places: one row per record: record_key, place: a hash of its component.
        evidence: EVIDENCE.
        broadcast: send the places to every task; then pairs across two components, most of all, never travel.
    Returns: the evidence with its place.
    """
    of_left = places.withColumnRenamed(c.RECORD_KEY, c.RECORD_KEY_L)
    if not broadcast:
        return evidence.join(of_left, on=c.RECORD_KEY_L, how="inner")
    of_right = places.withColumnsRenamed({c.RECORD_KEY: c.RECORD_KEY_R, _PLACE: _PLACE_R})
    placed = evidence.join(F.broadcast(of_right), on=c.RECORD_KEY_R, how="inner").join(
        F.broadcast(of_left), on=c.RECORD_KEY_L, how="inner"
    )
    return placed.where(F.col(_PLACE) == F.col(_PLACE_R)).drop(_PLACE_R)
