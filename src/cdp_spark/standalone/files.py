"""Read files into this process as tables of texts, up to a limit of rows and memory."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from cdp_spark.errors import ConfigError, DataError
from cdp_spark.ingest.reading import open_files
from cdp_spark.limits import in_process_records, in_process_text_bytes
from cdp_spark.standalone.records import Texts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from cdp_spark.ingest.reading import Reading

Format = Literal["csv", "json", "parquet"]
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
_COMPRESSED = ".gz"


class TooLargeError(DataError):
    """Files hold more than this process can match; Spark can."""


@dataclass(frozen=True)
class Input:
    """A file to be read.

    Args:
        name: of the source.
        path: of the file.
        format: by its suffix.
        options: of the reader.
    """

    name: str
    path: Path
    format: Format
    options: dict[str, str]


@dataclass
class _Budget:
    """What this process may still hold; counted down as batches come in.

    Args:
        rows: left.
        text_bytes: left.
    """

    rows: int
    text_bytes: int

    def take(self, batch: pa.Table, where: str) -> None:
        """Count a batch.

        Raises:
            TooLargeError: it is one too many.
        """
        self.rows -= batch.num_rows
        self.text_bytes -= batch.nbytes
        if self.rows < 0 or self.text_bytes < 0:
            raise too_large(where)


def too_large(where: str) -> TooLargeError:
    """Say that files hold more than this process can match, and what to do."""
    return TooLargeError(
        where,
        got="more than this process can match",
        allowed=f"{in_process_records():,} rows and {in_process_text_bytes() / 2**20:,.0f} MiB of text on this machine",
        fix="install Spark (pip install 'cdp-spark[spark]', and Java 17 or newer) and run it again with --engine spark",
    )


def name_inputs(paths: Sequence[str]) -> list[Input]:
    """Name each file's source after it, and tell its format by its suffix.

    Raises:
        ConfigError: a suffix is unknown.
    """
    found: dict[str, Input] = {}
    for text in paths:
        path = Path(text)
        suffixes = [suffix.lower() for suffix in path.suffixes]
        suffix = next((it for it in reversed(suffixes) if it != _COMPRESSED), "")
        if suffix not in _FORMATS and suffixes[-1:] == [_COMPRESSED]:
            suffix = ".csv"
        if suffix not in _FORMATS:
            allowed = ", ".join((*_FORMATS, _COMPRESSED))
            raise ConfigError(f"input {text}", got=f"suffix {suffix!r}", allowed=allowed, fix="rename or convert it")
        stem = re.sub(r"[^a-z0-9]+", "_", path.name.split(".")[0].lower()).strip("_")
        name = _unused(stem if stem[:1].isalpha() else f"file_{stem}", found)
        found[name] = Input(name, path, _FORMATS[suffix], {"delimiter": "\t"} if suffix == ".tsv" else {})
    return list(found.values())


def read_inputs(inputs: Sequence[Input]) -> list[Texts]:
    """Read files whole.

    Raises:
        DataError: a file is missing, empty or cannot be read.
        TooLargeError: they hold more rows or bytes than this process may.
    """
    budget = _Budget(in_process_records(), in_process_text_bytes())
    return [_read(given, open_input(given), budget) for given in inputs]


def open_input(given: Input) -> Reading:
    """Open a file.

    Raises:
        DataError: nothing is there.
    """
    reading = open_files([given.path.absolute()], format=given.format, options=given.options)
    if reading is None:
        raise DataError(
            str(given.path), got="nothing there", allowed="a file with a header and rows", fix="check the path"
        )
    return reading


def _read(given: Input, reading: Reading, budget: _Budget) -> Texts:
    batches: list[pa.Table] = []
    rejected: Counter[str] = Counter()
    for batch in reading.batches():
        budget.take(batch.rows, str(given.path))
        batches.append(batch.rows)
        rejected.update(batch.rejected["reason"].to_pylist())
    declared = pa.schema([(name, pa.string()) for name in reading.columns or ()])
    rows = pa.concat_tables([declared.empty_table(), *batches], promote_options="default")
    return Texts(given.name, str(given.path), rows, rejected)


def _unused(name: str, taken: Collection[str]) -> str:
    candidates = [name, *(f"{name}_{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)
