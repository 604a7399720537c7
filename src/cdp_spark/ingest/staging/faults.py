"""What stops a delivery from being read, carried among its staged rows: all sources' faults are told at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.errors import CdpError, DataError
from cdp_spark.ingest.staging.rows import STAGED, stage_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdp_spark.ingest.reading import ReadBatch
    from cdp_spark.ingest.staging.rows import Staging

FAULT = "cannot_be_read"
"""The reason of a row that stands for a delivery, or a part of it; a run with one writes nothing."""


def stage_delivery(batches: Iterable[ReadBatch], staging: Staging) -> Iterator[pa.Table]:
    """Stage a delivery batch by batch; what stops the reading becomes the last row.

    Args:
        batches: of the delivery.
        staging: the source and its settings.
    Returns: tables of the columns of `STAGED`.
    """
    try:
        for batch in batches:
            yield stage_batch(batch, staging)
    except CdpError as error:
        text = json.dumps([error.where, error.got, error.allowed, error.fix])
        row = {c.SOURCE: staging.source.name, c.REASON: FAULT, c.RAW_TEXT: text, c.TIME_ISSUE: False}
        yield pa.Table.from_pylist([row], STAGED)


def read_fault(text: str) -> DataError:
    """Return the error that a fault's row carries in its text."""
    where, got, allowed, fix = json.loads(text)
    return DataError(where, got=got, allowed=allowed, fix=fix)
