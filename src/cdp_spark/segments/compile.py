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
from cdp_spark.config.checks.vocabulary import RELATION_COLUMNS
from cdp_spark.config.expressions import parse_expression, render
from cdp_spark.config.expressions.compile import compile_expression
from cdp_spark.config.expressions.references import referenced_columns
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


@dataclass(frozen=True)
class Surroundings:
    """What the segments of a project share.

    Args:
        segments: by name.
        now: the run's clock, in the time zone in which a day begins.
        silence_is_consent: True where a purpose that nobody was asked about counts as granted.
    """

    segments: Mapping[str, SegmentConfig]
    now: datetime
    silence_is_consent: bool = False


def compile_segment(segment: SegmentConfig, surroundings: Surroundings) -> CompiledSegment:
    """Compile a segment with all that it refers to.

    A condition that is unknown, because a value is missing, is no membership; its negation is unknown too. Membership
    of another segment is always known, so `not: {segment: x}` holds for whoever is not in x.

    Args:
        segment: to compile.
        surroundings: all of the project's segments, the clock and the consent policy.

    Raises:
        ConfigError: an expression is wrong, or a reference is unknown, of another entity type or part of a cycle.
    """
    tree = _resolve_segment(segment, surroundings, path=())
    canonical = json.dumps(tree, sort_keys=True, ensure_ascii=False)
    return CompiledSegment(
        name=segment.name,
        condition=_segment_column(segment, surroundings),
        definition_hash=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _resolve_segment(segment: SegmentConfig, surroundings: Surroundings, path: tuple[str, ...]) -> Tree:
    """The definition as plain data, references replaced by what they mean."""
    if segment.name in path:
        got = f"a cycle: {' → '.join([*path, segment.name])}"
        raise ConfigError(f"segment {path[0]}", got=got, fix="drop one of the references")
    members = _resolve(segment.members, segment, surroundings, (*path, segment.name))
    return {"entity_type": segment.entity_type, "members": members}


def _resolve(condition: Condition, owner: SegmentConfig, surroundings: Surroundings, path: tuple[str, ...]) -> Tree:
    if condition.where is not None:
        return _resolve_expression(condition.where, owner, surroundings)
    if condition.segment is not None:
        referenced = _referenced(condition.segment, owner, surroundings.segments)
        return {"segment": _resolve_segment(referenced, surroundings, path)}
    if condition.not_ is not None:
        return {"not": _resolve(condition.not_, owner, surroundings, path)}
    kind, parts = ("all", condition.all) if condition.all else ("any", condition.any)
    return {kind: [_resolve(part, owner, surroundings, path) for part in parts]}


def _resolve_expression(text: str, owner: SegmentConfig, surroundings: Surroundings) -> Tree:
    """The expression in its normal form; what silence means is part of one that asks for a consent, the zone of all."""
    tree: Tree = {"where": render(parse_expression(text, where=f"segment {owner.name}"))}
    if surroundings.silence_is_consent and c.CONSENTS in referenced_columns(text):
        tree["silence"] = "granted"
    if str(surroundings.now.tzinfo) != "UTC":
        tree["time_zone"] = str(surroundings.now.tzinfo)
    return tree


def _referenced(name: str, owner: SegmentConfig, segments: Mapping[str, SegmentConfig]) -> SegmentConfig:
    where, of_type = f"segment {owner.name}", [each.name for each in segments.values() if _same_type(each, owner)]
    if name not in of_type:
        got = f"'{name}', which is no segment of {owner.entity_type}s"
        raise ConfigError(where, got=got, allowed=", ".join(sorted(of_type)), fix="refer to one of these")
    return segments[name]


def _same_type(one: SegmentConfig, other: SegmentConfig) -> bool:
    return one.entity_type == other.entity_type


def _segment_column(segment: SegmentConfig, surroundings: Surroundings) -> Column:
    members = _column(segment.members, segment, surroundings)
    return (F.col(c.ENTITY_TYPE) == segment.entity_type) & F.coalesce(members, F.lit(False))


def _column(condition: Condition, owner: SegmentConfig, surroundings: Surroundings) -> Column:
    if condition.where is not None:
        return compile_expression(
            condition.where,
            columns={**{field.name: field.dataType for field in PROFILES.schema}, **RELATION_COLUMNS},
            now=surroundings.now,
            where=f"segment {owner.name}",
            silence_is_consent=surroundings.silence_is_consent,
        )
    if condition.segment is not None:
        return _segment_column(surroundings.segments[condition.segment], surroundings)
    if condition.not_ is not None:
        return ~_column(condition.not_, owner, surroundings)
    join, parts = (and_, condition.all) if condition.all else (or_, condition.any)
    return reduce(join, [_column(part, owner, surroundings) for part in parts])
