"""The first lines of text files on this machine, read without a job: for small files that job takes longest."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import unquote

from cdp_spark.ingest.readers.heads import HEAD_LINES, LINE_BYTES, UTF8_MARK, FileHead
from cdp_spark.session import is_on_this_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

_LISTED, _NAMED = "file:///", "file:/"
"""How Spark begins the path of a local file when it lists files, and in the column `_metadata.file_path`."""
_PLAIN = frozenset({".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson"})
_GZIP = ".gz"


def read_local_heads(text: DataFrame) -> tuple[FileHead, ...] | None:
    """Read the first lines of a source's files, if all of them are here, and are plain text or gzip by their names.

    Args:
        text: as `spark.read.text` returns it.

    Returns:
        The heads ordered by path, just as a job would read them; None where one has to.
    """
    if not is_on_this_machine(text.sparkSession):
        return None
    listed = text.inputFiles()
    if not all(_is_simple(uri) for uri in listed):
        return None
    try:
        heads = {_named(uri): _read_head(_path(uri)) for uri in listed}
    except (OSError, EOFError, zlib.error):  # the job says in Spark's words what is wrong
        return None
    return tuple(
        FileHead(path, head.removeprefix(UTF8_MARK)) for path, head in sorted(heads.items()) if head is not None
    )


def _is_simple(uri: str) -> bool:
    return uri.startswith(_LISTED) and PurePath(uri).suffix in {*_PLAIN, _GZIP}


def _named(uri: str) -> str:
    return _NAMED + uri.removeprefix(_LISTED)


def _path(uri: str) -> Path:
    return Path("/", unquote(uri.removeprefix(_LISTED)))


def _read_head(path: Path) -> bytes | None:
    """The first lines' bytes; None of a file without a byte."""
    with (
        cast("BinaryIO", gzip.open(path) if path.suffix == _GZIP else path.open("rb")) as file,
        io.TextIOWrapper(file, encoding="latin-1") as text,
    ):
        _skip_mark(file)
        lines = list(_first_lines(text))
    return "\n".join(lines).encode("latin-1") if lines else None


def _skip_mark(file: BinaryIO) -> None:
    if file.read(len(UTF8_MARK)) != UTF8_MARK:
        file.seek(0)


def _first_lines(text: io.TextIOWrapper) -> Iterator[str]:
    r"""Lines that end in \n, \r or \r\n, as Hadoop's do; of a longer one the first bytes."""
    for _ in range(HEAD_LINES):
        line = text.readline(LINE_BYTES)
        if not line:
            return
        yield line.removesuffix("\n")
        while line and not line.endswith("\n"):
            line = text.readline(LINE_BYTES)
