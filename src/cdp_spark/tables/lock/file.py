"""A lock file, for a warehouse that is a folder of this machine: the kernel frees it with the process."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TextIO

from cdp_spark.errors import StateError
from cdp_spark.tables.lock.holder import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_FILE = "_lock"
_UNSUPPORTED = {errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL}


class UnsupportedError(Exception):
    """The file system cannot lock files."""


@dataclass(frozen=True)
class FileLock:
    """A locked file that names its holder.

    Args:
        file: open as long as the lock is held.
        path: where it is.
        holder: this process.
    """

    file: TextIO
    path: Path
    holder: Holder

    def announce(self, run_id: str) -> None:
        """Write the run's id into the file."""
        self.file.seek(0)
        self.file.truncate()
        json.dump(asdict(self.holder.named(run_id)), self.file)
        self.file.flush()

    def check(self) -> None:
        """Raise when the file is no longer there: the kernel takes no lock away, but another run locks another file.

        Raises:
            StateError: the file was removed or replaced.
        """
        try:
            there = self.path.lstat()
        except OSError:
            there = None
        if there is None or not os.path.samestat(there, os.fstat(self.file.fileno())):
            fix = "start again when no other run is at work: the run continues where it stopped"
            raise StateError(str(self.path), got="a lock that vanished while this run held it", fix=fix)


@contextmanager
def hold_file(folder: Path) -> Iterator[FileLock]:
    """Lock `folder/_lock` until the block or the process ends.

    Raises:
        StateError: another process holds it, or something else is in its place.
        UnsupportedError: the file system cannot lock files.
    """
    path = folder / LOCK_FILE
    with _open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refusal(file, folder) from None
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                raise UnsupportedError from error
            raise
        lock = FileLock(file, path, Holder.this_process())
        lock.announce(lock.holder.run_id)
        yield lock


def _open(path: Path) -> TextIO:
    """Open a file that is one by itself, not another one by a link, and not a pipe that would keep this run waiting."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise _not_a_lock(path) from None
        fix = "check that this user may write there, and that the disk is not full"
        raise StateError(str(path), got=os.strerror(error.errno or 0), allowed="a file to lock", fix=fix) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        raise _not_a_lock(path)
    return os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace")


def _not_a_lock(path: Path) -> StateError:
    fix = f"find out who put it there; if no run is at work, remove it: rm -r {path}"
    return StateError(str(path), got="a link, a folder or a pipe", allowed="a plain file, the lock of a run", fix=fix)


def _refusal(file: TextIO, folder: Path) -> StateError:
    file.seek(0)
    text = file.read()
    try:
        holder = Holder(**json.loads(text)) if text else Holder("starting", "this machine", 0, "a moment ago")
    except (ValueError, TypeError):
        path = folder / LOCK_FILE
        fix = f"wait for it to end, or find it with `fuser {path}` and stop it"
        return StateError(str(path), got="a lock that another process holds and that names no run", fix=fix)
    return holder.refusal(str(folder))
