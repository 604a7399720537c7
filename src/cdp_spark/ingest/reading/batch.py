"""What every format's reader returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import pyarrow as pa

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Format = Literal["csv", "json", "parquet", "xlsx"]
MAX_ROWS = 50_000
"""Rows of a batch: enough for its columns' distinct values to be few, and small beside the memory of a task."""
REJECTED = pa.schema([(c.RAW_TEXT, pa.string()), (c.REASON, pa.string()), (c.LINE, pa.int64())])


class Refused(NamedTuple):
    """A row that cannot be read.

    Args:
        text: as delivered.
        reason: why.
        line: of its file, counted from 1, in which a quote opens that is not closed; None for other reasons.
    """

    text: str
    reason: str
    line: int | None = None


@dataclass(frozen=True)
class ReadBatch:
    """Rows of a file, in no order that means anything.

    Args:
        rows: the readable ones, text by column name; of JSON the union of the batch's fields.
        rejected: raw_text, reason and line of the others.
        source_file: URI of the file.
    """

    rows: pa.Table
    rejected: pa.Table
    source_file: str


@dataclass(frozen=True)
class Reading:
    """Files that were found, and how to read them.

    Args:
        columns: column to type, as headers or schemas declare them; None for JSON, whose rows name their own.
        parts: each reads a file, or a range of its bytes; they may run anywhere where the files are.
        size_bytes: of all files, unpacked as far as one can tell.
        notes: how the files are written, where that was found out, in words for whoever gave them.
    """

    columns: Mapping[str, str] | None
    parts: tuple[Callable[[], Iterator[ReadBatch]], ...] = field(repr=False)
    size_bytes: int = 0
    notes: tuple[str, ...] = ()

    def batches(self) -> Iterator[ReadBatch]:
        """Read all files, from the beginning at every call.

        Raises:
            DataError: a file cannot be unpacked or read.
        """
        for read in self.parts:
            yield from read()


def rejected_table(rejected: Iterable[Refused]) -> pa.Table:
    """Put refused rows into Arrow memory."""
    columns = zip(*rejected, strict=True) if (rejected := list(rejected)) else ((), (), ())
    return pa.table([pa.array(it, field.type) for it, field in zip(columns, REJECTED, strict=True)], schema=REJECTED)


def split_batches(rows: pa.Table, rejected: list[Refused], source_file: str) -> Iterator[ReadBatch]:
    """Cut rows into batches of at most `MAX_ROWS`; nothing where there are none."""
    for start in range(0, max(rows.num_rows, 1), MAX_ROWS):
        refused = rejected_table(rejected if start == 0 else [])
        batch = ReadBatch(rows.slice(start, MAX_ROWS), refused, source_file)
        if batch.rows.num_rows or batch.rejected.num_rows:
            yield batch
