"""sBG: the published example of regular and high-end customers, and what holds for any parameters."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.insights.contracts import ContractModel, fit_contracts, remaining_periods, retention, survival

# Fader & Hardie 2007, table 1: percent of a cohort that are customers after so many years; the first seven are fitted.
REGULAR = (100.0, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3)
HIGH_END = (100.0, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4)
models = st.builds(ContractModel, alpha=st.floats(0.05, 20), beta=st.floats(0.05, 20))


def cohort(percent: tuple[float, ...]) -> pa.Table:
    """A cohort of 1,000, observed for seven years."""
    alive = np.round(np.array(percent[:8]) * 10)
    return pa.table(
        {
            c.PERIODS: [1, 2, 3, 4, 5, 6, 7, 7],
            c.ENDED: [True] * 7 + [False],
            c.CUSTOMERS: [*(alive[:-1] - alive[1:]).astype(int).tolist(), int(alive[-1])],
        }
    )


@pytest.mark.parametrize(
    ("percent", "alpha", "beta", "log_likelihood"),
    [(REGULAR, 0.704, 1.182, -1680.3), (HIGH_END, 0.668, 3.806, -1611.2)],
    ids=["regular", "high end"],
)
def test_the_published_cohorts_have_the_published_parameters(
    percent: tuple[float, ...], alpha: float, beta: float, log_likelihood: float
) -> None:
    model = fit_contracts(cohort(percent))
    assert (round(model.alpha, 3), round(model.beta, 3), model.contracts) == (alpha, beta, 1000)
    assert round(model.log_likelihood, 1) == log_likelihood


@pytest.mark.parametrize(("percent", "within"), [(REGULAR, 0.8), (HIGH_END, 1.9)], ids=["regular", "high end"])
def test_the_five_years_after_are_forecast(percent: tuple[float, ...], within: float) -> None:
    model = fit_contracts(cohort(percent))
    forecast = 100 * survival(model, np.arange(13.0))
    assert np.abs(forecast - percent).max() < within
    np.testing.assert_allclose(retention(model, np.arange(1.0, 13)), forecast[1:] / forecast[:-1])


@given(models, st.integers(0, 30))
def test_those_who_renewed_more_often_stay_longer(model: ContractModel, renewals: int) -> None:
    fewer, more = remaining_periods(model, np.array([renewals, renewals + 1.0]), horizon=60)
    assert 0 <= fewer <= more <= 60


@given(models)
def test_the_remaining_periods_of_a_new_contract_are_the_sum_of_the_survival_curve(model: ContractModel) -> None:
    expected = survival(model, np.arange(1.0, 41)).sum()
    np.testing.assert_allclose(remaining_periods(model, np.zeros(1), horizon=40)[0], expected, rtol=1e-9)


def test_discount_lowers_the_remaining_periods() -> None:
    model = ContractModel(1.0, 1.0)
    np.testing.assert_allclose(remaining_periods(model, np.array([0.0, 2.0, 0.0]), horizon=2), [5 / 6, 1.35, 5 / 6])
    np.testing.assert_allclose(remaining_periods(model, np.zeros(1), horizon=2, discount=1.0), [1 / 4 + 1 / 12])


def test_too_few_contracts_are_refused() -> None:
    rows = pa.table({c.PERIODS: [1, 2], c.ENDED: [False, False], c.CUSTOMERS: [4, 5]})
    with pytest.raises(DataError) as refused:
        fit_contracts(rows)
    assert str(refused.value) == (
        "contract model: There is too little history. The model needs at least 50 contracts (there are 9), 3 periods "
        "of the oldest (there are 2), 1 contract that ended. Load older contracts, or wait."
    )
