"""Two versions of a match model, side by side: what levels weigh, and which pairs change sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.resolution.learning.parameters import log_ratios
from cdp_spark.resolution.models import evidence_of
from cdp_spark.resolution.patterns import from_texts

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from cdp_spark.resolution.model import MatchModel

Two = tuple[float | None, float | None]
"""A figure under both versions; None where a version lacks what it is of."""


@dataclass(frozen=True)
class LevelWeights:
    """A level of a comparison under both versions.

    Args:
        comparison: its name.
        level: in words.
        weight_log2: bits; less than log2(m / u) where the comparison shares its weight with others that repeat it.
        m: probability among matches.
        u: probability among others.
        r: probability among related people; None where a version does not know them.
    """

    comparison: str
    level: str
    weight_log2: Two
    m: Two
    u: Two
    r: Two = (None, None)


@dataclass(frozen=True)
class SideChanges:
    """Where the current pairs stand under both versions.

    Args:
        pairs: compared in the last run.
        deterministic: of them joined by a rule whatever they weigh; not counted below.
        both: at the threshold or above under both versions.
        only_first: under the first version only.
        only_second: under the second version only.
        neither: below it under both.
    """

    pairs: int
    deterministic: int
    both: int
    only_first: int
    only_second: int
    neither: int


def compare_levels(first: MatchModel, second: MatchModel) -> tuple[LevelWeights, ...]:
    """The levels of both models by comparison, in the first's order, then those that only the second has."""
    sides = [_levels(model) for model in (first, second)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    nothing = (None, None, None, None)
    return tuple(
        LevelWeights(comparison, level, *zip(*(side.get((comparison, level), nothing) for side in sides), strict=True))
        for comparison, level in names
    )


def compare_priors(first: MatchModel, second: MatchModel) -> dict[str, Two]:
    """Each rule's share of matches among its pairs, by name."""
    return _side_by_side(*[_by_rule(it, it.parameters.prior) for it in (first, second)])


def compare_related(first: MatchModel, second: MatchModel) -> dict[str, Two]:
    """Each rule's share of related people among its pairs, by name; nothing where neither version knows them."""
    priors = [related.prior if (related := it.parameters.related) else None for it in (first, second)]
    sides = [{} if prior is None else _by_rule(it, prior) for it, prior in zip((first, second), priors, strict=True)]
    return _side_by_side(*sides)


def _by_rule(model: MatchModel, prior: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(model.rule_names, prior.tolist(), strict=True))


def _side_by_side(first: dict[str, float], second: dict[str, float]) -> dict[str, Two]:
    return {name: (first.get(name), second.get(name)) for name in dict.fromkeys([*first, *second])}


def _levels(model: MatchModel) -> dict[tuple[str, str], tuple[float | None, ...]]:
    """Bits, m, u and r by comparison and level."""
    found: dict[tuple[str, str], tuple[float | None, ...]] = {}
    m, u, related = model.parameters.m, model.parameters.u, model.parameters.related
    bits = [ratio * kept for ratio, kept in zip(log_ratios(m, u), model.kept, strict=True)]
    for index, (comparison, names) in enumerate(zip(model.match.comparisons, model.level_names, strict=True)):
        for level in range(1, len(names)):
            r = None if related is None else float(related.r[index][level])
            figures = (bits[index], m[index], u[index])
            found[comparison.name, names[level]] = (*[float(it[level]) for it in figures], r)
    return found


def are_comparable(first: MatchModel, second: MatchModel) -> bool:
    """True where levels and rules mean the same under both, so that a scored pair can be weighed by either."""
    return evidence_of(first.match) == evidence_of(second.match)


def count_side_changes(
    pair_scores: DataFrame, first: MatchModel, second: MatchModel, *, threshold_log2: float
) -> SideChanges:
    """Weigh the last run's pairs by both models (an action); distinct patterns are weighed once each, on the driver.

    Args:
        pair_scores: of the entity type, whatever model scored them.
        first: one model.
        second: another one, of the same comparisons and rules.
        threshold_log2: bits from which a pair is an edge.
    """
    counts = _pattern_counts(pair_scores)
    pairs = counts[c.RECORD_COUNT].to_numpy()
    certain = counts[c.DETERMINISTIC].to_numpy(zero_copy_only=False)
    masks = counts[c.RULE_MASK].to_numpy().astype(np.int64)
    levels = from_texts(counts[c.LEVELS].to_pylist(), len(first.match.comparisons))
    above = [np.round(it.weights(masks, levels), 6) >= threshold_log2 for it in (first, second)]

    def total(where: NDArray[np.bool_]) -> int:
        return int(pairs[where & ~certain].sum())

    return SideChanges(
        pairs=int(pairs.sum()),
        deterministic=int(pairs[certain].sum()),
        both=total(above[0] & above[1]),
        only_first=total(above[0] & ~above[1]),
        only_second=total(~above[0] & above[1]),
        neither=total(~above[0] & ~above[1]),
    )


def _pattern_counts(pair_scores: DataFrame) -> pa.Table:
    pattern = [c.RULE_MASK, c.LEVELS, c.DETERMINISTIC]
    return pair_scores.groupBy(*pattern).agg(F.count(F.lit(1)).alias(c.RECORD_COUNT)).toArrow().combine_chunks()


def random_match_share(pair_scores: DataFrame, *, records: int) -> float:
    """Estimate the probability that two random records match (an action): expected matches among the compared pairs.

    Args:
        pair_scores: of the last run.
        records: how many there are.
    """
    odds = F.pow(F.lit(2.0), F.least(F.col(c.WEIGHT_LOG2), F.lit(50.0)))
    probability = F.when(F.col(c.DETERMINISTIC), 1.0).otherwise(odds / (1 + odds))
    expected = pair_scores.agg(F.sum(probability)).collect()[0][0] or 0.0
    possible = max(records * (records - 1) / 2, 1.0)
    return float(np.clip(expected / possible, 1e-9, 0.999999))
