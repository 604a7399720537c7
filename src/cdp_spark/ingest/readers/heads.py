"""The first lines of every text file of a delivery, as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import Column, DataFrame

HEAD_LINES = 20
LINE_BYTES = 65_536
UTF8_MARK = b"\xef\xbb\xbf"
_HEAD_SCHEMA = "source string, source_file string, head binary"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class FileHead:
    """The first lines of a file.

    Args:
        path: as the column `_metadata.file_path` spells it.
        text: the first lines' bytes, without the mark that UTF-8 files may begin with.
    """

    path: str
    text: bytes


def read_heads(texts: Mapping[str, DataFrame]) -> dict[str, tuple[FileHead, ...]]:
    """Read the first lines of all files of all sources in one job; a file without a byte has no head.

    Args:
        texts: source to its files, as `spark.read.text` returns them.

    Returns:
        Source to its files' heads, ordered by path.
    """
    if not texts:
        return {}
    first_blocks = [_first_blocks(source, text) for source, text in sorted(texts.items())]
    heads = reduce(lambda left, right: left.unionAll(right), first_blocks).mapInArrow(_take_heads, _HEAD_SCHEMA)
    found: dict[str, list[FileHead]] = {source: [] for source in texts}
    for row in heads.orderBy(c.SOURCE, c.SOURCE_FILE).collect():
        found[row[c.SOURCE]].append(FileHead(row[c.SOURCE_FILE], bytes(row["head"]).removeprefix(UTF8_MARK)))
    return {source: tuple(files) for source, files in found.items()}


def refuse_utf16(source: str, heads: tuple[FileHead, ...]) -> None:
    """Refuse a delivery that holds UTF-16.

    Args:
        source: its name, for the error.
        heads: the files' first lines.

    Raises:
        DataError: a file begins with a UTF-16 mark, or a third of its first lines is zero bytes.
    """
    wide = [head for head in heads if _is_utf16(head.text)]
    if wide:
        raise DataError(
            f"source {source}",
            got=f"UTF-16 text in {len(wide)} of {len(heads)} file(s), the first is {wide[0].path}",
            allowed="UTF-8, or an 8-bit encoding named in options.encoding",
            fix="convert the file (iconv -f UTF-16 -t UTF-8) or have the source export UTF-8",
        )


def _is_utf16(text: bytes) -> bool:
    return text.startswith(_UTF16_MARKS) or text.count(0) * 3 > len(text)


def _first_blocks(source: str, text: DataFrame) -> DataFrame:
    metadata = F.col("_metadata")
    return text.where(metadata["file_block_start"] == 0).select(
        F.lit(source).alias(c.SOURCE),
        metadata["file_path"].alias(c.SOURCE_FILE),
        _bytes_expr(F.col("value")).alias("head"),
    )


def _bytes_expr(value: Column) -> Column:
    return F.substring(value.cast("binary"), 1, LINE_BYTES)


def _take_heads(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    current: tuple[str, str] | None = None
    lines: list[bytes] = []
    for batch in batches:
        for source, path, line in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if (source, path) != current:
                if current is not None:
                    yield _head_batch(current, lines)
                current, lines = (source, path), []
            if len(lines) < HEAD_LINES:
                lines.append(line)
    if current is not None:
        yield _head_batch(current, lines)


def _head_batch(file: tuple[str, str], lines: list[bytes]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {"source": [file[0]], "source_file": [file[1]], "head": pa.array([b"\n".join(lines)], pa.binary())}
    )
