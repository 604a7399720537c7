"""What customers will be worth: expected purchases times expected value, discounted, and who is worth most.

Lifetime value is that of a horizon from the day of the histories on (residual lifetime value; Fader, Hardie & Lee
2005, "RFM and CLV"): the sum over its weeks of the expected purchases of the week, discounted from the week's end,
times the expected value of a purchase and the margin.

1. `lifetime_values` works on any batch of histories under fitted models.
2. `find_borders` finds from all customers' values where tiers and deciles begin; `rank` applies it to
   any batch.
3. `bootstrap` refits the models to resampled customers; `interval` turns the draws into an interval of anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError
from cdp_spark.insights.histories import count_histories
from cdp_spark.insights.lifetime import (
    PurchaseModel,
    discounted_purchases,
    draw_purchase_models,
    expect_purchases,
    probability_alive,
)
from cdp_spark.insights.spend import SpendModel, draw_spend_models, expect_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from cdp_spark.insights.likelihood import Floats

VALUES = pa.schema(
    [
        (c.UNIFIED_ID, pa.string()),
        (c.PROBABILITY_ALIVE, pa.float64()),
        (c.EXPECTED_PURCHASES, pa.float64()),
        (c.EXPECTED_VALUE, pa.float64()),
        (c.LIFETIME_VALUE, pa.float64()),
    ]
)
"""One row a customer: purchases within the horizon, the value of one, and both together, discounted."""
TIERS = (1, 5, 10, 25, 50)
REST = 100
"""The tier of everybody below the last one."""
_SHARES = {c.TIER: TIERS, c.DECILE: tuple(range(10, 100, 10))}
"""Of each rank, the shares of the best in per cent at which the next one begins."""
_WEEKS_PER_YEAR = 365.25 / 7


@dataclass(frozen=True)
class ValueTerms:
    """What lifetime value means in a project.

    Args:
        weeks: horizon, whole weeks.
        yearly_discount: 0.1 means that a year from now 1.10 is worth 1 today.
        margin: share of a purchase's value that counts.
    Raises: ConfigError: a value is out of range.
    """

    weeks: int = 52
    yearly_discount: float = 0.1
    margin: float = 1.0

    def __post_init__(self) -> None:
        if self.weeks < 1 or self.yearly_discount <= -1 or self.margin <= 0:
            raise ConfigError(
                "lifetime value",
                got=f"weeks {self.weeks}, yearly_discount {self.yearly_discount}, margin {self.margin}",
                allowed="weeks from 1, yearly_discount above -1, margin above 0",
            )


@dataclass(frozen=True)
class ModelPair:
    """The models of purchases and of spend that belong together."""

    purchases: PurchaseModel
    spend: SpendModel


def lifetime_values(histories: pa.Table, models: ModelPair, terms: ValueTerms) -> pa.Table:
    """Work out each customer's lifetime value.

    Args:
        histories: HISTORIES, any batch in any order.
        models: fitted on all customers.
        terms: horizon, discount and margin.
    Returns: VALUES, in the order of the histories.
    """
    ends = np.arange(1.0, terms.weeks + 1)
    discounts = (1 + terms.yearly_discount) ** (-ends / _WEEKS_PER_YEAR)
    discounted = discounted_purchases(models.purchases, histories, weeks=ends.tolist(), discounts=discounts.tolist())
    value = expect_value(models.spend, histories)
    columns = [
        histories[c.UNIFIED_ID],
        probability_alive(models.purchases, histories),
        expect_purchases(models.purchases, histories, weeks=terms.weeks),
        value,
        terms.margin * value * discounted,
    ]
    return pa.table(dict(zip(VALUES.names, columns, strict=True))).cast(VALUES)


def find_borders(values: Floats) -> dict[str, list[float | None]]:
    """Find the value that each tier and decile begins above; None where it holds all.

    Equal values are in one rank, and no rank holds more customers than its share: those that would not all fit are in
    the rank below.

    Args:
        values: of all customers, in any order.
    """
    falling = np.sort(values)[::-1].tolist()
    return {name: [_nth(falling, len(falling) * share // 100) for share in shares] for name, shares in _SHARES.items()}


def _nth(falling: list[float], place: int) -> float | None:
    return falling[place] if place < len(falling) else None


def rank(values: Floats, borders: Mapping[str, Sequence[float | None]]) -> dict[str, pa.Array]:
    """Rank values by tier (1, 5, 10, 25 or 50 for the top so many per cent, 100 for the rest) and decile (1 to 10).

    Args:
        values: of any customers.
        borders: as `find_borders` found them.
    Returns: the columns `tier` and `decile`.
    """
    tier, decile = (_place(values, borders[name]) for name in (c.TIER, c.DECILE))
    names = np.array([*TIERS, REST], np.int32)
    return {c.TIER: pa.array(names[tier]), c.DECILE: pa.array((1 + decile).astype(np.int32))}


def _place(values: Floats, borders: Sequence[float | None]) -> NDArray[np.int64]:
    """How many ranks are above the one that each value is in."""
    rising = np.array([-np.inf if it is None else it for it in reversed(borders)])
    return len(borders) - np.searchsorted(rising, values, side="left")


def bootstrap(histories: pa.Table, models: ModelPair, *, draws: int = 200, seed: int = 0) -> list[ModelPair]:
    """Refit both models to resampled customers.

    Args:
        histories: that the models were fitted on.
        models: where the searches start.
        draws: how many.
        seed: same seed and histories, same draws.
    """
    counts = count_histories(histories)
    purchases = draw_purchase_models(counts, models.purchases, draws=draws, seed=seed)
    spend = draw_spend_models(histories, models.spend, draws=draws, seed=seed)
    return [ModelPair(*pair) for pair in zip(purchases, spend, strict=True)]


def interval(
    drawn: Sequence[ModelPair], statistic: Callable[[ModelPair], Floats | float], *, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the percentiles between which a statistic of the models lies.

    It says how sure the models are, not how much a single customer varies.

    Args:
        drawn: as `bootstrap` makes them.
        statistic: a parameter, a total, or an array such as each customer's value.
        confidence: share of the draws inside.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.array([statistic(models) for models in drawn]), [tail, 1 - tail], axis=0)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
