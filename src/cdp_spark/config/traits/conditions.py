"""What a segment asks of events: how many there were, what they came to, and which followed which.

Such a condition is a trait without a name: the traits stage makes it with all others, in the same pass over the events,
and the segment compares its value. Conditions that ask for the same value share it, whatever their bounds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import Strict, Strings, mistake
from cdp_spark.config.traits.definitions import Ages, Chain, EventFilter, Measure, TraitDefinition, event_filter
from cdp_spark.config.traits.model import Days, EventCondition, Number, check_number_column

_HIDDEN = "_"
"""How the names of such traits begin; no name of a configuration does."""
_HOUR_US = 3_600_000_000

Conditions = Annotated[tuple[EventCondition, ...], Field(max_length=20)]


def is_hidden(trait: str) -> bool:
    """Whether a trait is one of a condition, and has no name of its own."""
    return trait.startswith(_HIDDEN)


class EventStep(Strict):
    """Which events."""

    of: Strings = ()
    """Event types; all where there are none."""
    where: Conditions = ()
    """Conditions that an event meets, all of them."""
    expression: str | None = None
    """A condition on an event in the grammar of segments; `attribute('x')` reads the property x."""

    @property
    def filter(self) -> EventFilter:
        """As measures take it."""
        return event_filter(self.of, self.where, self.expression)


class Bounds(Strict):
    """How many there are; at least 1 where neither bound is given."""

    at_least: Number | None = None
    at_most: Number | None = None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Least and most; None for no bound."""
        return (1.0, None) if self.at_least is None and self.at_most is None else (self.at_least, self.at_most)

    @property
    def counts(self) -> bool:
        """Whether the value is a count, which is whole and not negative."""
        return True

    @model_validator(mode="after")
    def _can_hold_and_fail(self) -> Self:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            got = f"at_least {self.at_least:g} above at_most {self.at_most:g}"
            raise mistake(got=got, allowed="at_least up to at_most", fix="swap them, or drop one")
        if self.counts:
            for key in ("at_least", "at_most"):
                value = getattr(self, key)
                if value is not None and (value < 0 or value != int(value)):
                    raise mistake(got=f"{value:g}", allowed="a whole number from 0", at=(key,))
            if self.at_least == 0:
                fix = "write at_most: 0 for none, or drop the key for at least one"
                raise mistake(got="at_least 0, which always holds", fix=fix, at=("at_least",))
        return self


class EventsCondition(EventStep, Bounds):
    """How often a person did something, or what it came to."""

    within_days: Days | None = None
    """Age up to which events count; without it all count."""
    sum_of: str | None = None
    """A column of numbers: its sum is compared, in place of the number of events."""

    @property
    def counts(self) -> bool:
        """Whether events are counted."""
        return self.sum_of is None

    @model_validator(mode="after")
    def _sum_has_bound(self) -> Self:
        if self.sum_of is not None:
            check_number_column(self.sum_of, "sum_of")
            if self.at_least is None and self.at_most is None:
                raise mistake(got="sum_of without a bound", allowed="at_least, at_most", fix="add one of them")
        return self

    @property
    def definition(self) -> TraitDefinition:
        """The trait that the condition asks for."""
        reduction = "sum" if self.sum_of else "count"
        measure = Measure(reduction, self.filter, Ages(under_days=self.within_days), self.sum_of or "")  # type: ignore[arg-type]
        return _named(TraitDefinition("events", "number", "same", (measure,), zero=True))


class SequenceCondition(Bounds):
    """Events that follow each other: how often, each event in one of them at most."""

    steps: Annotated[tuple[EventStep, ...], Field(min_length=2, max_length=8)]
    """Which events, in their order; what happens between does not matter."""
    within_days: Days | None = None
    """From the first to the last step at most."""
    within_hours: Annotated[int, Field(ge=1, le=876_000)] | None = None
    """The same, in hours."""
    without: EventStep | None = None
    """Events that must not come between the first and the last step."""
    since_days: Days | None = None
    """Age up to which events count; without it all count."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.within_days is not None and self.within_hours is not None:
            raise mistake(got="within_days beside within_hours", fix="keep one of them", at=("within_hours",))
        hours = self.within_hours or (self.within_days or 0) * 24
        if self.since_days is not None and hours > self.since_days * 24:
            fix = "make since_days as long as a sequence may take"
            raise mistake(got=f"a sequence longer than since_days {self.since_days}", fix=fix, at=("since_days",))
        return self

    @property
    def definition(self) -> TraitDefinition:
        """The trait that the condition asks for: the number of sequences."""
        hours = self.within_hours or (self.within_days or 0) * 24
        without = self.without.filter if self.without else None
        chain = Chain(tuple(step.filter for step in self.steps), hours * _HOUR_US or None, without)
        types = [it.events for it in chain.filters]
        union = EventFilter(tuple(sorted({name for names in types for name in names})) if all(types) else ())
        measure = Measure("sequence", union, Ages(under_days=self.since_days), chain=chain)
        return _named(TraitDefinition("sequence", "number", "same", (measure,), zero=True))


def _named(definition: TraitDefinition) -> TraitDefinition:
    return replace(definition, name=f"{_HIDDEN}{definition.name}_{definition.definition_hash}")
