"""BG/NBD: CDNOW's published figures, agreement with clvkit, and what holds for any parameters."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.lifetime import draw_purchases
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta
from tests.unit.insights.conftest import OBSERVATION_END, make_histories

from cdp_spark import columns as c
from cdp_spark.insights.histories import count_histories, purchase_histories
from cdp_spark.insights.lifetime import (
    PurchaseModel,
    draw_purchase_models,
    expect_purchases,
    fit_purchases,
    mean_purchases,
    probability_alive,
)

MODEL = PurchaseModel(r=0.243, alpha=4.414, a=0.793, b=2.426)
positive = st.floats(0.1, 20.0)
models = st.builds(PurchaseModel, r=positive, alpha=positive, a=positive, b=positive)
histories = st.tuples(st.integers(0, 60), st.floats(0, 1), st.integers(1, 200)).map(
    lambda it: (it[0], it[1] * it[2] if it[0] else 0.0, float(it[2]))
)


@pytest.fixture(scope="module")
def published(public_data: Path) -> pa.Table:
    """The summary that Fader, Hardie and Lee fitted, its times rounded to two digits."""
    with (public_data / "cdnow" / "cdnow_customers_summary.csv").open(encoding="ascii") as lines:
        rows = [(int(it["frequency"]), float(it["recency"]), float(it["T"])) for it in csv.DictReader(lines)]
    return make_histories(rows)


def test_cdnow_has_the_published_parameters(published: pa.Table) -> None:
    model = fit_purchases(count_histories(published))
    assert [round(it, 3) for it in (model.r, model.alpha, model.a, model.b)] == [0.243, 4.414, 0.793, 2.426]
    assert round(model.log_likelihood, 2) == -9582.43
    assert (model.customers, model.starts_agreeing) == (2357, 1.0)


def test_cdnow_has_the_published_expectations(published: pa.Table) -> None:
    model = fit_purchases(count_histories(published))
    first = published.slice(0, 1)
    assert round(float(expect_purchases(model, first, weeks=39)[0]), 3) == 1.226
    assert round(float(mean_purchases(model, [52.0])[0]), 3) == 1.444


def test_cdnow_histories_are_the_published_ones(cdnow: pa.Table, published: pa.Table) -> None:
    assert cdnow[c.REPEAT_PURCHASES].to_pylist() == published[c.REPEAT_PURCHASES].to_pylist()
    for name in (c.RECENCY_WEEKS, c.AGE_WEEKS):
        np.testing.assert_allclose(cdnow[name].to_numpy(), published[name].to_numpy(), atol=0.00501)


def test_cdnow_forecast_is_within_five_percent_at_week_78(cdnow: pa.Table, cdnow_purchases: pa.Table) -> None:
    model = fit_purchases(count_histories(cdnow))
    ages = cdnow[c.AGE_WEEKS].to_numpy()
    later = purchase_histories(cdnow_purchases, until=OBSERVATION_END)
    actual = int(later[c.REPEAT_PURCHASES].to_numpy().sum())
    by_week_39 = int(cdnow[c.REPEAT_PURCHASES].to_numpy().sum())
    forecast = float(mean_purchases(model, ages + 39).sum())
    assert (actual, actual - by_week_39) == (4339, 1882)
    assert abs(forecast / actual - 1) < 0.05
    weeks_40_to_78 = float(expect_purchases(model, cdnow, weeks=39).sum())
    assert [round(it) for it in (forecast, forecast - float(mean_purchases(model, ages).sum()))] == [4161, 1667]
    assert round(weeks_40_to_78) == 1653


def test_cdnow_agrees_with_clvkit_to_a_millionth(published: pa.Table) -> None:
    clvkit, pd = pytest.importorskip("clvkit"), pytest.importorskip("pandas")
    names = {"frequency": c.REPEAT_PURCHASES, "recency": c.RECENCY_WEEKS, "T": c.AGE_WEEKS}
    frame = pd.DataFrame({name: published[column].to_numpy() for name, column in names.items()})
    end = pd.Timestamp("1997-09-30")
    base = clvkit.CustomerBase(
        frame, time_unit="W", collapse="D", observation_period_end=end, has_monetary=False, on_negative="net"
    )
    theirs = clvkit.BGNBD().fit(base)
    ours = fit_purchases(count_histories(published))
    assert 0 <= ours.log_likelihood - theirs.log_likelihood_ < 1e-6
    same = PurchaseModel(*theirs.params_.tolist())
    np.testing.assert_allclose(
        expect_purchases(same, published, weeks=39), theirs.predict(39.0).to_pandas().to_numpy().ravel(), rtol=1e-6
    )
    np.testing.assert_allclose(
        probability_alive(same, published), theirs.probability_alive().to_pandas().to_numpy().ravel(), rtol=1e-6
    )


def test_drawn_customers_give_their_parameters_back() -> None:
    drawn = purchase_histories(draw_purchases(20_000, 104, seed=3), until=OBSERVATION_END.replace(year=2024, month=12))
    model = fit_purchases(count_histories(drawn))
    fitted = np.array([model.r, model.alpha, model.a, model.b])
    assert np.all(np.abs(fitted - np.array([0.243, 4.414, 0.793, 2.426])) < 4 * np.array(model.standard_errors))


def test_standard_errors_are_those_of_the_bootstrap(cdnow: pa.Table) -> None:
    counts = count_histories(cdnow)
    model = fit_purchases(counts)
    drawn = draw_purchase_models(counts, model, draws=25, seed=1)
    spread = np.std([(it.r, it.alpha, it.a, it.b) for it in drawn], axis=0, ddof=1)
    np.testing.assert_allclose(spread, model.standard_errors, rtol=0.5)
    assert draw_purchase_models(counts, model, draws=2, seed=1) == drawn[:2]


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")  # of the reference, at its tolerance
@settings(max_examples=50)
@given(models, histories, st.floats(0.5, 260))
def test_the_expectation_is_the_integral_over_the_dropout_probability(
    model: PurchaseModel, history: tuple[int, float, float], weeks: float
) -> None:
    x, _, age = history
    stretch = weeks / (model.alpha + age)

    def bought(p: float) -> float:
        p = max(p, 1e-12)
        return float(-np.expm1(-(model.r + x) * np.log1p(p * stretch)) / p / whole)

    ends, whole = (model.a - 1, model.b + x - 1), beta(model.a, model.b + x)
    mean = quad(bought, 0, 1, weight="alg", wvar=ends, limit=500, epsabs=0, epsrel=1e-7)[0]
    rows = make_histories([history])
    expected = mean * probability_alive(model, rows)[0]
    np.testing.assert_allclose(expect_purchases(model, rows, weeks=weeks)[0], expected, rtol=1e-5, atol=1e-7)


@given(models, st.lists(histories, min_size=1, max_size=20), st.randoms())
def test_probability_and_expectation_of_a_customer_do_not_depend_on_the_others(
    model: PurchaseModel, rows: list[tuple[int, float, float]], random: object
) -> None:
    alone = [expect_purchases(model, make_histories([row]), weeks=52)[0] for row in rows]
    together = expect_purchases(model, make_histories(rows), weeks=52)
    np.testing.assert_allclose(together, alone, rtol=1e-8)
    alive = probability_alive(model, make_histories(rows))
    assert np.all((alive >= 0) & (alive <= 1))
    assert [p for p, row in zip(alive, rows, strict=True) if row[0] == 0] == [1.0] * sum(row[0] == 0 for row in rows)


@given(models, histories, st.floats(1, 100))
def test_a_longer_horizon_expects_more_purchases(
    model: PurchaseModel, history: tuple[int, float, float], weeks: float
) -> None:
    rows = make_histories([history])
    near, far = (float(expect_purchases(model, rows, weeks=it)[0]) for it in (weeks, weeks + 1))
    assert 0 <= near <= far


def test_the_expectation_has_no_gap_where_the_published_formula_divides_by_zero() -> None:
    rows = make_histories([(0, 0.0, 10.0), (3, 8.0, 10.0)])
    gaps = [PurchaseModel(0.5, 3.0, 1.0, 2.0), PurchaseModel(0.5, 3.0, 0.4, 0.6)]
    beside = [PurchaseModel(0.5, 3.0, 1.0001, 2.0), PurchaseModel(0.5, 3.0, 0.4, 0.6001)]
    for gap, near in zip(gaps, beside, strict=True):
        expected = expect_purchases(near, rows, weeks=52)
        np.testing.assert_allclose(expect_purchases(gap, rows, weeks=52), expected, rtol=1e-3)


def test_a_busy_customer_has_a_finite_expectation() -> None:
    rows = make_histories([(5_000, 155.99, 156.0)])
    assert round(float(expect_purchases(MODEL, rows, weeks=52)[0])) == 1_445
