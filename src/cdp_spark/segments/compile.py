"""A segment's tree of conditions to one Column and one hash of its definition."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.expressions import parse_expression, render
from cdp_spark.config.expressions.compile import compile_expression
from cdp_spark.errors import ConfigError
from cdp_spark.tables.catalog.gold import PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pyspark.sql import Column

    from cdp_spark.config.segment import Condition, SegmentConfig

Tree = dict[str, object]


@dataclass(frozen=True)
class CompiledSegment:
    """A segment, ready to be asked of profiles.

    Args:
        name: of the segment.
        condition: true for members, false for all others, never null.
        definition_hash: of what the segment means; names of other segments and layout do not count.
    """

    name: str
    condition: Column
    definition_hash: str


def compile_segment(segment: SegmentConfig, *, segments: Mapping[str, SegmentConfig], now: datetime) -> CompiledSegment:
    """Compile a segment with all that it refers to.

    A condition that is unknown, because a value is missing, is no membership; its negation is unknown too. Membership
    of another segment is always known, so `not: {segment: x}` holds for whoever is not in x.

    Args:
        segment: to compile.
        segments: all of the project's by name.
        now: the run's clock.

    Raises:
        ConfigError: an expression is wrong, or a reference is unknown, of another entity type or part of a cycle.
    """
    tree = _resolve_segment(segment, segments, path=())
    canonical = json.dumps(tree, sort_keys=True, ensure_ascii=False)
    return CompiledSegment(
        name=segment.name,
        condition=_segment_column(segment, segments, now),
        definition_hash=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _resolve_segment(segment: SegmentConfig, segments: Mapping[str, SegmentConfig], path: tuple[str, ...]) -> Tree:
    """The definition as plain data, references replaced by what they mean."""
    if segment.name in path:
        got = f"a cycle: {' → '.join([*path, segment.name])}"
        raise ConfigError(f"segment {path[0]}", got=got, fix="drop one of the references")
    members = _resolve(segment.members, segment, segments, (*path, segment.name))
    return {"entity_type": segment.entity_type, "members": members}


def _resolve(
    condition: Condition, owner: SegmentConfig, segments: Mapping[str, SegmentConfig], path: tuple[str, ...]
) -> Tree:
    if condition.where is not None:
        return {"where": render(parse_expression(condition.where, where=f"segment {owner.name}"))}
    if condition.segment is not None:
        return {"segment": _resolve_segment(_referenced(condition.segment, owner, segments), segments, path)}
    if condition.not_ is not None:
        return {"not": _resolve(condition.not_, owner, segments, path)}
    kind, parts = ("all", condition.all) if condition.all else ("any", condition.any)
    return {kind: [_resolve(part, owner, segments, path) for part in parts]}


def _referenced(name: str, owner: SegmentConfig, segments: Mapping[str, SegmentConfig]) -> SegmentConfig:
    where, of_type = f"segment {owner.name}", [each.name for each in segments.values() if _same_type(each, owner)]
    if name not in of_type:
        got = f"'{name}', which is no segment of {owner.entity_type}s"
        raise ConfigError(where, got=got, allowed=", ".join(sorted(of_type)), fix="refer to one of these")
    return segments[name]


def _same_type(one: SegmentConfig, other: SegmentConfig) -> bool:
    return one.entity_type == other.entity_type


def _segment_column(segment: SegmentConfig, segments: Mapping[str, SegmentConfig], now: datetime) -> Column:
    members = _column(segment.members, segment, segments, now)
    return (F.col(c.ENTITY_TYPE) == segment.entity_type) & F.coalesce(members, F.lit(False))


def _column(condition: Condition, owner: SegmentConfig, segments: Mapping[str, SegmentConfig], now: datetime) -> Column:
    if condition.where is not None:
        types = {field.name: field.dataType for field in PROFILES.schema}
        return compile_expression(condition.where, columns=types, now=now, where=f"segment {owner.name}")
    if condition.segment is not None:
        return _segment_column(segments[condition.segment], segments, now)
    if condition.not_ is not None:
        return ~_column(condition.not_, owner, segments, now)
    join, parts = (and_, condition.all) if condition.all else (or_, condition.any)
    return reduce(join, [_column(part, owner, segments, now) for part in parts])
