"""Trouble that the machine or an engine makes, told as one sentence: a full disk, no right to write, too little memory.

Spark, delta-rs and Arrow raise errors of many classes with texts that may print a row's values. What is told of them is
the kind of the trouble, the file where Python knows it, and the engine's own name of the error; never the text.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from cdp_spark.errors import CdpError, StateError
from cdp_spark.session.remote import GONE, is_gone
from cdp_spark.tables.failures import condition_of, is_permission
from cdp_spark.tables.manifest.manifest import damaged_table

if TYPE_CHECKING:
    from collections.abc import Iterator

_AGAIN = "then start again: a run continues where it stopped"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_ENGINES = ("pyspark", "grpc", "py4j", "pyarrow", "deltalake", "delta", "duckdb", "_internal")
_SAYING_FULL = ("No space left on device", "os error 28", "Disk quota exceeded")
_SIGNS = (
    (GONE, "a Spark Connect server that does not answer, or has ended the session", "check that the server runs"),
    (_SAYING_FULL, "a full disk", "free space"),
    (("OutOfMemoryError", "Out of Memory"), "too little memory", "give more by spark.driver.memory under `spark:`"),
    (
        ("ModuleNotFoundError",),
        "Python workers that lack a package which this program needs",
        "install cdp-spark with its dependencies where Spark's workers run",
    ),
    (
        ("Answer from Java side is empty", "Connection refused"),
        "a Java process that ended",
        "check the machine's memory",
    ),
    (
        (
            "FileNotFoundException",
            "FAILED_READ_FILE",
            "PATH_NOT_FOUND",
            "No such file",
            "magic bytes",
            "not a Parquet file",
        ),
        "a file that is missing or broken",
        "restore it from a backup, or go back with `cdp rollback`",
    ),
)

_DAMAGE = re.compile(
    r"FileNotFoundException|FAILED_READ_FILE|CANNOT_READ_FILE_FOOTER|not a Parquet file|DELTA_(?:FILE_NOT_FOUND"
    r"|LOG_FILE_NOT_FOUND|STATE_RECOVER_ERROR|TRUNCATED_TRANSACTION_LOG|VERSIONS_NOT_CONTIGUOUS|MISSING_TRANSACTION_LOG)"
)
"""How Spark and Delta say that a table's log or one of its files is gone or damaged."""
_OF_TABLE = re.compile(r"/(\w+)/(?:_delta_log\b|[^/\s]+\.parquet)")


def explain(error: Exception, where: str) -> CdpError | None:
    """Say in one sentence what stopped some work; None for an error of this program, which is a defect.

    Args:
        error: that stopped it.
        where: what was at work, such as `stage ingest`.
    """
    for each in _chain(error):
        if isinstance(each, CdpError):
            return each
        if isinstance(each, MemoryError):
            return StateError(where, got="too little memory", fix=f"free memory, {_AGAIN}")
        if isinstance(each, OSError) and not isinstance(each, ConnectionError) and each.errno is not None:
            return _of_system(each, where)
    return _of_engine(error, where) if any(map(_is_engines, _chain(error))) else None


def is_session_lost(error: Exception) -> bool:
    """Tell whether the Connect server, or the session on it, has ended: nothing more can be done in this process."""
    return any(map(is_gone, _chain(error)))


def is_disk_full(error: Exception) -> bool:
    """Tell whether an error, or one that caused it, says that a disk is full."""
    for each in _chain(error):
        if isinstance(each, OSError) and each.errno in _FULL:
            return True
    return any(sign in str(each) for each in _chain(error) for sign in _SAYING_FULL)


def disk_full(where: str, file: str = "") -> StateError:
    """A disk is full."""
    return StateError(where, got=f"a full disk{file}", fix=f"free space, {_AGAIN}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what caused it."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _of_system(error: OSError, where: str) -> StateError:
    file = f" ({error.filename})" if error.filename else ""
    if error.errno in _FULL:
        return disk_full(where, file)
    if error.errno in _FORBIDDEN:
        return _forbidden(where, file)
    reason = os.strerror(error.errno or 0)
    return StateError(where, got=f"an error of the file system: {reason}{file}", fix=f"check that file, {_AGAIN}")


def _forbidden(where: str, what: str) -> StateError:
    return StateError(where, got=f"no right to use a file{what}", fix=f"let this user read and write it, {_AGAIN}")


def _is_engines(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in _ENGINES


def _of_engine(error: Exception, where: str) -> StateError:
    text = " ".join(str(each) for each in _chain(error))
    named = condition_of(error)
    if is_permission(text):
        return _forbidden(where, f" ({named})")
    table = _OF_TABLE.search(text) if _DAMAGE.search(text) else None
    if table is not None and _is_own(table[1]):
        return damaged_table(table[1], f"damage ({named})")
    for signs, got, fix in _SIGNS:
        if any(sign in text for sign in signs):
            return StateError(where, got=f"{got} ({named})", fix=f"{fix}, {_AGAIN}")
    return StateError(
        where, got=f"an engine that could not do it ({named})", fix="the same command with --debug shows why"
    )


def _is_own(name: str) -> bool:
    """Tell a table from a source, whose files may be damaged, too."""
    from cdp_spark.tables.catalog import TABLES  # noqa: PLC0415 - imports Spark

    return name in TABLES
