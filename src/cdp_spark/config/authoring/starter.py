"""The projects that `cdp init` writes: a small starter, a web shop, a business that sells to companies.

A template is a folder beside this module. Its examples are dated as of one day; they are moved to the day on which the
project is written, so that what a segment asks of the last 30 days is there.
"""

from __future__ import annotations

import re
import uuid
from datetime import date, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal, get_args

from cdp_spark.errors import ConfigError

Template = Literal["starter", "webshop", "b2b"]

_NAME = "my_project"
_NAMESPACE = "00000000-0000-0000-0000-000000000000"
_DATA, _SOURCES = "data", "sources"
_DATED = date(2026, 2, 1)
"""Today, as the examples' times have it."""
_DAYS = re.compile(r"(?P<iso>\d{4}-\d{2}-\d{2})(?=T)|(?P<german>\b\d{2}\.\d{2}\.\d{4}\b)")
_GERMAN = "%d.%m.%Y"


def write_starter(
    folder: Path, template: Template = "starter", *, with_data: bool = True, today: date = _DATED
) -> list[Path]:
    """Write a commented project that validates and, with its example data, runs as it is.

    Args:
        folder: where to; made if it is not there. The project takes its name.
        template: what the project is for.
        with_data: False leaves the examples' files out, and keeps the sources that describe them.
        today: the day that the examples' times lead up to.
    Returns: the files written.
    Raises: ConfigError: the folder is not empty, or cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            got, allowed = "a folder that is not empty", "an empty or new folder"
            raise ConfigError(str(folder), got=got, allowed=allowed, fix="name another one; nothing was written")
        return _write(folder, template, with_data=with_data, today=today)
    except OSError as error:
        got = (error.strerror or "an unwritable folder").lower()
        raise ConfigError(str(folder), got=got, allowed="a folder that can be written") from None


def _write(folder: Path, template: Template, *, with_data: bool, today: date) -> list[Path]:
    """Copy the template, with a name and a namespace of its own."""
    written = []
    for name, text in _texts(template).items():
        is_example = name.startswith(f"{_DATA}/")
        if is_example and not with_data:
            continue
        if name == "project.yaml":
            own = text.replace(_NAME, _project_name(folder)).replace(_NAMESPACE, str(uuid.uuid4()))
        elif is_example and template != "starter":  # whose times lie around that day
            own = _moved(text, today - _DATED)
        else:
            own = text
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(own, encoding="utf-8")
        written.append(path)
    return written


def example_sources(folder: Path) -> list[Path]:
    """List the sources of a project that describe a template's made-up files and that nobody has changed.

    Those of the small starter are left out: its segment needs them.
    """
    of_templates = {
        (name, text)
        for template in get_args(Template)
        if template != "starter"
        for name, text in _texts(template).items()
    }
    present = sorted((folder / _SOURCES).glob("*.yaml"))
    return [path for path in present if (f"{_SOURCES}/{path.name}", path.read_text(encoding="utf-8")) in of_templates]


def _texts(template: Template) -> dict[str, str]:
    """The template's files by their path in the project, in its order."""
    with as_file(files("cdp_spark.config.authoring") / f"{template}_project") as place:
        paths = sorted(path for path in place.rglob("*") if path.is_file())
        return {path.relative_to(place).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def _moved(text: str, by: timedelta) -> str:
    def day(found: re.Match[str]) -> str:
        if found["iso"]:
            return (date.fromisoformat(found["iso"]) + by).isoformat()
        return (datetime.strptime(found["german"], _GERMAN).date() + by).strftime(_GERMAN)  # noqa: DTZ007 - a day

    return _DAYS.sub(day, text)


def _project_name(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower()).strip("_")
    return name[:63] if re.match(r"[a-z]", name) else _NAME
