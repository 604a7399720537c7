"""How well probabilities predict outcomes: order (AUC), size (calibration), and what the best are worth (lift)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BINS = 10


@dataclass(frozen=True)
class Bin:
    """A tenth of the people, by probability.

    Args:
        people: in it.
        predicted: mean probability.
        observed: share whose outcome came.
        lift: that share over the share of all.
    """

    people: int
    predicted: float
    observed: float
    lift: float


@dataclass(frozen=True)
class Evaluation:
    """Figures of people whom the model did not learn from.

    Args:
        people: person and snapshot counted once.
        outcomes: that came.
        auc: probability that one with the outcome stands above one without it; 0.5 by chance.
        calibration_error: mean distance of `predicted` and `observed` over the bins.
        bins: the most probable first.
    """

    people: int
    outcomes: int
    auc: float
    calibration_error: float
    bins: tuple[Bin, ...]

    def facts(self) -> dict[str, Any]:
        """The figures as plain values."""
        return asdict(self)


def evaluate(probability: Floats, outcomes: NDArray[np.bool_]) -> Evaluation:
    """Judge probabilities by what came.

    Args:
        probability: of each person's outcome.
        outcomes: what came; some did and some did not.
    """
    parts = np.array_split(np.argsort(-probability, kind="stable"), BINS)
    share = outcomes.mean()
    bins = tuple(
        Bin(
            len(part),
            float(probability[part].mean()),
            float(outcomes[part].mean()),
            float(outcomes[part].mean() / share),
        )
        for part in parts
        if len(part)
    )
    error = sum(it.people * abs(it.predicted - it.observed) for it in bins) / len(outcomes)
    return Evaluation(len(outcomes), int(outcomes.sum()), area_under_curve(probability, outcomes), float(error), bins)


def area_under_curve(scores: Floats, outcomes: NDArray[np.bool_]) -> float:
    """Return the probability that one with the outcome has a higher score than one without; ties count half.

    Args:
        scores: of the people.
        outcomes: what came.
    """
    came = int(outcomes.sum())
    others = len(outcomes) - came
    above = rankdata(scores)[outcomes].sum() - came * (came + 1) / 2
    return float(above / (came * others))
