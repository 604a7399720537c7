"""The model of an outcome: learned from snapshots, calibrated and judged on later ones, applied to people now.

1. `fit_lead` cuts each feature into steps, fits them on the oldest snapshots, corrects the log-odds on a later one if
   they need it, and judges the result on the newest ones, which it has not seen.
2. `score_leads` gives each person the probability and its reasons. A reason is what a kind of event adds to the
   log-odds against the average of those learned from; base, reasons and the rest sum to the log-odds exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from scipy.special import expit

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.insights.leads.evaluation import evaluate
from cdp_spark.insights.leads.features import Feature, build_features
from cdp_spark.insights.leads.logistic import fit_calibration, fit_steps
from cdp_spark.insights.leads.reasons import Grouping, explain
from cdp_spark.insights.leads.snapshots import features_of, find_population, split_snapshots
from cdp_spark.insights.value import find_borders, rank
from cdp_spark.normalise.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from cdp_spark.config.insights.scores import PopulationConfig
    from cdp_spark.insights.leads.evaluation import Evaluation
    from cdp_spark.insights.leads.features import PersonEvents

    Floats = NDArray[np.float64]

LEAST_LEARNED, LEAST_JUDGED = 100, 30
"""People with the outcome, and without it, that teach and that judge a model: fewer tell chance from no rule."""
_COUNT_EDGES = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 89.0)
_DAY_EDGES = (1.0, 2.0, 4.0, 7.0, 14.0, 21.0, 30.0, 45.0, 60.0, 90.0, 180.0, 365.0)
_VALUE_SHARES = (0.0, 0.25, 0.5, 0.75, 0.9)
_LEAST_BEYOND = 20
"""People beyond an edge; of fewer it would tell nothing."""


@dataclass(frozen=True)
class LeadModel:
    """A fitted model.

    Args:
        features: that it counts.
        edges: of each feature, ascending.
        points: of each feature, by the number of edges passed; their mean over those learned from is 0.
        base: log-odds of the average of those learned from.
        borders: from `insights.value.find_borders`, of the probabilities of those judged.
    """

    features: tuple[Feature, ...]
    edges: tuple[tuple[float, ...], ...]
    points: tuple[tuple[float, ...], ...]
    base: float
    borders: Mapping[str, Sequence[float | None]]

    def facts(self) -> dict[str, Any]:
        """The model as plain values, for JSON."""
        return {
            "features": [[it.measure, it.event_type, it.category, it.days] for it in self.features],
            "edges": self.edges,
            "points": self.points,
            "base": self.base,
            "borders": self.borders,
        }


def read_lead_model(facts: dict[str, Any]) -> LeadModel:
    """Read what `LeadModel.facts` wrote."""
    return LeadModel(
        tuple(Feature(*them) for them in facts["features"]),
        _tuples(facts["edges"]),
        _tuples(facts["points"]),
        facts["base"],
        facts["borders"],
    )


def fit_lead(
    name: str, rows: pa.Table, features: tuple[Feature, ...], *, snapshots: int
) -> tuple[LeadModel, Evaluation]:
    """Fit, calibrate and judge a model.

    Args:
        name: of the score, for messages.
        rows: SNAPSHOT_ROWS.
        features: of the rows.
        snapshots: how many there are.
    Returns: the model, and its figures on the newest snapshots.
    Raises: DataError: too few outcomes, or too many, to learn from or to judge by.
    """
    rows = rows.sort_by([(c.SNAPSHOT, "ascending"), (c.UNIFIED_ID, "ascending")])
    split, number = split_snapshots(snapshots), rows[c.SNAPSHOT].to_numpy()
    outcomes = rows[c.OUTCOME].to_numpy(zero_copy_only=False).astype(np.bool_)
    figures = features_of(rows, len(features))
    learned, calibrated, judged = (np.isin(number, part) for part in (split.learned, split.calibrated, split.judged))
    _require(name, "learn from", outcomes[learned], LEAST_LEARNED)
    _require(name, "judge by", outcomes[judged], LEAST_JUDGED)
    edges = tuple(_edges(it, figures[learned, column]) for column, it in enumerate(features))
    model = _fit(features, edges, figures[learned], outcomes[learned])
    if min(outcomes[calibrated].sum(), (~outcomes[calibrated]).sum()) >= LEAST_JUDGED:
        model = _scaled(model, *fit_calibration(log_odds(model, figures[calibrated]), outcomes[calibrated]))
    probability = expit(log_odds(model, figures[judged]))
    model = replace(model, borders=find_borders(probability))
    return model, evaluate(probability, outcomes[judged])


def log_odds(model: LeadModel, figures: Floats) -> Floats:
    """Return the log-odds of people.

    Args:
        model: fitted.
        figures: its features, one column a feature.
    """
    return np.asarray(model.base + contributions(model, figures).sum(axis=1), np.float64)


def contributions(model: LeadModel, figures: Floats) -> Floats:
    """Return what each feature adds to the log-odds of people, one column a feature.

    Args:
        model: fitted.
        figures: its features.
    """
    levels = _levels(model.features, model.edges, figures)
    columns = [np.array(points)[levels[:, column]] for column, points in enumerate(model.points)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(figures), 0))


def score_leads(
    model: LeadModel, events: PersonEvents, population: PopulationConfig, *, until_us: int
) -> dict[str, pa.Array]:
    """Score the people of a population.

    Args:
        model: fitted.
        events: of whole people; later ones do not count.
        population: who is scored.
        until_us: the time, in microseconds since 1970.
    Returns: columns of the table `scores`: unified_id, score, tier, decile, details, reasons.
    """
    who = find_population(events, population, until_us)
    figures = build_features(events, model.features, until_us=until_us)[who]
    added = contributions(model, figures)
    total = model.base + added.sum(axis=1)
    probability = expit(total)
    return {
        c.UNIFIED_ID: events.people.take(pa.array(who)),
        c.SCORE: pa.array(probability),
        **rank(probability, model.borders),
        c.DETAILS: pa.array([[("log_odds", value)] for value in total.tolist()], pa.map_(pa.string(), pa.float64())),
        c.REASONS: explain(Grouping.of(model.features), figures, added, base=model.base),
    }


def _fit(
    features: tuple[Feature, ...], edges: tuple[tuple[float, ...], ...], figures: Floats, outcomes: NDArray[np.bool_]
) -> LeadModel:
    levels = _levels(features, edges, figures)
    base, steps = fit_steps(levels, [len(them) for them in edges], outcomes)
    ends = np.cumsum([len(them) for them in edges])
    points = [np.r_[0.0, np.cumsum(them)] for them in np.split(steps, ends[:-1])] if len(ends) else []
    means = [float(them[levels[:, column]].mean()) for column, them in enumerate(points)]
    centred = tuple(tuple((them - mean).tolist()) for them, mean in zip(points, means, strict=True))
    return LeadModel(features, edges, centred, base + sum(means), {})


def _scaled(model: LeadModel, shift: float, slope: float) -> LeadModel:
    points = tuple(tuple(slope * it for it in them) for them in model.points)
    return LeadModel(model.features, model.edges, points, shift + slope * model.base, model.borders)


def _edges(feature: Feature, figures: Floats) -> tuple[float, ...]:
    """Cut a feature where enough people are on either side."""
    if feature.measure == "recency":
        offered: Iterable[float] = [day for day in _DAY_EDGES if day <= feature.days]
        return tuple(edge for edge in offered if _enough(figures <= edge))
    if feature.measure == "count":
        offered = _COUNT_EDGES
    else:
        positive = figures[figures > 0]
        offered = np.unique(np.quantile(positive, _VALUE_SHARES)).tolist() if len(positive) else ()
    return tuple(float(edge) for edge in offered if _enough(figures >= edge))


def _enough(beyond: NDArray[np.bool_]) -> bool:
    return bool(_LEAST_BEYOND <= beyond.sum() <= len(beyond) - _LEAST_BEYOND)


def _levels(features: tuple[Feature, ...], edges: tuple[tuple[float, ...], ...], figures: Floats) -> NDArray[np.int64]:
    """Count the edges that each figure has passed: upwards, for days since the last event downwards."""
    levels = np.zeros(figures.shape, np.int64)
    for column, (feature, cuts) in enumerate(zip(features, edges, strict=True)):
        if feature.measure == "recency":
            levels[:, column] = len(cuts) - np.searchsorted(cuts, figures[:, column], side="left")
        else:
            levels[:, column] = np.searchsorted(cuts, figures[:, column], side="right")
    return levels


def _require(name: str, purpose: Literal["learn from", "judge by"], outcomes: NDArray[np.bool_], least: int) -> None:
    came = int(outcomes.sum())
    if min(came, len(outcomes) - came) < least:
        fix = "Load older events, or choose an outcome that is more frequent or has more days."
        said = (
            f"There are too few outcomes to {purpose}: it came in {came:,} of {plural(len(outcomes), 'case')}. "
            f"The model needs at least {least} in which it came and {least} in which it did not. {fix}"
        )
        got, allowed = f"{came:,} outcomes of {len(outcomes):,}", f"at least {least} that came and {least} that did not"
        raise DataError(f"score {name}", got=got, allowed=allowed, fix=fix, said=said)


def _tuples(lists: list[list[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(them) for them in lists)
