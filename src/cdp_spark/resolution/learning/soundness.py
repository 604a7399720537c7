"""Whether a fitted model can be trusted: EM always ends somewhere, not always where matches are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.normalise.text import plural
from cdp_spark.resolution.learning.parameters import agreement
from cdp_spark.resolution.learning.starts import CONTRADICTION_SHARE, FEWEST_PAIRS
from cdp_spark.resolution.patterns import unpack

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from cdp_spark.resolution.model import MatchModel

_UNDECIDED_BITS = 1.0
_UNDECIDED_SHARE = 0.25


@dataclass(frozen=True)
class Doubt:
    """A reason not to trust a model.

    Args:
        problem: what was found.
        fix: what to do about it.
        severe: True where clusters made by this model would be wrong.
        comparison: the one that it is about; None where it is about the whole model.
    """

    problem: str
    fix: str
    severe: bool = False
    comparison: str | None = None


def find_doubts(model: MatchModel, counts: pa.Table) -> tuple[Doubt, ...]:
    """Check a model against the pairs that it was fitted from.

    Args:
        model: the fitted model.
        counts: distinct (rule_mask, pattern) with their number of pairs.
    Returns: severe ones first; none for a model that keeps to what matching means.
    """
    levels = unpack(counts[c.PATTERN].to_numpy(), len(model.match.comparisons))
    pairs = counts[c.RECORD_COUNT].to_numpy().astype(np.float64)
    weights = model.weights(counts[c.RULE_MASK].to_numpy(), levels)
    doubts = [*_about_size(float(pairs.sum())), *_about_comparisons(model, levels, pairs)]
    doubts += [*_about_certainty(weights, pairs), *_about_convergence(model)]
    doubts += [*_about_rival(model), *_about_repetition(model)]
    return tuple(sorted(doubts, key=lambda doubt: not doubt.severe))


def refuse_unsound(doubts: tuple[Doubt, ...], *, where: str) -> None:
    """Stop where a doubt is severe.

    Raises: DataError: with every severe doubt.
    """
    severe = [doubt for doubt in doubts if doubt.severe]
    if severe:
        raise DataError(
            where,
            got="a model that contradicts what matching means: " + "; ".join(doubt.problem for doubt in severe),
            allowed="a model under which matches agree more than other pairs",
            fix="; ".join(dict.fromkeys(doubt.fix for doubt in severe)),
        )


def _about_size(pairs: float) -> list[Doubt]:
    if pairs >= FEWEST_PAIRS:
        return []
    return [
        Doubt(
            f"only {plural(round(pairs), 'pair')} compared, too few to learn weights from",
            "judge the result by eye, or fit the model on more records",
        )
    ]


def _about_comparisons(model: MatchModel, levels: NDArray[np.int64], pairs: NDArray[np.float64]) -> list[Doubt]:
    doubts = []
    parameters = model.parameters
    agreed = parameters.agreed
    if agreed is None:
        agreed = np.stack([agreement(parameters.m), agreement(parameters.u)])
    for at, (comparison, (matches, others)) in enumerate(zip(model.match.comparisons, agreed.T.tolist(), strict=True)):
        known = float(pairs[levels[:, at] > 0].sum())
        if known == 0:
            doubts.append(
                Doubt(
                    f"no compared pair has {comparison.name} on both sides, so {comparison.name} is ignored",
                    f"leave {comparison.name} out, or map a column to it",
                )
            )
        elif matches < others and known >= FEWEST_PAIRS:
            doubts.append(
                Doubt(
                    f"{comparison.name} agrees in {matches:.0%} of the matches and in {others:.0%} of the other pairs",
                    f"leave {comparison.name} out, add comparisons that tell people apart, or label pairs (cdp label)",
                    severe=others - matches > CONTRADICTION_SHARE,
                    comparison=comparison.name,
                )
            )
    return doubts


def _about_certainty(weights: NDArray[np.float64], pairs: NDArray[np.float64]) -> list[Doubt]:
    total = float(pairs.sum())
    undecided = float(pairs[np.abs(weights) < _UNDECIDED_BITS].sum()) / total if total else 0.0
    if total < FEWEST_PAIRS or undecided <= _UNDECIDED_SHARE:
        return []
    return [
        Doubt(
            f"{undecided:.0%} of the pairs weigh less than {_UNDECIDED_BITS:g} bit either way",
            "compare more columns, or label pairs near the threshold (cdp label)",
        )
    ]


def _about_convergence(model: MatchModel) -> list[Doubt]:
    if model.parameters.converged:
        return []
    return [
        Doubt(
            f"EM had not converged after {model.parameters.iterations} iterations",
            "leave out blocking rules that find few pairs, or fit on more records",
        )
    ]


def _about_rival(model: MatchModel) -> list[Doubt]:
    if model.parameters.rival is None:
        return []
    here, there = model.parameters.rival
    return [
        Doubt(
            f"{here:.1%} of the pairs are matches; another start ends at {there:.1%} and fits about as well or better",
            "compare more columns, or label pairs (cdp label)",
        )
    ]


def _about_repetition(model: MatchModel) -> list[Doubt]:
    shares = model.parameters.shares
    if shares is None:
        return []
    kept = [(it.name, share) for it, share in zip(model.match.comparisons, shares.tolist(), strict=True) if share < 1]
    told = ", ".join(f"{name} ({share:.0%})" for name, share in kept)
    return [
        Doubt(
            f"these comparisons agree together even when people differ, so each keeps only part of its weight: {told}",
            "leave out what repeats another column, or compare them as one",
        )
    ]
