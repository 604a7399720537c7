"""Rows of `experiment_assignments`, and what they are settled from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.config.experiments import CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

DRAWN, IMPORTED = "drawn", "imported"
MERGED, CLOSED, DROPPED = "merged", "closed", "dropped"
CLAIMED_BY, CLAIM, HOME = "claimed_by", "claim", "home"
OWN, HEIR, PART = "own", "heir", "part"
"""Claims: of the id's own row, of one that was merged into it, of one that it was split from. Of a row that its own id
does not claim any more, `claim` is the reason, and nobody claims it."""

_TIME = pa.timestamp("us", "UTC")
ASSIGNMENTS = pa.schema(
    [
        *((name, pa.string()) for name in (c.EXPERIMENT, c.UNIFIED_ID, c.ARM, c.UNIT_ID)),
        (c.ASSIGNED_AT, _TIME),
        (c.RELEASE, pa.int64()),
        *((name, pa.string()) for name in (c.ORIGIN, c.SPLIT)),
        (c.ENDED_AT, _TIME),
        (c.END_REASON, pa.string()),
    ]
)
CLAIMS = pa.schema([*ASSIGNMENTS, (CLAIMED_BY, pa.string()), (CLAIM, pa.string())])
CANDIDATES = pa.schema([*((name, pa.string()) for name in (c.EXPERIMENT, c.UNIFIED_ID, c.ARM)), (c.ASSIGNED_AT, _TIME)])
"""Who takes part; arm and time are null for who is to be drawn."""


class Assignment(NamedTuple):
    """A row of `experiment_assignments`."""

    experiment: str
    unified_id: str
    arm: str
    unit_id: str
    assigned_at: datetime
    release: int
    origin: str
    split: str
    ended_at: datetime | None = None
    end_reason: str | None = None

    @property
    def precedence(self) -> tuple[bool, datetime, str]:
        """The smallest of several counts: control, else the oldest."""
        return self.arm != CONTROL, self.assigned_at, self.unified_id


def rows_of(table: pa.Table) -> list[Assignment]:
    """The rows of a table that has at least the columns of `experiment_assignments`."""
    columns = [table[name].to_pylist() for name in ASSIGNMENTS.names]
    return [Assignment(*values) for values in zip(*columns, strict=True)]


def table_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Put rows into a table."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
