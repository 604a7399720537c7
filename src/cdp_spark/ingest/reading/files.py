r"""The files of a source on this machine: found as Spark finds them, unpacked by their suffix or first bytes.

A path is a file, a folder or a glob (`*`, `?`, `[a-z]`, `{a,b}`, and `\` before a character that is meant itself). A
folder is its own files, without those below it; files that begin with `_` or `.` are left out. A zip holds one file.
What is left out is listed by `find_unread_files`.
"""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import lzma
import re
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import quote, unquote, urlparse

from cdp_spark.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cdp_spark.config.source import SourceConfig

FILE_FORMATS = ("csv", "json", "parquet")
"""Formats of sources that are read without Spark."""
FILE_OPTIONS = frozenset({"pathglobfilter", "recursivefilelookup", "modifiedbefore", "modifiedafter"})
UTF8_MARK = b"\xef\xbb\xbf"
Span = tuple[int, int | None]
"""Bytes of a file from the first line that begins in it to the last; an end of None is the file's."""
WHOLE: Span = (0, None)

_PACKED_OTHERWISE = frozenset({".zst", ".lz4", ".snappy", ".deflate", ".7z"})
_MARKS = {b"\x1f\x8b": ".gz", b"\xfd7zXZ": ".xz", b"PK\x03\x04": ".zip"}
"""First bytes of packed files."""
_UNPACKED_SIZE = 6
"""Times that text is larger than its packed file, about."""
_IN_URIS = "/:@!$&'()*+,;=~"
_GLOB = re.compile(r"[*?\[\]{}\\]")
_BROKEN_LINK, _NO_MATCH = "a link to nothing", "not matched by the path of any source"
_LEFT_BEHIND = re.compile(
    r"_SUCCESS|_temporary|_delta_log|_started_\w+|_committed_\w+|_(common_)?metadata|\..*\.crc"
    r"|\.DS_Store|__MACOSX|\.git(keep|ignore)?"
)
"""What Spark, version control and file managers leave in a folder."""
_ALTERNATIVES = re.compile(r"(?<!\\)\{([^{}]*)\}")


def local_path(path: str, folder: str) -> str | None:
    """Return a path on this machine, a relative one below the folder; None for one that is elsewhere."""
    scheme = urlparse(path).scheme if ":/" in path else ""
    if scheme == "file":
        return unquote(urlparse(path).path)
    if scheme:
        return None
    return path if path.startswith("/") else f"{folder.rstrip('/')}/{path}"


def place_of_files(source: SourceConfig, folder: str) -> str | None:
    """Return where the files of a source are on this machine; None for a source that only Spark reads."""
    if not source.path or source.format not in FILE_FORMATS:
        return None
    return local_path(source.path, folder)


def find_files(path: str, options: Mapping[str, str]) -> list[Path]:
    """List a source's files in order of their names.

    Args:
        path: file, folder or glob.
        options: `pathGlobFilter`, `recursiveFileLookup`, `modifiedBefore`, `modifiedAfter`, in any case; others are
            ignored.
    Returns: visible files only; none where nothing is there.
    """
    chosen = {name.lower(): value for name, value in options.items()}
    recursive = chosen.get("recursivefilelookup", "false").lower() == "true"
    found = {file for root in _expand(path) for file in _files_of(root, recursive=recursive)}
    return sorted(file for file in found if _is_chosen(file, chosen))


def find_unread_files(path: str, options: Mapping[str, str]) -> dict[Path, str]:
    """List what lies where a source's files are and is not read, with the reason; what the options exclude is not told.

    Args:
        path: file, folder or glob.
        options: as of `find_files`.
    Returns: nothing of what Spark and file managers leave behind, such as `_SUCCESS`.
    """
    recursive = {name.lower(): value for name, value in options.items()}.get("recursivefilelookup", "").lower()
    roots = _expand(path)
    if not roots and Path(path).is_symlink():
        return {Path(path): _BROKEN_LINK}
    found = {}
    for root in roots:
        for file, why in _unread_below(root, recursive=recursive == "true"):
            found[file] = why
    if roots and not Path(path).exists():
        beside = {file for folder in {root.parent for root in roots} for file in folder.iterdir()} - {*roots}
        strange = [file for file in beside if not file.is_dir() and not _LEFT_BEHIND.fullmatch(file.name)]
        found |= {file: _unread_reason(file) or _NO_MATCH for file in strange}
    return dict(sorted(found.items()))


def _unread_below(root: Path, *, recursive: bool, is_root: bool = True) -> Iterator[tuple[Path, str]]:
    if _LEFT_BEHIND.fullmatch(root.name):
        return
    if not root.is_dir() or (not is_root and _is_hidden(root.name)):
        why = _unread_reason(root)
        if why is not None:
            yield root, why
    elif is_root or recursive or "=" in root.name:
        for child in root.iterdir():
            yield from _unread_below(child, recursive=recursive, is_root=False)
    elif any(child.is_file() for child in root.iterdir()):
        yield root, "a folder below the source's"


def _unread_reason(file: Path) -> str | None:
    if file.is_symlink() and not file.exists():
        return _BROKEN_LINK
    if _is_hidden(file.name):
        return "hidden: the name begins with . or _"
    if not file.is_file():
        return "not a regular file"
    return None if file.stat().st_size else "empty"


def file_uri(file: Path) -> str:
    """Return a file's URI as Spark's column `_metadata.file_path` spells it."""
    return f"file:{quote(str(file.absolute()), safe=_IN_URIS)}"


def open_bytes(file: Path) -> BinaryIO:
    """Open a file for reading, unpacked where it is packed.

    Raises:
        DataError: a zip holds another number of files than one.
    """
    opened = _PACKED[packing](file) if (packing := packing_of(file)) else file.open("rb")
    return cast("BinaryIO", opened)


def is_packed(file: Path) -> bool:
    """Tell whether a file is packed, so that it can only be read from its beginning."""
    return packing_of(file) is not None


def packing_of(file: Path) -> str | None:
    """Return the suffix of a file's packing, by its first bytes, or else by its own suffix; None for a plain file."""
    with file.open("rb") as opened:
        head = opened.read(max(map(len, _MARKS)))
    shown = next((packing for mark, packing in _MARKS.items() if head.startswith(mark)), None)
    return shown or (file.suffix if file.suffix in _PACKED else None)


def unpacked_size(file: Path) -> int:
    """Return a file's size in bytes, estimated where it is packed."""
    return file.stat().st_size * (_UNPACKED_SIZE if is_packed(file) else 1)


def read_blocks(file: Path, block_bytes: int, span: Span = WHOLE) -> Iterator[bytes]:
    """Read a file, or the lines that begin in a span of it, block by block, without UTF-8's mark at the beginning.

    Raises:
        DataError: the file cannot be read or unpacked.
    """
    if file.suffix in _PACKED_OTHERWISE:
        allowed = ", ".join(_PACKED)
        raise DataError(f"file {file}", got=f"a file packed as {file.suffix}", allowed=allowed, fix="unpack it")
    try:
        with open_bytes(file) as opened:
            yield from _blocks(opened, block_bytes, *span)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> DataError:
    packing = _TOLD.get(file.suffix, "zip" if isinstance(error, zipfile.BadZipFile) else "")
    packing = "" if isinstance(error, PermissionError) else packing
    if not packing:
        return DataError(
            f"file {file}", got=f"a file that cannot be read ({type(error).__name__})", fix="check the file"
        )
    how = "that ends too early" if isinstance(error, EOFError) else "that is damaged, or no such file at all"
    fix = "have it delivered again; an upload may have been cut off, or not have been finished yet"
    return DataError(f"file {file}", got=f"a {packing} file {how}", fix=fix)


def _open_zip(file: Path) -> object:
    with zipfile.ZipFile(file) as archive:
        held = [it for it in archive.infolist() if not (it.is_dir() or _is_by_the_way(it.filename))]
        if len(held) != 1:
            names = ", ".join(it.filename for it in held[:5])
            fix = "unpack it and name the files, or save what it holds as .csv or .xlsx"
            raise DataError(f"file {file}", got=f"a zip of {len(held)} files ({names})", allowed="one file", fix=fix)
        if held[0].flag_bits & _ENCRYPTED:
            raise DataError(f"file {file}", got="a zip with a password", fix="unpack it and name the file in it")
        return archive.open(held[0])


def _is_by_the_way(name: str) -> bool:
    """Tell whether a file of a zip is a note of the system that packed it."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


_PACKED: dict[str, Callable[[Path], object]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zip": _open_zip,
}
_ENCRYPTED = 1
_TOLD = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip", ".xlsx": "workbook (.xlsx)"}


def _blocks(opened: BinaryIO, block_bytes: int, start: int, end: int | None) -> Iterator[bytes]:
    if start:
        opened.seek(start - 1)
        opened.readline()
    else:
        yield opened.read(max(block_bytes, len(UTF8_MARK)) if end is None else end).removeprefix(UTF8_MARK)
    while end is None or opened.tell() < end:
        block = opened.read(block_bytes if end is None else min(block_bytes, end - opened.tell()))
        if not block:
            return
        yield block
    if start < end and not _ends_a_line(opened):
        yield opened.readline()


def _ends_a_line(opened: BinaryIO) -> bool:
    if opened.tell() == 0:
        return True
    opened.seek(-1, 1)
    return opened.read(1) == b"\n"


def _expand(path: str) -> list[Path]:
    if Path(path).exists() or not _GLOB.search(path):
        return [Path(path)] if Path(path).exists() else []
    alternatives = _ALTERNATIVES.search(path)
    if alternatives:
        start, end = alternatives.span()
        return [root for part in alternatives[1].split(",") for root in _expand(path[:start] + part + path[end:])]
    roots = [Path("/") if path.startswith("/") else Path()]
    for part in filter(None, path.split("/")):
        roots = [found for root in roots for found in _matches(root, part)]
    return roots


def _matches(folder: Path, part: str) -> list[Path]:
    plain = re.sub(r"\\(.)", r"\1", part)
    if not _GLOB.search(re.sub(r"\\.", "", part)):
        return [folder / plain] if (folder / plain).exists() else []
    pattern = re.compile(fnmatch.translate(re.sub(r"\\(.)", r"[\1]", part)))
    return [child for child in folder.iterdir() if pattern.match(child.name)] if folder.is_dir() else []


def _files_of(root: Path, *, recursive: bool) -> Iterator[Path]:
    if not root.is_dir():
        if root.is_file() and not _is_hidden(root.name):
            yield root
        return
    for child in root.iterdir():
        if _is_hidden(child.name):
            continue
        if child.is_file():
            yield child
        elif recursive or "=" in child.name:  # the folder of a partition
            yield from _files_of(child, recursive=recursive)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _is_chosen(file: Path, options: Mapping[str, str]) -> bool:
    if not fnmatch.fnmatchcase(file.name, options.get("pathglobfilter", "*")):
        return False
    modified = file.stat().st_mtime
    before, after = (_moment(options.get(name), name) for name in ("modifiedbefore", "modifiedafter"))
    return (before is None or modified < before) and (after is None or modified > after)


def _moment(text: str | None, option: str) -> float | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"options.{option}", got=repr(text), allowed="a time such as 2026-01-31T00:00:00") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
