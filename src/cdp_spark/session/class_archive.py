"""Java's archive of the classes that Spark loads: with one, a local session and its first queries take a quarter less.

Java checks that an archive fits its version and class path, and goes on without one that does not.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark

if TYPE_CHECKING:
    from collections.abc import Mapping

_SILENT = "-Xlog:cds*=off"


def archive_path(java: str, jars: Mapping[str, str]) -> Path:
    """Where the archive of this Java, this PySpark and these jars is kept: `$XDG_CACHE_HOME` or `~/.cache`.

    Args:
        java: path of the Java program.
        jars: Spark settings that name jars.
    """
    program = Path(java).resolve()
    facts = [str(program), str(program.stat().st_mtime_ns), str(pyspark.__file__), *sorted(jars.values())]
    name = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cdp-spark" / f"classes-{name}.jsa"


def reading_options(java: str, jars: Mapping[str, str]) -> list[str]:
    """Java's options to read the archive; none where it was not made."""
    path = archive_path(java, jars)
    return [f'"-XX:SharedArchiveFile={path}"', _SILENT] if path.is_file() else []


def writing_options(path: Path) -> list[str]:
    """Java's options to write the archive when it ends."""
    return [f'"-XX:ArchiveClassesAtExit={path}"', _SILENT]
