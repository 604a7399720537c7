"""A lock file, for a warehouse that is a folder of this machine: the kernel frees it with the process."""

from __future__ import annotations

import errno
import fcntl
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TextIO

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
    """A locked file that names its holder."""

    file: TextIO
    holder: Holder

    def announce(self, run_id: str) -> None:
        """Write the run's id into the file."""
        self.file.seek(0)
        self.file.truncate()
        json.dump(asdict(self.holder.named(run_id)), self.file)
        self.file.flush()

    def check(self) -> None:
        """Do nothing: the kernel takes no lock away."""


@contextmanager
def hold_file(folder: Path) -> Iterator[FileLock]:
    """Lock `folder/_lock` until the block or the process ends.

    Raises:
        StateError: another process holds it.
        UnsupportedError: the file system cannot lock files.
    """
    with (folder / LOCK_FILE).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _read_holder(file).refusal(str(folder)) from None
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                raise UnsupportedError from error
            raise
        lock = FileLock(file, Holder.this_process())
        lock.announce(lock.holder.run_id)
        yield lock


def _read_holder(file: TextIO) -> Holder:
    file.seek(0)
    text = file.read()
    return Holder(**json.loads(text)) if text else Holder("starting", "this machine", 0, "a moment ago")
