"""Segments: references, cycles and expressions."""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from cdp_spark.config.base import choose_one
from cdp_spark.config.checks.vocabulary import PROFILE_COLUMNS, RELATION_COLUMNS, own_attributes
from cdp_spark.config.expressions import Scope, check_expression
from cdp_spark.config.segment import conditions_of, references
from cdp_spark.config.traits.checks import asks_traits
from cdp_spark.config.traits.definitions import trait_columns
from cdp_spark.limits import SEGMENT_CHAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles, Section
    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.segment import SegmentConfig
    from cdp_spark.errors import ConfigError


def segment_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find unknown segments, cycles, and expressions that are wrong."""
    for section in files.segments:
        for location, condition in conditions_of(section.value.members, ("members",)):
            if condition.where is not None:
                yield from _expression_mistakes(condition.where, (*location, "where"), section, files)
            if condition.segment is not None and files.are_whole("segments"):
                yield from _reference_mistakes(condition.segment, (*location, "segment"), section, files)
    if files.are_whole("segments"):
        yield from _chain_mistakes(files)


def _expression_mistakes(
    text: str, location: Location, section: Section[SegmentConfig], files: ProjectFiles
) -> list[ConfigError]:
    attributes = own_attributes(files) if files.are_whole("sources") else None
    where = section.document.where(location)
    insights = files.insights.value if files.insights else None
    if insights is None and not files.are_whole("insights.yaml") and asks_traits(text):
        return []  # whether there are such traits is known once the file is in order
    traits = trait_columns(insights, entity_type=section.value.entity_type)
    columns = {**PROFILE_COLUMNS, **RELATION_COLUMNS, **traits}
    scope = Scope(text, where, columns, purposes=_purposes(files), attributes=attributes)
    check_expression(text, scope)
    return scope.mistakes


def _reference_mistakes(
    name: str, location: Location, section: Section[SegmentConfig], files: ProjectFiles
) -> Iterator[ConfigError]:
    types = {other.value.name: other.value.entity_type for other in files.segments}
    own_type = section.value.entity_type
    if name not in types:
        yield _unknown(section, location, "segment", name, [other for other in types if other != section.value.name])
    elif types[name] != own_type:
        got = f"'{name}', a segment of {types[name]}s"
        yield section.mistake(*location, got=got, allowed=f"segments of {own_type}s")


def _chain_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Report each cycle once, at its first segment by file name; without cycles, the chains that are too long."""
    named = {section.value.name: references(section.value.members) for section in files.segments}
    reported: set[str] = set()
    for section in files.segments:
        cycle = _cycle_through(section.value.name, named)
        if cycle and not reported.intersection(cycle):
            reported.update(cycle)
            got = f"a cycle: {' → '.join([*cycle, cycle[0]])}"
            yield section.mistake("members", got=got, allowed="references without cycle", fix="drop one reference")
    if not reported:
        yield from _long_chains(files, named)


def _long_chains(files: ProjectFiles, named: dict[str, tuple[str, ...]]) -> Iterator[ConfigError]:
    """Report the segments where a chain of references grows too long."""
    depths: dict[str, int] = {}
    for name in TopologicalSorter(named).static_order():
        depths[name] = max((depths[inner] + 1 for inner in named.get(name, ())), default=0)
    for section in files.segments:
        if depths[section.value.name] == SEGMENT_CHAIN + 1:
            got = f"a chain of more than {SEGMENT_CHAIN} references"
            fix = "write the conditions of the inner segments in one"
            yield section.mistake("members", got=got, allowed=f"{SEGMENT_CHAIN} references in a row", fix=fix)


def _cycle_through(start: str, named: dict[str, tuple[str, ...]]) -> list[str]:
    """Find a shortest way from a segment back to itself."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for name in named.get(way[-1], ()):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _purposes(files: ProjectFiles) -> tuple[str, ...] | None:
    return files.settings.value.consent.purposes if files.settings is not None else None


def _unknown(
    section: Section[SegmentConfig],
    location: Location,
    noun: str,
    name: str,
    allowed: list[str],
) -> ConfigError:
    names = ", ".join(allowed) or "none, as there is none"
    return section.mistake(*location, got=f"unknown {noun} '{name}'", allowed=names, fix=choose_one(name, allowed))
