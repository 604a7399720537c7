"""From records that nobody has described to clusters, on any engine.

1. Comparisons are proposed for every usable column, and blocking rules chosen on a sample, unless they are given. Of
   few records every two are compared.
2. Pairs are compared and a model is fitted. A proposed comparison that contradicts what matching means, such as a
   column that names the file a row came from, is left out, and all begins anew.
3. Clusters are made of the scored pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cdp_spark.config.match import BlockingRule, ClusteringConfig, EntityMatch
from cdp_spark.errors import DataError
from cdp_spark.limits import EVERY_PAIR_RECORDS
from cdp_spark.resolution.choose import RuleEstimate, choose_rules
from cdp_spark.resolution.learning.soundness import refuse_unsound
from cdp_spark.standalone.discovery.propose import candidate_rules, propose_comparisons

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdp_spark.resolution.learning.sample import Sample
    from cdp_spark.standalone.engine import Clustered, Engine
    from cdp_spark.standalone.records import Described

_PROPOSED_MISSING_WEIGHT = -0.25
"""Bits of a pair that was never compared: proposed rules miss more true pairs than rules written for the data."""


@dataclass(frozen=True)
class Matching:
    """How records are to be matched.

    Args:
        match: rules and comparisons; None to propose them.
        unique_within_source: no two records of one source are the same person.
        threshold_log2: match weight in bits from which a pair is an edge; None for the configuration's own.
    """

    match: EntityMatch | None = None
    unique_within_source: bool = False
    threshold_log2: float | None = None


@dataclass(frozen=True)
class Resolution:
    """What was found.

    Args:
        clustered: the clusters and their figures.
        described: what the columns were taken for.
        match: the configuration that was used.
        rules: what each proposed rule was expected to do; empty where rules were given.
        scored: the model, its figures and doubts; the engine's own kind.
        engine: that did it.
    """

    clustered: Clustered
    described: Described
    match: EntityMatch
    rules: tuple[RuleEstimate, ...]
    scored: Any
    engine: Engine


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


def resolve_records(engine: Engine, matching: Matching, *, tell: Callable[[str], None]) -> Resolution:
    """Find the records of one person (or organisation).

    Args:
        engine: holds the records.
        matching: how.
        tell: is told each step in words.

    Raises:
        DataError: the columns give nothing to compare, no rule finds a candidate pair, or the fitted model contradicts
            what matching means.
    """
    match, rules, scored = _scored(engine, matching, tell)
    tell("clustering")
    clustered = engine.cluster(scored, match, unique_within_source=matching.unique_within_source)
    return Resolution(clustered, engine.described, match, rules, scored, engine)


def _scored(
    engine: Engine, matching: Matching, tell: Callable[[str], None]
) -> tuple[EntityMatch, tuple[RuleEstimate, ...], Any]:
    """Score pairs; proposed comparisons that then contradict what matching means are left out, and all anew."""
    without: frozenset[str] = frozenset()
    while True:
        proposal = _configuration(engine, matching, tell, without=without)
        match = proposal.match
        tell("comparing")
        scored = engine.score(match, proposal.sample)
        wrong = {doubt.comparison for doubt in scored.doubts if doubt.severe and doubt.comparison is not None}
        if matching.match is not None or not wrong or len(wrong) >= len(match.comparisons):
            refuse_unsound(scored.doubts, where="the proposed model" if matching.match is None else "the model")
            return match, proposal.rules, scored
        tell(f"leaving out {', '.join(sorted(wrong))}: fewer matches agree on it than other pairs")
        without |= wrong


def _configuration(
    engine: Engine, matching: Matching, tell: Callable[[str], None], *, without: frozenset[str]
) -> Proposal:
    if matching.match is None:
        tell("choosing blocking rules")
        proposal = propose_match(engine, without=without)
    else:
        _check_size(matching.match, engine.described.record_count)
        proposal = Proposal(matching.match)
    if matching.threshold_log2 is None:
        return proposal
    clustering = proposal.match.clustering.model_copy(update={"threshold_log2": matching.threshold_log2})
    return replace(proposal, match=proposal.match.model_copy(update={"clustering": clustering}))


def _check_size(match: EntityMatch, records: int) -> None:
    """Refuse a configuration that was made for fewer records than there are: it would compare none of them.

    Raises:
        DataError: every blocking rule compares every two records, and there are more than it allows.
    """
    limits = [rule.max_block_records or 0 for rule in match.blocking if not rule.keys]
    if limits and len(limits) == len(match.blocking) and records > max(limits) and not match.deterministic:
        raise DataError(
            "blocking",
            got=f"{records:,} records, and only rules without keys",
            allowed=f"at most {max(limits):,} records, of which every two are compared",
            fix="leave --conf out once to have blocking rules chosen, or add some",
        )


def propose_match(engine: Engine, *, without: frozenset[str] = frozenset()) -> Proposal:
    """Propose comparisons for every usable column, and the blocking rules that are worth their pairs.

    Args:
        engine: holds the records.
        without: comparisons to leave out.

    Raises:
        DataError: nothing can be compared, or no rule finds a pair.
    """
    described = engine.described
    proposed, candidates = propose_comparisons(described.features), candidate_rules(described.features)
    comparisons = tuple(it for it in proposed if it.name not in without)
    if not comparisons or not candidates:
        taken = ", ".join(
            f"{item.column} ({item.meaning})" for found in described.recognised.values() for item in found
        )
        raise DataError(
            "columns",
            got=taken or "none beside the id",
            allowed="columns that describe a person",
            fix="check that the first line has the columns' names; --conf says by which columns to match",
        )
    clustering = ClusteringConfig(missing_weight=_PROPOSED_MISSING_WEIGHT)
    proposal = EntityMatch(blocking=candidates, comparisons=comparisons, clustering=clustering)
    if described.record_count <= EVERY_PAIR_RECORDS:
        return _every_pair(engine, proposal)
    sample = engine.sample(proposal)
    chosen = choose_rules(sample, proposal, record_count=described.record_count)
    rules = tuple(item.rule for item in chosen) or candidates[:1]
    return Proposal(proposal.model_copy(update={"blocking": rules}), chosen, sample)


def _every_pair(engine: Engine, proposal: EntityMatch) -> Proposal:
    """Compare every two records: few enough are, so that no rule need miss a pair."""
    rule = BlockingRule(name="every_pair", keys=(), max_block_records=EVERY_PAIR_RECORDS)
    match = proposal.model_copy(update={"blocking": (rule,)})
    records = engine.described.record_count
    pairs = records * (records - 1) / 2
    estimate = RuleEstimate(rule, pairs=pairs, added_pairs=pairs, recall=1.0)
    return Proposal(match, (estimate,), engine.sample(match))
