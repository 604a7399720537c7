"""A Delta log as its folder shows it: that it goes on without a gap, and no commit is empty."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.tables.manifest.manifest import damaged_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\..*parquet")


class Log(NamedTuple):
    """A log without a gap.

    Args:
        newest: version.
        sizes: of the commits by version, in bytes; older ones may have been cleaned up.
    """

    newest: int
    sizes: Mapping[int, int]

    def size_until(self, version: int, *, first: int | None = None) -> tuple[int, int] | None:
        """Return the first of the commits that lead without a gap to a version, and the size of all; None without it.

        Args:
            version: the last commit.
            first: the commit to begin with; None begins with the oldest.
        """
        if first is None:
            first = version
            while first - 1 in self.sizes:
                first -= 1
        counted = [self.sizes.get(it) for it in range(first, version + 1)]
        return None if not counted or None in counted else (first, sum(it for it in counted if it is not None))


def read_log(name: str, folder: Path) -> Log | None:
    """Read the names and sizes of a table's commits; None where there is no log.

    delta-rs reads an empty commit file as a commit that did nothing, and a log without its last files as an older one.

    Args:
        name: of the table.
        folder: of the table.

    Raises:
        StateError: a commit is empty or missing.
    """
    sizes, kept = _read_names(folder / "_delta_log")
    if not sizes and not kept:
        return None
    first = max(kept, default=-1)
    newest = max((*sizes, first))
    lost = [version for version in range(first + 1, newest + 1) if not sizes.get(version)]
    if lost:
        raise damaged_table(name, f"a log without its commit {lost[0]}")
    return Log(newest, sizes)


def _read_names(log: Path) -> tuple[dict[int, int], list[int]]:
    """Sizes of the commits by version, and the versions that have a checkpoint."""
    sizes: dict[int, int] = {}
    kept: list[int] = []
    try:
        with os.scandir(log) as entries:
            for entry in entries:
                if commit := _COMMIT.fullmatch(entry.name):
                    sizes[int(commit[1])] = entry.stat().st_size
                elif checkpoint := _CHECKPOINT.fullmatch(entry.name):
                    kept.append(int(checkpoint[1]))
    except (FileNotFoundError, NotADirectoryError):
        pass
    return sizes, kept
