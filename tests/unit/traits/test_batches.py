"""Which events a filter lets through; no Spark."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from cdp_spark.config.traits.definitions import EventFilter
from cdp_spark.config.traits.model import EventCondition
from cdp_spark.traits.batches import Events

LINE = pa.struct([("category", pa.string()), ("value", pa.decimal128(18, 4))])
LINES: list[list[dict[str, object]] | None] = [
    [{"category": "shoes", "value": 5}, {"category": "hats", "value": 30}],
    [{"category": "hats", "value": None}],
    None,
    [],
    [{"category": None, "value": 40}, {"category": "shoes", "value": 10}],
]


@pytest.mark.parametrize(
    ("condition", "passing"),
    [
        (EventCondition(column="lines.category", any_of=("shoes",)), [0, 4]),
        (EventCondition(column="lines.category", none_of=("shoes",)), [0, 1]),
        (EventCondition(column="lines.value", at_least=30, below=40), [0]),
    ],
)
def test_a_condition_on_lines_is_met_by_an_order_with_a_line_that_meets_it(
    condition: EventCondition, passing: list[int]
) -> None:
    times = pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * len(LINES), pa.timestamp("us", "UTC"))
    rows = pa.record_batch({"occurred_at_utc": times, "lines": pa.array(LINES, pa.list_(LINE))})
    events = Events(rows, np.zeros(len(LINES), np.int64), 2_000_000_000_000_000, {})
    assert np.flatnonzero(events.passing(EventFilter(where=(condition,)))).tolist() == passing
