"""Recency, frequency, monetary: scores from 1 to 5 and a named group for each customer.

1. `rfm_cuts` finds, from all customers, the values that part them into fifths. It can be made on the driver from the
   three columns alone.
2. `score_rfm` scores any batch of customers by the cuts, and names their groups.

Ties: a customer's score is one more than the number of whole fifths of the customers who are strictly worse. So equal
values have equal scores whatever the order of rows, and the worst value has score 1. Where many customers are equal
(two thirds bought once), the next score is left out rather than drawn by lot.

Groups follow the usual grid of recency and frequency scores; the monetary score stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark import columns as c

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.insights.likelihood import Floats

SCORES = 5
_GRID = (
    # frequency 1          2                      3                      4           5            recency
    ("hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"),  # 1
    ("hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"),  # 2
    ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),  # 3
    ("promising", "potential_loyalists", "potential_loyalists", "loyal", "loyal"),  # 4
    ("new", "potential_loyalists", "potential_loyalists", "champions", "champions"),  # 5
)
RFM = pa.schema(
    [
        (c.RECENCY_SCORE, pa.int8()),
        (c.FREQUENCY_SCORE, pa.int8()),
        (c.MONETARY_SCORE, pa.int8()),
        (c.RFM_GROUP, pa.string()),
    ]
)
"""Columns that `score_rfm` adds; 5 is best."""


@dataclass(frozen=True)
class RfmCuts:
    """Values that part all customers into fifths; a customer's score is one more than the cuts they are better than.

    Args:
        recency: in days, negative: the later, the better.
        frequency: purchases.
        monetary: value of all purchases.
    """

    recency: tuple[float, ...]
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]


def rfm_cuts(customers: pa.Table) -> RfmCuts:
    """Find the cuts.

    Args:
        customers: all of them in any order, one row each, with `recency_days` (since the last purchase), `purchases`
            and `value` (of all purchases); none null.
    """
    return RfmCuts(*(_cuts(values) for values in _measures(customers)))


def score_rfm(customers: pa.Table, cuts: RfmCuts) -> pa.Table:
    """Score customers and name their groups.

    Args:
        customers: any batch, as for `rfm_cuts`.
        cuts: of all customers.
    Returns: the batch with the columns of RFM.
    """
    limits = (cuts.recency, cuts.frequency, cuts.monetary)
    scores = [_scores(values, limit) for values, limit in zip(_measures(customers), limits, strict=True)]
    cells = np.array(_GRID)[scores[0] - 1, scores[1] - 1]
    for name, values in zip(RFM.names, [*scores, cells], strict=True):
        customers = customers.append_column(RFM.field(name), pa.array(values, type=RFM.field(name).type))
    return customers


def _measures(customers: pa.Table) -> tuple[Floats, Floats, Floats]:
    recency, purchases, value = (customers[it].to_numpy() for it in (c.RECENCY_DAYS, c.PURCHASES, c.VALUE))
    return -recency.astype(np.float64), purchases.astype(np.float64), value.astype(np.float64)


def _cuts(values: Floats) -> tuple[float, ...]:
    rising = np.sort(values)
    places = [-(-len(rising) * fifth // SCORES) - 1 for fifth in range(1, SCORES)]
    return tuple(float(rising[place]) for place in places) if len(rising) else ()


def _scores(values: Floats, cuts: tuple[float, ...]) -> NDArray[np.int64]:
    return 1 + np.searchsorted(np.array(cuts), values, side="left")
