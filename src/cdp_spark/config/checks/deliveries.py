"""Destinations that take rows: where they are, that no two are one, and that what sends to them is installed."""

from __future__ import annotations

from base64 import b64decode
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cdp_spark.config.destination import (
    DrtDestination,
    HttpDestination,
    PostgresDestination,
    SlackDestination,
    WebhookDestination,
)
from cdp_spark.config.load.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.config.checks.files import ProjectFiles
    from cdp_spark.config.destination import OnlineDestination
    from cdp_spark.errors import ConfigError

_PACKAGES = {"webhook": ("httpx", "standardwebhooks"), "slack": ("httpx",), "postgres": ("psycopg",)}


def delivery_mistakes(files: ProjectFiles, env: Mapping[str, str]) -> Iterator[ConfigError]:
    """Find destinations of rows that cannot be sent to.

    Args:
        files: of the project.
        env: where `${NAME}` comes from.
    """
    if files.destinations is None:
        return
    config, tables = files.destinations.value, dict[tuple[str, str], str]()
    for index, destination in enumerate(config.destinations):
        if destination not in config.rows or isinstance(destination, DrtDestination):
            continue
        for at, got, allowed, fix in _problems(destination, env):
            yield files.destinations.mistake("destinations", index, at, got=got, allowed=allowed, fix=fix)
        if isinstance(destination, PostgresDestination):
            other = tables.setdefault((destination.url, destination.table), destination.name)
            if other != destination.name:
                got, fix = f"the table of destination '{other}'", "give each destination a table of its own"
                yield files.destinations.mistake("destinations", index, "table", got=got, fix=fix)


def _problems(destination: OnlineDestination, env: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    missing = [name for name in _PACKAGES[destination.kind] if find_spec(name) is None]
    if missing:
        fix = "install the extra: pip install 'cdp-spark[activation]'"
        yield "kind", f"{destination.kind}, for which {' and '.join(missing)} must be installed", "", fix
    if isinstance(destination, WebhookDestination) and not _is_key(destination, env):
        got, fix = "a secret that is not base64", "take the secret that the receiver made, such as whsec_…"
        yield "secret", got, "base64, with or without whsec_", fix
    schemes = _schemes(destination)
    for place, url in _urls(destination):
        try:
            parts = urlsplit(str(reveal(url, env)))
        except (KeyError, ValueError):
            continue  # a variable that is not set is a mistake of its own
        if parts.scheme not in schemes or not parts.hostname:
            allowed = " or ".join(f"{scheme}://…" for scheme in schemes)
            yield place, "another kind of URL", allowed, "write the whole URL"


def _urls(destination: OnlineDestination) -> Iterator[tuple[str, str]]:
    """The URLs that a destination is sent to, each with its key."""
    yield "url", destination.url
    if isinstance(destination, SlackDestination):
        yield from (("routes", route.url) for route in destination.routes.values() if route.url)


def _is_key(destination: WebhookDestination, env: Mapping[str, str]) -> bool:
    try:
        return bool(b64decode(str(reveal(destination.secret, env)).removeprefix("whsec_"), validate=True))
    except KeyError:
        return True  # a variable that is not set is a mistake of its own
    except ValueError:
        return False


def _schemes(destination: OnlineDestination) -> tuple[str, ...]:
    if not isinstance(destination, HttpDestination):
        return ("postgresql", "postgres")
    return ("https", "http") if destination.private_addresses else ("https",)
