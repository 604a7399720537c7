"""Segments: references, cycles and expressions."""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from cdp_spark.config.base import choose_one
from cdp_spark.config.checks.contradictions import find_contradictions
from cdp_spark.config.checks.vocabulary import (
    ACCOUNT_OWN,
    PROFILE_COLUMNS,
    RELATION_COLUMNS,
    account_columns,
    own_attributes,
)
from cdp_spark.config.expressions import Scope, check_expression, referenced_columns
from cdp_spark.config.insights.wide_columns import INSIGHTS, insight_columns
from cdp_spark.config.segment import event_steps, references, typed_conditions_of
from cdp_spark.config.traits.checks import event_expression_mistakes
from cdp_spark.errors import ConfigError
from cdp_spark.limits import SEGMENT_CHAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles, Section
    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.segment import Condition, LikeCondition, SegmentConfig


_ASKED_OF: dict[str, tuple[tuple[str, ...], str]] = {
    "events": (("person", "visitor"), "ask `members: {who: {events: …}}`"),
    "sequence": (("person", "visitor"), "ask `members: {who: {sequence: …}}`"),
    "account": (("person",), "write its conditions as they are"),
    "members": (("account",), "write `account: {members: …}`"),
    "household": (("person",), "drop it"),
}
"""Whom a kind of condition can be asked of, and what to do where it is asked of others."""


def segment_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find unknown segments, cycles, expressions that are wrong, and conditions that contradict each other."""
    for section in files.segments:
        own = section.value
        found = [
            mistake
            for place, entity_type, condition in typed_conditions_of(own.members, own.entity_type, ("members",))
            for mistake in _mistakes_of(condition, place, entity_type, section, files)
        ]
        yield from found
        if not found:
            for place, sentence in find_contradictions(own.members, ("members",)):
                yield ConfigError(section.document.where(place), said=sentence)
    if files.are_whole("segments"):
        yield from _chain_mistakes(files)


def _mistakes_of(
    condition: Condition, place: Location, entity_type: str, section: Section[SegmentConfig], files: ProjectFiles
) -> Iterator[ConfigError]:
    """What is wrong with a condition itself."""
    if condition.where is not None:
        yield from _expression_mistakes(condition.where, (*place, "where"), entity_type, section, files)
    for at, step in event_steps(condition):
        if step.expression is not None:
            where = section.document.where((*place, *at, "expression"))
            yield from event_expression_mistakes(step.expression, where, ages="within_days")
    for kind, (types, fix) in _ASKED_OF.items():
        if getattr(condition, kind) is not None and entity_type not in types:
            allowed = f"{kind} of {' or '.join(f'{it}s' for it in types)}"
            yield section.mistake(*place, kind, got=f"{kind} of {entity_type}s", allowed=allowed, fix=fix)
    if condition.segment is not None:
        yield from _reference_mistakes(condition.segment, (*place, "segment"), entity_type, section, files)
    if condition.like is not None:
        yield from _reference_mistakes(condition.like.segment, (*place, "like", "segment"), entity_type, section, files)
        yield from _like_mistakes(condition.like, (*place, "like", "traits"), entity_type, section, files)


def _like_mistakes(
    like: LikeCondition, place: Location, entity_type: str, section: Section[SegmentConfig], files: ProjectFiles
) -> Iterator[ConfigError]:
    columns = _columns(files, entity_type)
    if columns is None:
        return
    numbers = [name for name, kind in columns.items() if kind in ("double", "long")]
    for index, name in enumerate(like.traits):
        if name not in numbers:
            got = f"'{name}', which is no number" if name in columns else f"unknown column '{name}'"
            yield section.mistake(*place, index, got=got, allowed=", ".join(numbers), fix=choose_one(name, numbers))


def _columns(files: ProjectFiles, entity_type: str) -> dict[str, Kind] | None:
    """What a condition can ask of a profile of a type; None where `insights.yaml` cannot be read."""
    if files.insights is None and not files.are_whole("insights.yaml"):
        return None
    insights = files.insights.value if files.insights else None
    return {**_columns_of_others(files), **insight_columns(insights, entity_type=entity_type)}


def _columns_of_others(files: ProjectFiles) -> dict[str, Kind]:
    """A profile's own columns, and those of its account and household."""
    own = own_attributes(files) if files.are_whole("sources") else ()
    return {**PROFILE_COLUMNS, **RELATION_COLUMNS, **account_columns(own)}


def _expression_mistakes(
    text: str, location: Location, entity_type: str, section: Section[SegmentConfig], files: ProjectFiles
) -> list[ConfigError]:
    attributes = own_attributes(files) if files.are_whole("sources") else None
    where = section.document.where(location)
    columns = _columns(files, entity_type)
    # whether there are such traits, or attributes, is known once the files that define them are in order
    unknown = (*(INSIGHTS if columns is None else ()), *(() if attributes is not None else (ACCOUNT_OWN,)))
    if unknown and _names_any(text, unknown):
        return []
    columns = columns if columns is not None else _columns_of_others(files)
    scope = Scope(text, where, columns, purposes=_purposes(files), attributes=attributes)
    check_expression(text, scope)
    return scope.mistakes


def _names_any(text: str, prefixes: tuple[str, ...]) -> bool:
    """Whether an expression names a column that begins so; not where it cannot be read."""
    try:
        return any(name.startswith(prefixes) for name in referenced_columns(text))
    except ConfigError:
        return False


def _reference_mistakes(
    name: str, location: Location, own_type: str, section: Section[SegmentConfig], files: ProjectFiles
) -> Iterator[ConfigError]:
    if not files.are_whole("segments"):
        return
    types = {other.value.name: other.value.entity_type for other in files.segments}
    if name not in types:
        yield section.unknown(location, "segment", name, [other for other in types if other != section.value.name])
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
