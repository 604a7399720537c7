"""Recency, frequency and monetary scores as traits, of what all customers' purchases come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.traits.definitions import RFM_GROUP, RFM_LAST, RFM_PURCHASES, RFM_SCORES, RFM_VALUE
from cdp_spark.insights.rfm import rfm_cuts, score_rfm
from cdp_spark.traits.batches import DAY_US
from cdp_spark.traits.finish import TRAIT_VALUES, value_rows

if TYPE_CHECKING:
    from datetime import datetime

RFM_MEASURES = (RFM_LAST, RFM_PURCHASES, RFM_VALUE)
"""Traits that the scores are made from."""
RFM_SCORED = (*RFM_SCORES, RFM_GROUP)


def score_customers(values: pa.Table, definition_hash: str, *, as_of: datetime) -> pa.Table:
    """Score all customers.

    Args:
        values: unified_id, trait and value of the traits of RFM_MEASURES, of all people in any order.
        definition_hash: of the scores.
        as_of: the run's clock; it moves all recencies alike, and no score.
    Returns: rows of TRAIT_VALUES: four for each person with a purchase.
    """
    customers = _customers(values, as_of)
    if not customers.num_rows:
        return TRAIT_VALUES.empty_table()
    scored = score_rfm(customers, rfm_cuts(customers))
    kinds = ("number", "number", "number", "text")
    scores = (c.RECENCY_SCORE, c.FREQUENCY_SCORE, c.MONETARY_SCORE, c.RFM_GROUP)
    types = (pa.float64(), pa.float64(), pa.float64(), pa.string())
    return pa.concat_tables(
        value_rows(definition_hash, trait, kind, scored[c.UNIFIED_ID], scored[score].cast(as_type))
        for trait, kind, score, as_type in zip(RFM_SCORED, kinds, scores, types, strict=True)
    )


def _customers(values: pa.Table, as_of: datetime) -> pa.Table:
    """One row for each person with a purchase, by id."""
    last, purchases, spent = (values.filter(pc.equal(values[c.TRAIT], name)) for name in RFM_MEASURES)
    last = last.sort_by(c.UNIFIED_ID)
    ids = last[c.UNIFIED_ID].combine_chunks()
    age = (int(as_of.timestamp()) * 1_000_000 - last[c.VALUE_TIME].cast(pa.int64()).to_numpy()) / DAY_US
    return pa.table(
        {
            c.UNIFIED_ID: ids,
            c.RECENCY_DAYS: pa.array(age),
            c.PURCHASES: pa.array(_numbers_of(purchases, ids)),
            c.VALUE: pa.array(_numbers_of(spent, ids)),
        }
    )


def _numbers_of(rows: pa.Table, ids: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    places = pc.index_in(ids, value_set=rows[c.UNIFIED_ID].combine_chunks())
    found = rows[c.VALUE_NUMBER].combine_chunks().take(places)
    return np.asarray(pc.fill_null(found, 0.0).to_numpy(zero_copy_only=False), np.float64)
