"""Where destinations write: apart from each other, from the tables and sources, and in no folder of the system."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cdp_spark.config.destination import FileDestination
from cdp_spark.config.load.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.config.checks.files import ProjectFiles
    from cdp_spark.errors import ConfigError

_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):(?P<rest>.*)", re.I | re.S)
_SAME_SCHEMES = {"s3": "s3a", "s3n": "s3a", "wasb": "wasbs", "abfs": "abfss"}
_SYSTEM = tuple(
    PurePosixPath(path)
    for path in (
        *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr"),
        *("/var/lib", "/var/log", "/var/run", "/var/spool", "/System", "/Library", "/private/etc"),
    )
)


@dataclass(frozen=True)
class Place:
    """A folder, to be compared with others.

    Args:
        store: scheme and host of a URI; empty for this machine's file system.
        path: without links, `.` and `..`.
    """

    store: str
    path: PurePosixPath

    def is_in(self, other: Place) -> bool:
        """Whether this is the other folder or below it."""
        return self.store == other.store and self.path.is_relative_to(other.path)


def place_of(text: str, folder: Path) -> Place:
    """Find the folder that a path or URI of a project means.

    Args:
        text: as written; a relative path is below the project's folder.
        folder: of the project.
    """
    uri = _SCHEME.fullmatch(text)
    if uri is None:
        return Place("", PurePosixPath((folder / text).resolve()))
    scheme, rest = uri["scheme"].lower(), uri["rest"]
    host, slash, path = rest.removeprefix("//").partition("/") if rest.startswith("//") else ("", "/", rest.lstrip("/"))
    if scheme == "file":
        return Place("", PurePosixPath(Path(f"/{path}").resolve()))
    return Place(f"{_SAME_SCHEMES.get(scheme, scheme)}://{host.lower()}", _normal(PurePosixPath(slash + path)))


def _normal(path: PurePosixPath) -> PurePosixPath:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts[1:] = parts[1:-1]
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def place_mistakes(files: ProjectFiles, folder: Path, env: Mapping[str, str]) -> Iterator[ConfigError]:
    """Find destinations that write where something else is.

    Args:
        files: of the project.
        folder: of the project.
        env: where `${NAME}` comes from.
    """
    if files.destinations is None:
        return
    taken = _taken(files, folder, env)
    for index, destination in enumerate(files.destinations.value.destinations):
        if not isinstance(destination, FileDestination):
            continue
        place = _find(destination.path, folder, env)
        if place is None:
            continue
        problem = _problem(place, taken) or _outside(place, folder, allowed=destination.outside_project)
        if problem is not None:
            got, allowed, fix = problem
            yield files.destinations.mistake("destinations", index, "path", got=got, allowed=allowed, fix=fix)
        taken[f"the folder of destination '{destination.name}'"] = place


def _taken(files: ProjectFiles, folder: Path, env: Mapping[str, str]) -> dict[str, Place]:
    """What is in which folder, by what an error calls it."""
    paths = {f"the folder of source '{each.value.name}'": each.value.path for each in files.sources}
    if files.settings is not None:
        paths["the warehouse"] = files.settings.value.warehouse.path
    places = {what: _find(path, folder, env) for what, path in paths.items() if path is not None}
    return {what: place for what, place in places.items() if place is not None}


def _find(path: str, folder: Path, env: Mapping[str, str]) -> Place | None:
    """The place of a path, None where it names a variable that is not set, which is a mistake of its own."""
    try:
        return place_of(str(reveal(path, env)), folder)
    except (KeyError, ValueError):
        return None


def _problem(place: Place, taken: Mapping[str, Place]) -> tuple[str, str, str] | None:
    """What is wrong with a destination's place: got, allowed, fix."""
    if place.store == "" and (place.path == PurePosixPath("/") or any(map(place.path.is_relative_to, _SYSTEM))):
        return "a folder of the system", "a folder for exports", "write to a folder of the project"
    for what, other in taken.items():
        if place.is_in(other):
            where = what if place == other else f"a folder in {what}"
            return where, "a folder of its own", "give the destination another path"
        if other.is_in(place) and not what.startswith("the folder of source"):
            return f"a folder around {what}", "a folder of its own", "give the destination another path"
    return None


def _outside(place: Place, folder: Path, *, allowed: bool) -> tuple[str, str, str] | None:
    if allowed or place.store or place.is_in(Place("", PurePosixPath(folder.resolve()))):
        return None
    fix = "write `outside_project: true` beside it if it is meant"
    return "a folder outside the project's", "a folder in the project's", fix
