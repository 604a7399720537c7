"""`cdp resolve`: from one's own files to clusters, without a warehouse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.records import EXCLUSIVE_SOURCE, cluster_records
from cdp_spark.config.match import ClusteringConfig, EntityMatch
from cdp_spark.discovery.propose import candidate_rules, propose_comparisons
from cdp_spark.errors import DataError
from cdp_spark.matching.learning.soundness import refuse_unsound
from cdp_spark.resolution.choose import RuleEstimate, choose_rules
from cdp_spark.resolution.own.read import RECORD_ID, OwnData, read_own_data
from cdp_spark.resolution.scored import ScoredPairs, score_pairs
from cdp_spark.tables.actions.held import hold
from cdp_spark.tables.catalog import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

    from cdp_spark.matching.learning.sample import Sample

_PROPOSED_MISSING_WEIGHT = -0.25
"""Bits of a pair that was never compared: proposed rules miss more true pairs than rules written for the data."""


@dataclass(frozen=True)
class ResolveSettings:
    """What to resolve and how.

    Args:
        inputs: files; each is a source.
        id_column: identifies a row within its source.
        source_column: names the source of each row, instead of the file.
        unique_within_source: no two records of one source are the same person.
        match: rules and comparisons; None to propose them.
        region: ISO country of phones that name none.
        threshold_log2: match weight in bits from which a pair is an edge; None for the configuration's own.
    """

    inputs: tuple[str, ...]
    id_column: str
    source_column: str | None = None
    unique_within_source: bool = False
    match: EntityMatch | None = None
    region: str | None = None
    threshold_log2: float | None = None


@dataclass(frozen=True)
class Resolution:
    """What was found.

    Args:
        clusters: one row per record: source, record_id, cluster_id.
        data: the records and what their columns were taken for.
        match: the configuration that was used.
        rules: what each proposed rule was expected to do; empty where rules were given.
        scored: the model, its figures and doubts.
        pair_count: pairs compared.
        cluster_count: clusters.
        largest_cluster: records of the largest one.
    """

    clusters: DataFrame
    data: OwnData
    match: EntityMatch
    rules: tuple[RuleEstimate, ...]
    scored: ScoredPairs
    pair_count: int
    cluster_count: int
    largest_cluster: int


@dataclass(frozen=True)
class Proposal:
    """How to match.

    Args:
        match: rules and comparisons.
        rules: what each proposed rule is expected to do; none where the rules were given, or none finds a pair.
        sample: of the records, that the rules were chosen on.
    """

    match: EntityMatch
    rules: tuple[RuleEstimate, ...] = ()
    sample: Sample | None = None


def resolve(spark: SparkSession, settings: ResolveSettings, *, tell: Callable[[str], None]) -> Resolution:
    """Find the records of one person (or organisation) in one's own files.

    Args:
        spark: the session.
        settings: what to resolve and how.
        tell: is told each step in words.

    Raises:
        DataError: the columns give nothing to compare, no rule finds a candidate pair, or the fitted model contradicts
            what matching means.
    """
    tell("reading")
    data = read_own_data(
        spark,
        settings.inputs,
        id_column=settings.id_column,
        source_column=settings.source_column,
        region=settings.region,
    )
    match, rules, scored = _scored(data, settings, tell)
    tell("clustering")
    exclusive = F.col(c.SOURCE) if settings.unique_within_source else F.lit(None).cast("string")
    members = data.records.withColumn(EXCLUSIVE_SOURCE, exclusive)
    labels = spark.createDataFrame([], LABELS.schema).limit(0)  # the optimiser sees that there are none
    pairs = hold(scored.pair_scores)
    found, _ = cluster_records(members, pairs.rows, labels, config=match.clustering)
    ids = data.records.select(c.RECORD_KEY, c.SOURCE, RECORD_ID)
    clusters = ids.join(found.clusters, on=c.RECORD_KEY, how="inner").select(
        c.SOURCE, RECORD_ID, F.col(c.CLUSTER).alias("cluster_id")
    )
    sizes = found.clusters.groupBy(c.CLUSTER).agg(F.count(F.lit(1)).alias(c.RECORD_COUNT))
    totals = sizes.agg(F.count(F.lit(1)), F.max(c.RECORD_COUNT)).collect()[0]
    return Resolution(clusters, data, match, rules, scored, pairs.count, totals[0], totals[1])


def _scored(
    data: OwnData, settings: ResolveSettings, tell: Callable[[str], None]
) -> tuple[EntityMatch, tuple[RuleEstimate, ...], ScoredPairs]:
    """Score pairs; comparisons that were proposed and then contradict what matching means are left out, and all anew.

    A column that names the file that a row came from is such a one.
    """
    without: frozenset[str] = frozenset()
    while True:
        proposal = _configuration(data, settings, tell, without=without)
        match = proposal.match
        tell("comparing")
        scored = score_pairs(data.records, match, sample=proposal.sample)
        wrong = {doubt.comparison for doubt in scored.doubts if doubt.severe and doubt.comparison is not None}
        if settings.match is not None or not wrong or len(wrong) >= len(match.comparisons):
            refuse_unsound(scored.doubts, where="the proposed model" if settings.match is None else "the model")
            return match, proposal.rules, scored
        tell(f"leaving out {', '.join(sorted(wrong))}: fewer matches agree on it than other pairs")
        without |= wrong
        scored.release()


def _configuration(
    data: OwnData, settings: ResolveSettings, tell: Callable[[str], None], *, without: frozenset[str]
) -> Proposal:
    if settings.match is None:
        tell("choosing blocking rules")
        proposal = propose_match(data, without=without)
    else:
        proposal = Proposal(settings.match)
    if settings.threshold_log2 is None:
        return proposal
    clustering = proposal.match.clustering.model_copy(update={"threshold_log2": settings.threshold_log2})
    return replace(proposal, match=proposal.match.model_copy(update={"clustering": clustering}))


def propose_match(data: OwnData, *, without: frozenset[str] = frozenset()) -> Proposal:
    """Comparisons for every usable column, and the blocking rules that are worth their pairs.

    Args:
        data: the records and what their columns were taken for.
        without: comparisons to leave out.

    Raises:
        DataError: nothing can be compared, or no rule finds a pair.
    """
    proposed, candidates = propose_comparisons(data.features), candidate_rules(data.features)
    comparisons = tuple(it for it in proposed if it.name not in without)
    if not comparisons or not candidates:
        taken = ", ".join(f"{item.column} ({item.meaning})" for found in data.recognised.values() for item in found)
        raise DataError(
            "columns", got=taken or "none beside the id", allowed="columns that describe a person", fix="see --conf"
        )
    clustering = ClusteringConfig(missing_weight=_PROPOSED_MISSING_WEIGHT)
    proposal = EntityMatch(blocking=candidates, comparisons=comparisons, clustering=clustering)
    chosen = choose_rules(data.records, proposal, record_count=data.record_count)
    rules = tuple(item.rule for item in chosen.rules) or candidates[:1]
    return Proposal(proposal.model_copy(update={"blocking": rules}), chosen.rules, chosen.sample)
