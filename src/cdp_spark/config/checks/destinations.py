"""Destinations: segments, columns, purposes and channels; and what two of them must not share."""

from __future__ import annotations

from base64 import b64decode
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cdp_spark.config.base import choose_one, show_columns
from cdp_spark.config.checks.vocabulary import (
    ACCOUNT_OWN,
    OWN_PREFIX,
    PROFILE_COLUMNS,
    account_columns,
    own_attributes,
    own_identifiers,
)
from cdp_spark.config.destination import (
    NO_PURPOSE,
    DrtDestination,
    HttpDestination,
    PostgresDestination,
    SlackDestination,
    WebhookDestination,
)
from cdp_spark.config.insights.wide_columns import IDENTIFIER, IDENTIFIERS, insight_columns
from cdp_spark.config.load.secrets import reveal
from cdp_spark.config.sending import SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.config.checks.files import ProjectFiles, Section
    from cdp_spark.config.destination import Destination, DestinationsConfig, OnlineDestination
    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.sending import SentColumn
    from cdp_spark.errors import ConfigError


def destination_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find unknown segments, columns, purposes and channels, and persons who would be exported without a purpose."""
    if files.destinations is None:
        return
    for index, destination in enumerate(files.destinations.value.destinations):
        at: Location = ("destinations", index)
        if files.are_whole("segments"):
            yield from _segment_mistakes(files.destinations, destination, at, files)
        yield from _column_mistakes(files.destinations, destination, at, files)
        yield from _purpose_mistakes(files.destinations, destination, at, files)
        yield from _visitor_mistakes(files.destinations, destination, at, files)
    yield from _channel_mistakes(files.destinations, files)


def _types(files: ProjectFiles) -> dict[str, str]:
    """Segment to the entity type of its members."""
    return {segment.value.name: segment.value.entity_type for segment in files.segments}


def _segment_mistakes(
    section: Section[DestinationsConfig], destination: Destination, at: Location, files: ProjectFiles
) -> Iterator[ConfigError]:
    types = _types(files)
    places: list[Location] = [(*at, "segments", position) for position in range(len(destination.segments))]
    named = list(zip(places or [(*at, "segment")], destination.included, strict=True))
    unknown = [(place, name) for place, name in named if name not in types]
    yield from (section.unknown(place, "segment", name, list(types)) for place, name in unknown)
    if unknown:
        return
    own_type = types[destination.included[0]]
    same = [name for name, kind in types.items() if kind == own_type]
    for place, name in named:
        if name not in same:
            yield section.unknown(place, f"segment of {own_type}s", name, same)
    others = [name for name in same if name not in destination.included]
    for position, name in enumerate(destination.exclude):
        if name not in others:
            noun = "segment" if name not in types else f"segment of other {own_type}s"
            yield section.unknown((*at, "exclude", position), noun, name, others)


def _column_mistakes(
    section: Section[DestinationsConfig], destination: Destination, at: Location, files: ProjectFiles
) -> Iterator[ConfigError]:
    known, own = _known_columns(files), (OWN_PREFIX, ACCOUNT_OWN, IDENTIFIER)
    written: set[str] = set()
    for position, column in enumerate(destination.columns):
        place = (*at, "columns", position)
        for name in column.read:
            if name not in known and (files.are_whole("sources") or not name.startswith(own)):
                got, fix = f"unknown column '{name}'", choose_one(name, known)
                yield section.mistake(*_place_of(column, place), got=got, allowed=show_columns(known), fix=fix)
        if column.written in written:
            yield section.mistake(*place, got=f"a second column '{column.written}'", fix="leave one of them out")
        written.add(column.written)


def _place_of(column: SentColumn, place: Location) -> Location:
    """Where a column names others; written as a name alone it has no keys."""
    if column.template is not None:
        return (*place, "template")
    return (*place, "of") if column.name is not None else place


def _known_columns(files: ProjectFiles) -> list[str]:
    are_whole = files.are_whole("sources")
    own, identifiers = (own_attributes(files), own_identifiers(files)) if are_whole else ([], [])
    insights = files.insights.value if files.insights is not None else None
    return [
        *PROFILE_COLUMNS,
        SEGMENTS,
        *(f"{OWN_PREFIX}{name}" for name in own),
        *insight_columns(insights),
        *account_columns(own),
        *IDENTIFIERS,
        *(f"{IDENTIFIER}{name}" for name in identifiers),
    ]


def _visitor_mistakes(
    section: Section[DestinationsConfig], destination: Destination, at: Location, files: ProjectFiles
) -> Iterator[ConfigError]:
    """Cookies and devices are visitors' contact points, e-mails and phones are those of persons."""
    types = {_types(files).get(name) for name in destination.included}
    of_visitors = destination.contact_point in ("cookie_id", "device_id")
    if types <= {None} or destination.contact_point == "none" or of_visitors == (types == {"visitor"}):
        return
    allowed = "email, phone, none" if of_visitors else "cookie_id, device_id, none"
    got = f"contact_point {destination.contact_point} for a segment of {'/'.join(sorted(filter(None, types)))}s"
    yield section.mistake(*at, "contact_point", got=got, allowed=allowed, fix="choose one of these")


def _channel_mistakes(section: Section[DestinationsConfig], files: ProjectFiles) -> Iterator[ConfigError]:
    """A cap or quiet hours of a channel that no destination has would hold nothing back."""
    config = section.value
    channels = sorted({it.channel for it in config.destinations if it.channel is not None})
    for key, names in (("caps", config.caps), ("quiet_hours", config.quiet_hours)):
        for name in names:
            if name not in channels:
                yield section.unknown((key, name), "channel", name, channels)
    for name, hours in config.quiet_hours.items():
        zone = hours.zone_attribute
        if zone is not None and files.are_whole("sources") and zone not in own_attributes(files):
            place = ("quiet_hours", name, "zone_attribute")
            yield section.unknown(place, "attribute", zone, own_attributes(files))


def _purpose_mistakes(
    section: Section[DestinationsConfig], destination: Destination, at: Location, files: ProjectFiles
) -> Iterator[ConfigError]:
    place = (*at, "purpose")
    purposes = list(files.settings.value.consent.purposes) if files.settings is not None else None
    if destination.purpose != NO_PURPOSE:
        if purposes is not None and destination.purpose not in purposes:
            yield section.unknown(place, "purpose", destination.purpose, purposes)
        return
    types = _types(files)
    persons = [name for name in destination.included if types.get(name) in ("person", "visitor")]
    if persons:
        got = f"no purpose for '{persons[0]}', a segment of {types[persons[0]]}s"
        allowed = ", ".join(purposes) if purposes else "a purpose of project.yaml"
        fix = "name the purpose that they consented to; `none` is for segments of accounts"
        yield section.mistake(*place, got=got, allowed=allowed, fix=fix)


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
