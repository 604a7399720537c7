from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit
from tests.unit.insights.leads.people import CLOCK_US, draw_visitors, score

from cdp_spark.errors import DataError
from cdp_spark.insights.leads.evaluation import Bin, area_under_curve, evaluate
from cdp_spark.insights.leads.features import DAY_US, Feature, read_events
from cdp_spark.insights.leads.logistic import fit_calibration, fit_steps
from cdp_spark.insights.leads.model import fit_lead, read_lead_model, score_leads
from cdp_spark.insights.leads.snapshots import SnapshotPlan, build_snapshots, snapshot_times

FEATURES = (Feature("count", "view", None, 30), Feature("recency", "view", None, 30))
SETTINGS = score(features={"windows_days": (30,)})


def snapshots_of(people: int, seed: int) -> tuple[pa.Table, pa.Table, int]:
    rows, _ = draw_visitors(people, seed)
    times = snapshot_times(SETTINGS, first_us=CLOCK_US - 100 * DAY_US, until_us=CLOCK_US)
    plan = SnapshotPlan(SETTINGS.outcome, SETTINGS.population, FEATURES, times)
    return rows, build_snapshots(rows, plan), len(times)


def test_a_model_finds_the_probabilities_that_people_were_drawn_with() -> None:
    rows, snapshots, number = snapshots_of(3_000, seed=3)
    model, found = fit_lead("will_buy", snapshots, FEATURES, snapshots=number)
    assert found.calibration_error < 0.03
    assert found.auc > 0.7
    assert found.bins[0].lift > 1.5
    scored = score_leads(
        read_lead_model(json.loads(json.dumps(model.facts()))),
        read_events(rows),
        SETTINGS.population,
        until_us=CLOCK_US,
    )
    chance = draw_visitors(3_000, 3)[1]
    truth = np.array([chance[name] for name in scored["unified_id"].to_pylist()])
    probability = scored["score"].to_numpy()
    assert [probability[truth == it].mean() for it in (0.05, 0.4)] == pytest.approx([0.05, 0.4], abs=0.03)


def test_reasons_sum_to_the_log_odds_of_the_probability() -> None:
    rows, snapshots, number = snapshots_of(1_500, seed=5)
    model, _ = fit_lead("will_buy", snapshots, FEATURES, snapshots=number)
    scored = score_leads(model, read_events(rows), SETTINGS.population, until_us=CLOCK_US)
    sums = [sum(part["contribution"] for part in reasons) for reasons in scored["reasons"].to_pylist()]
    np.testing.assert_allclose(expit(sums), scored["score"].to_numpy(), rtol=1e-12)
    first = scored["reasons"].to_pylist()[0]
    assert [part["reason"] for part in first][::2] == ["the average of those learned from", "everything else"]


def test_shuffled_outcomes_leave_nothing_to_find() -> None:
    _, snapshots, number = snapshots_of(1_200, seed=7)
    place, areas = snapshots.schema.get_field_index("outcome"), []
    for seed in range(5):
        order = pa.array(np.random.default_rng(seed).permutation(snapshots.num_rows))
        shuffled = snapshots.set_column(place, "outcome", snapshots["outcome"].take(order))
        areas.append(fit_lead("nothing", shuffled, FEATURES, snapshots=number)[1].auc)
    assert np.mean(areas) == pytest.approx(0.5, abs=0.03)


def test_a_model_does_not_depend_on_the_order_of_the_rows() -> None:
    _, snapshots, number = snapshots_of(800, seed=9)
    mixed = snapshots.take(pa.array(np.random.default_rng(1).permutation(snapshots.num_rows)))
    models = [fit_lead("will_buy", rows, FEATURES, snapshots=number)[0] for rows in (snapshots, mixed)]
    assert models[0] == models[1]


def test_too_few_outcomes_are_refused_with_how_many_there_are_and_are_needed() -> None:
    _, snapshots, number = snapshots_of(100, seed=1)
    said = r"score will_buy: There are too few outcomes to learn from: it came in \d+ of \d+ cases\. "
    with pytest.raises(DataError, match=said):
        fit_lead("will_buy", snapshots, FEATURES, snapshots=number)


def test_steps_are_those_that_outcomes_were_drawn_with() -> None:
    random = np.random.default_rng(1)
    levels = np.stack([random.integers(0, 3, 60_000), random.integers(0, 2, 60_000)], axis=1)
    truth = -2 + np.array([0.0, 1.0, 1.5])[levels[:, 0]] + np.array([0.0, -0.7])[levels[:, 1]]
    base, steps = fit_steps(levels, (2, 1), random.random(60_000) < expit(truth))
    assert [base, *steps] == pytest.approx([-2, 1, 0.5, -0.7], abs=0.06)


def test_log_odds_are_corrected_only_where_they_are_off() -> None:
    random = np.random.default_rng(2)
    truth = random.normal(-1, 1, 20_000)
    outcomes = random.random(20_000) < expit(truth)
    assert fit_calibration(truth, outcomes) == (0.0, 1.0)
    assert fit_calibration(2 * truth + 1, outcomes) == pytest.approx((-0.5, 0.5), abs=0.06)


def test_an_evaluation_counts_by_hand() -> None:
    probability = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1])
    outcomes = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 1], np.bool_)
    found = evaluate(probability, outcomes)
    assert found.bins[0] == Bin(1, 0.9, 1.0, 2.5)
    assert (found.people, found.outcomes) == (10, 4)
    assert found.calibration_error == pytest.approx(np.abs(probability - outcomes).mean())
    assert found.auc == pytest.approx((6 + 6 + 5 + 0.5) / 24)
    assert area_under_curve(np.ones(4), np.array([True, False, True, False])) == 0.5
