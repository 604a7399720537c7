"""Purchases and histories for the tests of insights; CDNOW's where the public data sets are."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from cdp_spark import columns as c
from cdp_spark.insights.histories import purchase_histories

CALIBRATION_END, OBSERVATION_END = date(1997, 9, 30), date(1998, 6, 30)


@pytest.fixture(scope="session")
def cdnow_purchases(public_data: Path) -> pa.Table:
    lines = (public_data / "cdnow" / "CDNOW_sample.txt").read_text(encoding="ascii").splitlines()
    rows = [line.split() for line in lines if line.strip()]
    table = pa.table(
        {
            c.UNIFIED_ID: [row[1] for row in rows],
            c.DAY: [date(int(row[2][:4]), int(row[2][4:6]), int(row[2][6:])) for row in rows],
            c.VALUE: [float(row[4]) for row in rows],
        }
    )
    return table.sort_by([(c.UNIFIED_ID, "ascending"), (c.DAY, "ascending")])


@pytest.fixture(scope="session")
def cdnow(cdnow_purchases: pa.Table) -> pa.Table:
    """Histories of the calibration period, 39 weeks."""
    return purchase_histories(cdnow_purchases, until=CALIBRATION_END)


def make_histories(rows: list[tuple[int, float, float]], *, value: float = 10.0) -> pa.Table:
    """Histories of (repeat purchases, recency, age), all purchases worth the same."""
    x = [row[0] for row in rows]
    return pa.table(
        {
            c.UNIFIED_ID: [f"{number:06}" for number in range(len(rows))],
            c.FIRST_PURCHASE_DAY: [date(2024, 1, 1) - timedelta(weeks=row[2]) for row in rows],
            c.REPEAT_PURCHASES: pa.array(x, pa.int32()),
            c.RECENCY_WEEKS: pa.array([row[1] for row in rows], pa.float64()),
            c.AGE_WEEKS: pa.array([row[2] for row in rows], pa.float64()),
            c.VALUED_PURCHASES: pa.array(x, pa.int32()),
            c.AVERAGE_VALUE: pa.array([value if it else None for it in x], pa.float64()),
        }
    )
