"""The segments' trees of conditions to one Column and one hash of the definition each.

A segment that refers to others reads their members from a column of their own, and its hash is of their hashes: each
segment is compiled and asked once, however many refer to it and however long the chain.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import reduce
from graphlib import CycleError, TopologicalSorter
from operator import and_, or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.checks.vocabulary import RELATION_COLUMNS
from cdp_spark.config.expressions import parse_expression, render
from cdp_spark.config.expressions.compile import compile_expression
from cdp_spark.config.expressions.references import referenced_columns
from cdp_spark.config.segment import references
from cdp_spark.errors import ConfigError
from cdp_spark.tables.catalog.gold import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pyspark.sql import Column

    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.segment import Condition, SegmentConfig

Tree = dict[str, object]


@dataclass(frozen=True)
class CompiledSegment:
    """A segment, ready to be asked of profiles.

    Args:
        name: of the segment.
        condition: true for members, false for all others, never null; reads `member_flag` of what it refers to.
        definition_hash: of what the segment means; names of other segments and layout do not count.
        refers_to: names of other segments.
        depth: of the longest chain of references below it; 0 where there is none.
    """

    name: str
    condition: Column
    definition_hash: str
    refers_to: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True)
class Surroundings:
    """What the segments of a project share.

    Args:
        segments: by name.
        now: the run's clock, in the time zone in which a day begins.
        silence_is_consent: True where a purpose that nobody was asked about counts as granted.
        traits: `trait.NAME` to its kind.
    """

    segments: Mapping[str, SegmentConfig]
    now: datetime
    silence_is_consent: bool = False
    traits: Mapping[str, Kind] = field(default_factory=dict)


def compile_segments(surroundings: Surroundings) -> tuple[CompiledSegment, ...]:
    """Compile all segments of a project, each after those that it refers to.

    A condition that is unknown, because a value is missing, is no membership; its negation is unknown too. Membership
    of another segment is always known, so `not: {segment: x}` holds for whoever is not in x.

    Args:
        surroundings: the project's segments, the clock and the consent policy.

    Raises:
        ConfigError: an expression is wrong, or a reference is unknown, of another entity type or part of a cycle.
    """
    compiled: dict[str, CompiledSegment] = {}
    for segment in _in_order(surroundings.segments):
        compiled[segment.name] = _compile(segment, surroundings, compiled)
    return tuple(compiled.values())


def condition_column(condition: Condition, owner: SegmentConfig, surroundings: Surroundings) -> Column:
    """Compile a part of a segment: true, false, or null where it is unknown.

    Args:
        condition: the part.
        owner: its segment.
        surroundings: as of `compile_segments`, which has accepted the segment.
    """
    return _column(condition, owner, surroundings)


def member_flag(name: str) -> str:
    """The column that says whether a profile is in a segment, for the segments that refer to it."""
    return f"in_segment.{name}"


def _in_order(segments: Mapping[str, SegmentConfig]) -> Iterator[SegmentConfig]:
    """The segments, each after those that it refers to."""
    for segment in segments.values():
        _check_references(segment, segments)
    order = TopologicalSorter({name: references(segment.members) for name, segment in segments.items()})
    try:
        yield from [segments[name] for name in order.static_order()]
    except CycleError as error:
        cycle = list(reversed(error.args[1]))  # graphlib tells it from the last to the first
        got = f"a cycle: {' → '.join(cycle)}"
        raise ConfigError(f"segment {cycle[0]}", got=got, fix="drop one of the references") from None


def _check_references(owner: SegmentConfig, segments: Mapping[str, SegmentConfig]) -> None:
    of_type = [each.name for each in segments.values() if each.entity_type == owner.entity_type]
    for name in references(owner.members):
        if name not in of_type:
            got = f"'{name}', which is no segment of {owner.entity_type}s"
            fix = "refer to one of these"
            raise ConfigError(f"segment {owner.name}", got=got, allowed=", ".join(sorted(of_type)), fix=fix)


def _compile(
    segment: SegmentConfig, surroundings: Surroundings, compiled: Mapping[str, CompiledSegment]
) -> CompiledSegment:
    tree = {"entity_type": segment.entity_type, "members": _meaning(segment.members, segment, surroundings, compiled)}
    canonical = json.dumps(tree, sort_keys=True, ensure_ascii=False)
    referred = references(segment.members)
    members = F.coalesce(_column(segment.members, segment, surroundings), F.lit(False))
    return CompiledSegment(
        name=segment.name,
        condition=(F.col(c.ENTITY_TYPE) == segment.entity_type) & members,
        definition_hash=hashlib.sha256(canonical.encode()).hexdigest(),
        refers_to=referred,
        depth=max((compiled[name].depth + 1 for name in referred), default=0),
    )


def _meaning(
    condition: Condition,
    owner: SegmentConfig,
    surroundings: Surroundings,
    compiled: Mapping[str, CompiledSegment],
) -> Tree:
    """The definition as plain data, references replaced by the hash of what they mean."""

    def meaning(part: Condition) -> Tree:
        return _meaning(part, owner, surroundings, compiled)

    if condition.where is not None:
        return _expression_meaning(condition.where, owner, surroundings)
    if condition.segment is not None:
        return {"segment": compiled[condition.segment].definition_hash}
    if condition.not_ is not None:
        return {"not": meaning(condition.not_)}
    kind, parts = ("all", condition.all) if condition.all else ("any", condition.any)
    return {kind: [meaning(part) for part in parts]}


def _expression_meaning(text: str, owner: SegmentConfig, surroundings: Surroundings) -> Tree:
    """The expression in its normal form; what silence means is part of one that asks for a consent, the zone of all."""
    tree: Tree = {"where": render(parse_expression(text, where=f"segment {owner.name}"))}
    if surroundings.silence_is_consent and c.CONSENTS in referenced_columns(text):
        tree["silence"] = "granted"
    if str(surroundings.now.tzinfo) != "UTC":
        tree["time_zone"] = str(surroundings.now.tzinfo)
    return tree


def _column(condition: Condition, owner: SegmentConfig, surroundings: Surroundings) -> Column:
    if condition.where is not None:
        return compile_expression(
            condition.where,
            columns={**{it.name: it.dataType for it in PROFILES.schema}, **RELATION_COLUMNS, **surroundings.traits},
            now=surroundings.now,
            where=f"segment {owner.name}",
            silence_is_consent=surroundings.silence_is_consent,
        )
    if condition.segment is not None:
        return F.col(f"`{member_flag(condition.segment)}`")
    if condition.not_ is not None:
        return ~_column(condition.not_, owner, surroundings)
    join, parts = (and_, condition.all) if condition.all else (or_, condition.any)
    return reduce(join, [_column(part, owner, surroundings) for part in parts])
