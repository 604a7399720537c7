"""Gamma-Gamma, lifetime value, tiers and intervals."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.insights.conftest import make_histories

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.insights.histories import count_histories
from cdp_spark.insights.lifetime import PurchaseModel, fit_purchases
from cdp_spark.insights.spend import SpendModel, expect_value, fit_spend
from cdp_spark.insights.value import (
    ModelPair,
    ValueTerms,
    bootstrap,
    find_borders,
    interval,
    lifetime_values,
    rank,
)

MODELS = ModelPair(PurchaseModel(0.243, 4.414, 0.793, 2.426), SpendModel(6.25, 3.74, 15.44))


def test_cdnow_has_the_published_spend_parameters(cdnow: pa.Table) -> None:
    model = fit_spend(cdnow)
    assert [round(it, 2) for it in (model.p, model.q, model.gamma)] == [6.25, 3.74, 15.44]
    assert model.customers == 946


def test_cdnow_values_agree_with_clvkit_to_a_millionth(cdnow: pa.Table) -> None:
    clvkit, pd = pytest.importorskip("clvkit"), pytest.importorskip("pandas")
    names = {"frequency": c.REPEAT_PURCHASES, "recency": c.RECENCY_WEEKS, "T": c.AGE_WEEKS}
    frame = pd.DataFrame({name: cdnow[column].to_numpy() for name, column in names.items()})
    frame["monetary_value"] = np.nan_to_num(cdnow[c.AVERAGE_VALUE].to_numpy())
    end = pd.Timestamp("1997-09-30")
    base = clvkit.CustomerBase(
        frame, time_unit="W", collapse="D", observation_period_end=end, has_monetary=True, on_negative="net"
    )
    theirs = clvkit.CLV(check_independence=False).fit(base)
    weekly = 1.15 ** (7 / 365.25) - 1
    expected = theirs.predict(horizon=52, discount_rate=weekly).to_pandas()
    spend = theirs.monetary_model
    models = ModelPair(
        PurchaseModel(*theirs.transaction_model.params_.tolist()), SpendModel(spend.p, spend.q, spend.gamma)
    )
    values = lifetime_values(cdnow, models, ValueTerms(weeks=52, yearly_discount=0.15))
    for ours, name in ((c.EXPECTED_PURCHASES, "expected_purchases"), (c.LIFETIME_VALUE, "clv")):
        np.testing.assert_allclose(values[ours].to_numpy(), expected[name].to_numpy(), rtol=1e-6)
    np.testing.assert_allclose(
        fit_spend(cdnow).log_likelihood,
        spend._log_likelihood(spend.p, spend.q, spend.gamma, *spend._repeat_buyers(base)),
        rtol=1e-9,
    )


def test_an_average_is_drawn_to_the_mean_of_all_the_more_the_fewer_purchases_it_rests_on() -> None:
    values = expect_value(MODELS.spend, make_histories([(0, 0.0, 9.0), (1, 1.0, 9.0), (100, 8.0, 9.0)], value=100.0))
    mean = 6.25 * 15.44 / 2.74
    np.testing.assert_allclose(values, [mean, 6.25 * 115.44 / 8.99, 6.25 * 10_015.44 / 627.74])


def test_lifetime_value_is_discounted_purchases_times_value_times_margin() -> None:
    rows = make_histories([(2, 30.43, 38.86), (0, 0.0, 38.86)])
    plain = lifetime_values(rows, MODELS, ValueTerms(weeks=39, yearly_discount=0.0))
    assert plain[c.UNIFIED_ID].to_pylist() == ["000000", "000001"]
    assert [round(it, 3) for it in plain[c.EXPECTED_PURCHASES].to_pylist()] == [1.226, 0.195]
    assert [round(it, 3) for it in plain[c.PROBABILITY_ALIVE].to_pylist()] == [0.727, 1.0]
    product = plain[c.EXPECTED_PURCHASES].to_numpy() * plain[c.EXPECTED_VALUE].to_numpy()
    np.testing.assert_allclose(plain[c.LIFETIME_VALUE].to_numpy(), product)
    half = lifetime_values(rows, MODELS, ValueTerms(weeks=39, yearly_discount=0.0, margin=0.5))
    np.testing.assert_allclose(half[c.LIFETIME_VALUE].to_numpy(), product / 2)
    later = lifetime_values(rows, MODELS, ValueTerms(weeks=39, yearly_discount=0.1))[c.LIFETIME_VALUE].to_numpy()
    assert np.all((later < product) & (later > product / 1.1 ** (39 * 7 / 365.25)))


def test_terms_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"got weeks 0, yearly_discount 0\.1, margin 1"):
        ValueTerms(weeks=0)


def test_too_few_repeat_buyers_are_refused() -> None:
    with pytest.raises(DataError, match="got 2 customers with a repeat purchase above zero; allowed: at least 50"):
        fit_spend(make_histories([(1, 1.0, 9.0), (3, 2.0, 9.0), (0, 0.0, 9.0)]))


def test_tiers_hold_their_share_of_the_customers() -> None:
    values = np.arange(200.0)
    borders = find_borders(values)
    tiers = rank(values, borders)["tier"].to_numpy()
    assert [int((tiers == tier).sum()) for tier in (1, 5, 10, 25, 50, 100)] == [2, 8, 10, 30, 50, 100]
    ranks = rank(np.array([199.0, 190.0, 180.5, 179.0, 0.0]), borders)
    assert {name: its.to_pylist() for name, its in ranks.items()} == {
        "tier": [1, 5, 10, 25, 100],
        "decile": [1, 1, 1, 2, 10],
    }
    assert np.bincount(rank(values, borders)["decile"].to_numpy()).tolist() == [0, *[20] * 10]


@given(st.lists(st.integers(0, 20).map(float), min_size=1, max_size=60))
def test_equal_values_share_a_tier_and_no_tier_holds_more_than_its_share(values: list[float]) -> None:
    ranks = rank(np.array(values), find_borders(np.array(values)))
    found = ranks["tier"].to_pylist()
    for tier in (1, 5, 10, 25, 50):
        assert sum(it <= tier for it in found) <= len(values) * tier // 100
    for value, tier in zip(values, found, strict=True):
        as_good = sum(it >= value for it in values)
        assert tier == min(it for it in (1, 5, 10, 25, 50, 100) if as_good <= len(values) * it // 100)
    for value, decile in zip(values, ranks["decile"].to_pylist(), strict=True):
        as_good = sum(it >= value for it in values)
        assert decile == min(it for it in range(1, 11) if as_good <= len(values) * it // 10)


def test_an_interval_is_between_the_percentiles_of_the_drawn_models() -> None:
    drawn = [ModelPair(PurchaseModel(float(it), 1.0, 1.0, 1.0), MODELS.spend) for it in range(101)]
    low, high = interval(drawn, lambda it: np.array([it.purchases.r, it.spend.q]), confidence=0.9)
    np.testing.assert_allclose([low, high], [[5.0, 3.74], [95.0, 3.74]])


def test_the_bootstrap_draws_both_models_by_its_seed(cdnow: pa.Table) -> None:
    models = ModelPair(fit_purchases(count_histories(cdnow)), fit_spend(cdnow))
    drawn = bootstrap(cdnow, models, draws=3, seed=5)
    assert bootstrap(cdnow, models, draws=1, seed=5) == drawn[:1]
    assert len({it.purchases.r for it in drawn}) == len({it.spend.q for it in drawn}) == 3
    for it in drawn:
        assert abs(it.purchases.r - models.purchases.r) < 4 * models.purchases.standard_errors[0]
        assert abs(it.spend.q - models.spend.q) < 4 * models.spend.standard_errors[1]
