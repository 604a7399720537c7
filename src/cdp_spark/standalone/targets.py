"""Where `cdp resolve` may write, known before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES = (".csv", ".parquet")


def check_out(path: Path) -> None:
    """Refuse an output that could not be written, before anything is read.

    Raises:
        ConfigError: the suffix is unknown or the folder is not there.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError("--out", got=path.name, allowed=", ".join(f"a name in {suffix}" for suffix in _SUFFIXES))
    if not path.absolute().parent.is_dir():
        raise ConfigError("--out", got=f"no folder {path.parent}", fix="create it, or name a file in one that exists")
