"""A private folder for Spark's working files: blocks that were spilled, shuffles, temporary jars.

They hold what the tables hold. So each process has a folder that only its user may enter; Java removes it when it ends,
and what a killed process left is removed by the next one, which knows it by the lock that nobody holds any more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from cdp_spark.errors import StateError

PREFIX = "cdp-spark-"
_LOCK = ".held"
_ATTEMPTS = 3
_held: list[int] = []
"""Descriptors of the locks; they are open until the process ends."""


def make_working_folder(parent: Path) -> Path:
    """Make a folder that only this user may enter, and remove those of processes that are no more.

    Args:
        parent: where the folder is to be.

    Raises:
        StateError: nothing can be written there.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(parent)
        for _ in range(_ATTEMPTS):
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            if _hold(folder):
                return folder
    except OSError as error:
        fix = "free space there, or name another folder: spark.local.dir under `spark:` in project.yaml"
        raise StateError(f"Spark's working folder in {parent}", got=os.strerror(error.errno or 0), fix=fix) from error
    raise StateError(
        f"Spark's working folder in {parent}", got="folders that vanish at once", fix="name another folder"
    )


def remove_leftovers(parent: Path) -> None:
    """Remove this user's working folders that no process holds."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            is_own = folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            if is_own and _is_free(folder):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # another process removed it meanwhile


def _is_free(folder: Path) -> bool:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        folder.rmdir()  # refused where there is something in it
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _hold(folder: Path) -> bool:
    """Lock the folder for this process; False where another one took it for a leftover meanwhile."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    _held.append(lock)
    return (folder / _LOCK).exists()
