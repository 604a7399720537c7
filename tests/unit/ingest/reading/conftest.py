from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.reading import Reading, open_source

Rows = list[tuple[dict[str, str] | None, str | None, str | None]]


def rows_of(reading: Reading) -> Rows:
    """All rows as (row without its nulls, raw text, reason)."""
    rows: Rows = []
    for batch in reading.batches():
        for row in batch.rows.to_pylist():
            rows.append(({name: value for name, value in row.items() if value is not None}, None, None))
        rows += [(None, row["raw_text"], row["reason"]) for row in batch.rejected.to_pylist()]
    return rows


@pytest.fixture
def read(tmp_path: Path) -> Callable[[SourceConfig], Rows | None]:
    """A source's rows in an order of their own; None where nothing is there."""

    def read_rows(source: SourceConfig) -> Rows | None:
        reading = open_source(source, folder=str(tmp_path))
        return None if reading is None else rows_of(reading)

    return read_rows
