"""The segments' trees of conditions to one Column and one hash of the definition each.

A segment that refers to others reads their members from a column of their own, and its hash is of their hashes: each
segment is compiled and asked once, however many refer to it and however long the chain. What cannot be told from a
profile's own row, such as how many people of an account fulfil a condition, is a column too: `Derived` says how it is
added (`derived.py`). Conditions that mean the same share it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
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
from cdp_spark.config.segment import HouseholdCondition, PeopleCondition, references, typed_conditions_of
from cdp_spark.config.traits.definitions import PREFIX
from cdp_spark.errors import ConfigError
from cdp_spark.tables.catalog.gold import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pyspark.sql import Column

    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.segment import Condition, LikeCondition, MembersCondition, SegmentConfig
    from cdp_spark.config.traits.conditions import EventsCondition, SequenceCondition

Tree = dict[str, object]


@dataclass(frozen=True)
class Derived:
    """A column of other rows than a profile's own, to be added before the conditions that read it.

    Args:
        name: of the column; made of what it means.
        settings: as they are written; a `Condition` is that of a person's account.
        condition: asked of the account or of each of the people, null where it is unknown; of a lookalike that of the
            members of its pattern.
        depth: of the longest chain of columns below it.
        entity_type: of the profiles that the condition is asked of.
    """

    name: str
    settings: Condition | MembersCondition | HouseholdCondition | LikeCondition
    condition: Column
    depth: int
    entity_type: str = "person"


@dataclass(frozen=True)
class CompiledSegment:
    """A segment, ready to be asked of profiles.

    Args:
        name: of the segment.
        condition: true for members, false for all others, never null; reads `member_flag` of what it refers to, and the
            columns that are derived for it.
        definition_hash: of what the segment means; names of other segments and layout do not count.
        refers_to: names of other segments.
        depth: of the longest chain of references and derived columns below it; 0 where there is none.
        derived: columns that the condition reads, and those that they read.
        distance: how far from its pattern a member of a lookalike is; null for others; None for other segments.
    """

    name: str
    condition: Column
    definition_hash: str
    refers_to: tuple[str, ...] = ()
    depth: int = 0
    derived: tuple[Derived, ...] = ()
    distance: Column | None = None


@dataclass(frozen=True)
class Surroundings:
    """What the segments of a project share.

    Args:
        segments: by name.
        now: the run's clock, in the time zone in which a day begins.
        silence_is_consent: True where a purpose that nobody was asked about counts as granted.
        traits: `trait.NAME`, `score.NAME`, `account.NAME` and the like to their kinds.
        trait_hashes: `trait.NAME` to the hash of what the trait means, which is part of what a segment means.
    """

    segments: Mapping[str, SegmentConfig]
    now: datetime
    silence_is_consent: bool = False
    traits: Mapping[str, Kind] = field(default_factory=dict)
    trait_hashes: Mapping[str, str] = field(default_factory=dict)


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


def condition_column(
    condition: Condition, owner: SegmentConfig, surroundings: Surroundings, compiled: Mapping[str, CompiledSegment]
) -> Column:
    """Compile a part of a segment: true, false, or null where it is unknown.

    Args:
        condition: the part.
        owner: its segment.
        surroundings: as of `compile_segments`, which has accepted the segment.
        compiled: its result, by name.
    """
    return _Compiler(owner.name, surroundings, compiled).part(condition).column


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
    for _, entity_type, part in typed_conditions_of(owner.members, owner.entity_type):
        name = part.like.segment if part.like else part.segment
        of_type = [each.name for each in segments.values() if each.entity_type == entity_type]
        if name is not None and name not in of_type:
            got = f"'{name}', which is no segment of {entity_type}s"
            fix = "refer to one of these"
            raise ConfigError(f"segment {owner.name}", got=got, allowed=", ".join(sorted(of_type)), fix=fix)


@dataclass(frozen=True)
class _Part:
    """A compiled condition.

    Args:
        meaning: the definition as plain data, references replaced by the hash of what they mean.
        column: null where it is unknown.
        depth: of the longest chain of columns that have to be added first.
        derived: those of them that are no flags of segments.
        likes: columns with the distances from patterns.
    """

    meaning: Tree
    column: Column
    depth: int = 0
    derived: tuple[Derived, ...] = ()
    likes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Compiler:
    """What the conditions of a segment are compiled with.

    Args:
        owner: name of the segment, for errors.
        surroundings: the project's segments, the clock and the consent policy.
        compiled: the segments that it refers to.
    """

    owner: str
    surroundings: Surroundings
    compiled: Mapping[str, CompiledSegment]

    def part(self, condition: Condition) -> _Part:
        """Compile a condition and all below it."""
        if condition.where is not None:
            return self._expression(condition.where)
        if (named := condition.segment) is not None:
            return self._member(named)
        if (asked := condition.events or condition.sequence) is not None:
            return _of_events(asked)
        if (related := condition.account or condition.members or condition.household) is not None:
            return self._related(related)
        return self._like(condition.like) if condition.like is not None else self._joined(condition)

    def _joined(self, condition: Condition) -> _Part:
        """Compile `not`, `all` and `any`."""
        if condition.not_ is not None:
            inner = self.part(condition.not_)
            return replace(inner, meaning={"not": inner.meaning}, column=~inner.column)
        kind, join, written = ("all", and_, condition.all) if condition.all else ("any", or_, condition.any)
        parts = [self.part(part) for part in written]
        return _Part(
            {kind: [part.meaning for part in parts]},
            reduce(join, [part.column for part in parts]),
            max(part.depth for part in parts),
            tuple(it for part in parts for it in part.derived),
            tuple(it for part in parts for it in part.likes),
        )

    def _member(self, name: str) -> _Part:
        segment = self.compiled[name]
        return _Part({"segment": segment.definition_hash}, F.col(f"`{member_flag(name)}`"), segment.depth + 1)

    def _expression(self, text: str) -> _Part:
        """The expression in its normal form; what silence means is part of one that asks for a consent."""
        surroundings, where = self.surroundings, f"segment {self.owner}"
        column = compile_expression(
            text,
            columns={**{it.name: it.dataType for it in PROFILES.schema}, **RELATION_COLUMNS, **surroundings.traits},
            now=surroundings.now,
            where=where,
            silence_is_consent=surroundings.silence_is_consent,
        )
        asked = referenced_columns(text)
        meaning: Tree = {"where": render(parse_expression(text, where=where))}
        if traits := {name: it for name, it in surroundings.trait_hashes.items() if name in asked}:
            meaning["traits"] = traits
        if surroundings.silence_is_consent and c.CONSENTS in asked:
            meaning["silence"] = "granted"
        if str(surroundings.now.tzinfo) != "UTC":
            meaning["time_zone"] = str(surroundings.now.tzinfo)
        return _Part(meaning, column)

    def _related(self, settings: Condition | MembersCondition | HouseholdCondition) -> _Part:
        """A condition on other rows: those of the account, or of people."""
        if isinstance(settings, PeopleCondition):
            inner, kind = self.part(settings.who), "person"
            said = settings.model_dump(mode="json", include={"relation", "role", "others"})
            meaning: Tree = {"people": type(settings).__name__, "who": inner.meaning, **said}
            bounds: Tree = {"every": True} if settings.every else {"bounds": list(settings.bounds)}
        else:
            inner, bounds, kind = self.part(settings), {}, "account"
            meaning = {"account": inner.meaning}
        derived = Derived(f"derived.{_hash_of(meaning)}", settings, inner.column, inner.depth, kind)
        column = _asked_of(derived)
        return _Part({**meaning, **bounds}, column, derived.depth + 1, (*inner.derived, derived))

    def _like(self, like: LikeCondition) -> _Part:
        pattern, kind = self._member(like.segment), self.surroundings.segments[like.segment].entity_type
        meaning: Tree = {**like.model_dump(mode="json"), **pattern.meaning}
        derived = Derived(f"distance.{_hash_of(meaning)}", like, pattern.column, pattern.depth, kind)
        is_like = F.col(f"`{derived.name}`").isNotNull()
        return _Part({"like": meaning}, is_like, derived.depth + 1, (derived,), (derived.name,))


def _of_events(asked: EventsCondition | SequenceCondition) -> _Part:
    """What somebody did is a trait without a name; nothing done is 0."""
    definition = asked.definition
    value = F.coalesce(F.col(f"`{PREFIX}{definition.name}`"), F.lit(0.0))
    meaning: Tree = {"events": definition.definition_hash, "bounds": list(asked.bounds)}
    return _Part(meaning, between(value, *asked.bounds))


def _asked_of(derived: Derived) -> Column:
    """The condition on a derived column; never null."""
    value, settings = F.col(f"`{derived.name}`"), derived.settings
    if not isinstance(settings, PeopleCondition):
        return F.coalesce(value, F.lit(False))
    count, people = F.coalesce(value["held"], F.lit(0)), F.coalesce(value["people"], F.lit(0))
    if isinstance(settings, HouseholdCondition) and settings.others:
        own = F.when(value.isNotNull(), F.coalesce(derived.condition, F.lit(False)).cast("int")).otherwise(0)
        count, people = count - own, F.greatest(people - 1, F.lit(0))
    return (people > 0) & (count == people) if settings.every else between(count, *settings.bounds)


def between(value: Column, least: float | None, most: float | None) -> Column:
    """Whether a value is within bounds."""
    asked = [*([value >= least] if least is not None else []), *([value <= most] if most is not None else [])]
    return reduce(and_, asked)


def _hash_of(meaning: Tree) -> str:
    return hashlib.sha256(json.dumps(meaning, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _compile(
    segment: SegmentConfig, surroundings: Surroundings, compiled: Mapping[str, CompiledSegment]
) -> CompiledSegment:
    part = _Compiler(segment.name, surroundings, compiled).part(segment.members)
    own = F.col(c.ENTITY_TYPE) == segment.entity_type
    referred = references(segment.members)
    distances = [F.col(f"`{name}`") for name in dict.fromkeys(part.likes)]
    distance = F.least(*distances) if len(distances) > 1 else (distances[0] if distances else None)
    return CompiledSegment(
        name=segment.name,
        condition=own & F.coalesce(part.column, F.lit(False)),
        definition_hash=_hash_of({"entity_type": segment.entity_type, "members": part.meaning}),
        refers_to=referred,
        depth=part.depth,
        derived=tuple({it.name: it for it in part.derived}.values()),
        distance=distance,
    )
