from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cdp_spark import columns as c
from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.deliveries import read_deliveries

Rows = list[tuple[dict[str, str] | None, str | None, str | None]]


@pytest.fixture
def read(make_context: Callable[..., Any]) -> Callable[[SourceConfig], Rows | None]:
    """A source's rows as (row, raw text, reason), in no order of their own; None where nothing is there."""

    def read_rows(source: SourceConfig) -> Rows | None:
        context = make_context(source)
        delivery = read_deliveries(context.store.spark, context.project.sources, folder=context.project.folder)[
            source.name
        ]
        if delivery is None:
            return None
        rows = delivery.rows.select(c.ROW, c.RAW_TEXT, c.REASON).collect()
        return [(row[c.ROW], row[c.RAW_TEXT], row[c.REASON]) for row in rows]

    return read_rows
