"""Segments: who belongs, as a tree of conditions.

A condition is asked of one profile. Most are of the profile itself; `account` asks the same kind of condition of a
person's account, `members` of an account's people, `household` of those who live with a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, Strings, mistake
from cdp_spark.config.match import Relation
from cdp_spark.config.traits.conditions import Bounds, EventsCondition, EventStep, SequenceCondition
from cdp_spark.normalise.people.job_titles import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.traits.definitions import TraitDefinition

EntityType = Literal["person", "account", "visitor"]
Relations = tuple[Relation, ...]
Roles = tuple[Role, ...]


class Condition(Strict):
    """A node: exactly one of its keys."""

    where: str | None = None
    """An expression of the allow-listed grammar over a profile's columns, traits, scores and offers."""
    segment: str | None = None
    """Membership of another segment."""
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    not_: Condition | None = Field(default=None, alias="not")
    events: EventsCondition | None = None
    """How often the person did something."""
    sequence: SequenceCondition | None = None
    """What the person did in which order."""
    account: Condition | None = None
    """What the person's account fulfils, the primary one; nothing where there is none."""
    members: MembersCondition | None = None
    """How many people of the account fulfil a condition."""
    household: HouseholdCondition | None = None
    """How many people of the person's household fulfil a condition."""
    like: LikeCondition | None = None
    """Who resembles the members of a segment."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, "not_" if kind == "not" else kind)]
        if len(given) != 1:
            got = " and ".join(given) or "none of them"
            raise mistake(got=got, allowed=f"exactly one of {', '.join(KINDS)}", fix="nest several under all or any")
        return self


KINDS = ("where", "segment", "all", "any", "not", "events", "sequence", "account", "members", "household", "like")
"""Kinds of conditions."""


class PeopleCondition(Bounds):
    """How many of some people fulfil a condition."""

    who: Condition
    """What each of them fulfils who counts."""
    every: bool = False
    """All of them do, and there is one; in place of bounds."""

    @model_validator(mode="after")
    def _every_alone(self) -> Self:
        if self.every and (self.at_least is not None or self.at_most is not None):
            raise mistake(got="every beside a bound", fix="drop at_least and at_most", at=("every",))
        return self


class MembersCondition(PeopleCondition):
    """How many people of an account fulfil a condition."""

    relation: Relations = ()
    """How they are known to belong to the account; in any way where none is given."""
    role: Roles = ()
    """What they are there, as their job title tells; all count where none is given."""


class HouseholdCondition(PeopleCondition):
    """How many people of a household fulfil a condition."""

    others: bool = False
    """Leave out the person who is asked."""


class LikeCondition(Strict):
    """Who resembles the members of a segment, without being one."""

    segment: str
    """Whose members are the pattern."""
    traits: Annotated[Strings, Field(min_length=1, max_length=20)]
    """Columns of numbers that are compared, such as `trait.orders` or `score.will_buy`."""
    nearest: Annotated[int, Field(ge=1)] | None = None
    """So many profiles, the nearest ones."""
    within: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """All profiles up to this distance, in standard deviations."""

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.nearest is None) == (self.within is None):
            got = "neither `nearest` nor `within`" if self.nearest is None else "both `nearest` and `within`"
            raise mistake(got=got, allowed="one of them", fix="write how many profiles, or how near they are")
        return self


class SegmentConfig(Strict):
    """One file of `segments/`."""

    name: SafeName
    description: str = ""
    entity_type: EntityType = "person"
    """`visitor`: profiles of which nobody knows whose they are; they have times and sources, and no attributes."""
    members: Condition


def typed_conditions_of(
    condition: Condition, entity_type: EntityType, location: Location = ()
) -> Iterator[tuple[Location, EntityType, Condition]]:
    """Yield a condition and all below it, each with its place and with the kind of profile that it is asked of."""
    yield location, entity_type, condition
    for name in ("all", "any"):
        for index, part in enumerate(getattr(condition, name)):
            yield from typed_conditions_of(part, entity_type, (*location, name, index))
    if condition.not_ is not None:
        yield from typed_conditions_of(condition.not_, entity_type, (*location, "not"))
    if condition.account is not None:
        yield from typed_conditions_of(condition.account, "account", (*location, "account"))
    for name in ("members", "household"):
        if (people := getattr(condition, name)) is not None:
            yield from typed_conditions_of(people.who, "person", (*location, name, "who"))


def conditions_of(condition: Condition, location: Location = ()) -> Iterator[tuple[Location, Condition]]:
    """Yield a condition and all below it, each with its place; those of accounts and other people, too."""
    yield from ((place, part) for place, _, part in typed_conditions_of(condition, "person", location))


def references(condition: Condition) -> tuple[str, ...]:
    """The segments that a condition names, each once, in its order."""
    named = (part.like.segment if part.like else part.segment for _, part in conditions_of(condition))
    return tuple(dict.fromkeys(name for name in named if name is not None))


def define_event_conditions(segments: Iterable[SegmentConfig]) -> tuple[TraitDefinition, ...]:
    """Define the traits that conditions on events ask for, each once, in the order of their names."""
    conditions = (part for segment in segments for _, part in conditions_of(segment.members))
    asked = (part.events or part.sequence for part in conditions)
    definitions = (it.definition for it in asked if it is not None)
    return tuple(sorted({it.name: it for it in definitions}.values(), key=lambda it: it.name))


def event_steps(condition: Condition) -> Iterator[tuple[Location, EventStep]]:
    """Yield what a condition, not those below it, asks of single events, each with its place in it."""
    if condition.events is not None:
        yield ("events",), condition.events
    if condition.sequence is not None:
        for place, step in enumerate(condition.sequence.steps):
            yield ("sequence", "steps", place), step
        if condition.sequence.without is not None:
            yield ("sequence", "without"), condition.sequence.without
