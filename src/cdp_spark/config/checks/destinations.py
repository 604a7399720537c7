"""Destinations: segments, columns and purposes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.base import choose_one
from cdp_spark.config.checks.vocabulary import (
    IDENTIFIER_PREFIX,
    OWN_PREFIX,
    PROFILE_COLUMNS,
    exported_name,
    own_attributes,
    own_identifiers,
)
from cdp_spark.config.destination import NO_PURPOSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles, Section
    from cdp_spark.config.destination import Destination, DestinationsConfig
    from cdp_spark.config.documents.document import Location
    from cdp_spark.errors import ConfigError


def destination_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find unknown segments, columns and purposes, and persons who would be exported without a purpose."""
    if files.destinations is None:
        return
    for index, destination in enumerate(files.destinations.value.destinations):
        at: Location = ("destinations", index)
        if files.are_whole("segments"):
            yield from _segment_mistakes(files.destinations, destination, at, files)
        yield from _column_mistakes(files.destinations, destination, at, files)
        yield from _purpose_mistakes(files.destinations, destination, at, files)


def _segment_mistakes(
    section: Section[DestinationsConfig], destination: Destination, at: Location, files: ProjectFiles
) -> Iterator[ConfigError]:
    types = {segment.value.name: segment.value.entity_type for segment in files.segments}
    if destination.segment not in types:
        yield _unknown(section, (*at, "segment"), "segment", destination.segment, list(types))
        return
    own_type = types[destination.segment]
    others = [name for name, kind in types.items() if kind == own_type and name != destination.segment]
    for position, name in enumerate(destination.suppress):
        if name not in others:
            noun = "segment" if name not in types else f"segment of other {own_type}s"
            yield _unknown(section, (*at, "suppress", position), noun, name, others)


def _column_mistakes(
    section: Section[DestinationsConfig], destination: Destination, at: Location, files: ProjectFiles
) -> Iterator[ConfigError]:
    known = list(PROFILE_COLUMNS)
    if files.are_whole("sources"):
        known += [f"{OWN_PREFIX}{name}" for name in own_attributes(files)]
        known += [f"{IDENTIFIER_PREFIX}{name}" for name in own_identifiers(files)]
    written: set[str] = set()
    for position, column in enumerate(destination.columns):
        place = (*at, "columns", position)
        if column not in known and (exported_name(column) is None or files.are_whole("sources")):
            yield _unknown(section, place, "column", column, known)
        name = exported_name(column) or column
        if name in written:
            yield section.mistake(*place, got=f"a second column '{name}'", fix="leave one of them out")
        written.add(name)


def _purpose_mistakes(
    section: Section[DestinationsConfig], destination: Destination, at: Location, files: ProjectFiles
) -> Iterator[ConfigError]:
    place = (*at, "purpose")
    purposes = list(files.settings.value.consent.purposes) if files.settings is not None else None
    if destination.purpose != NO_PURPOSE:
        if purposes is not None and destination.purpose not in purposes:
            yield _unknown(section, place, "purpose", destination.purpose, purposes)
        return
    types = {segment.value.name: segment.value.entity_type for segment in files.segments}
    if types.get(destination.segment) == "person":
        got = f"no purpose for '{destination.segment}', a segment of persons"
        allowed = ", ".join(purposes) if purposes else "a purpose of project.yaml"
        fix = "name the purpose that they consented to; `none` is for segments of accounts"
        yield section.mistake(*place, got=got, allowed=allowed, fix=fix)


def _unknown(
    section: Section[DestinationsConfig], location: Location, noun: str, name: str, allowed: list[str]
) -> ConfigError:
    names = ", ".join(allowed) or "none, as there is none"
    return section.mistake(*location, got=f"unknown {noun} '{name}'", allowed=names, fix=choose_one(name, allowed))
