"""The starter project of `cdp init`."""

from __future__ import annotations

import re
import uuid
from importlib.resources import as_file, files
from pathlib import Path

from cdp_spark.errors import ConfigError

_NAME = "my_project"
_NAMESPACE = "00000000-0000-0000-0000-000000000000"


def write_starter(folder: Path) -> list[Path]:
    """Write a small commented project that validates and runs as it is.

    Args:
        folder: where to; made if it is not there. The project takes its name.
    Returns: the files written.
    Raises: ConfigError: the folder is not empty, or cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            got, allowed = "a folder that is not empty", "an empty or new folder"
            raise ConfigError(str(folder), got=got, allowed=allowed, fix="name another one; nothing was written")
        return _write(folder)
    except OSError as error:
        got = (error.strerror or "an unwritable folder").lower()
        raise ConfigError(str(folder), got=got, allowed="a folder that can be written") from None


def _write(folder: Path) -> list[Path]:
    """Copy the template, with a name and a namespace of its own."""
    written = []
    with as_file(files("cdp_spark.config.authoring") / "starter_project") as template:
        for source in sorted(path for path in template.rglob("*") if path.is_file()):
            text = source.read_text(encoding="utf-8")
            if source.name == "project.yaml":
                text = text.replace(_NAME, _project_name(folder)).replace(_NAMESPACE, str(uuid.uuid4()))
            path = folder / source.relative_to(template)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _project_name(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower()).strip("_")
    return name[:63] if re.match(r"[a-z]", name) else _NAME
