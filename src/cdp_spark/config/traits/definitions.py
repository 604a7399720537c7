"""What the sections `traits` and `rfm` define: each preset as plain traits, each trait as measures of events.

1. `define_traits` turns each entry into definitions. A definition has a hash of what it means; its name and its place
   in the file do not count.
2. A definition is a finish over measures. A measure is one reduction of some events over some ages; traits that need
   the same one share it.
3. Ages have borders: where an event crosses one between two runs, the person's values may change.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from cdp_spark import columns as c
from cdp_spark.config.expressions import parse_expression, render
from cdp_spark.config.traits.model import LINE_NUMBERS, NUMBER_COLUMNS, EventCondition, RecencyStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.insights.section import InsightsConfig
    from cdp_spark.config.traits.model import RfmConfig, TraitConfig

Reduction = Literal[
    "count", "sum", "min", "max", "first", "last", "first_at", "last_at", "tally", "recent", "earliest", "sequence"
]
"""`tally` counts each text, `recent` keeps the last texts, `earliest` the first one, `sequence` counts chains."""
ValueKind = Literal["number", "text", "list", "time"]

ACCOUNT = "account"
PREFIX = "trait."
"""How an expression of a segment names a trait."""
DEFINITION_FIGURE = "traits.definition."
"""Of the figures that tell what each trait was made of, as many digits as a figure holds exactly."""
LOCAL_HOUR = "local_hour"
"""The hour of an event on the person's clock; made by the engine."""

_DEFAULT_STEPS = (
    RecencyStep(within_days=7, weight=1.0),
    RecencyStep(within_days=30, weight=0.5),
    RecencyStep(within_days=90, weight=0.2),
)
_FULL_POINTS = 50.0
_DEFAULT_TOP = {"recent": 5, "category_affinity": 3}
_DEFAULT_WINDOWS = {"category_affinity": 90, "preferred_channel": 365, "preferred_hour": 365}
_COUNTED = ("count", "sum", "distinct", "engagement")
"""Calculations that are 0 where there is nothing to count; the others have no value then."""
_HASH_DIGITS = 16
_KINDS: dict[ValueKind, Kind] = {"number": "double", "text": "string", "list": "strings", "time": "long"}


@dataclass(frozen=True)
class EventFilter:
    """Which events count.

    Args:
        events: their types; all where there are none.
        where: conditions that they meet.
        expression: one more, in the grammar.
    """

    events: tuple[str, ...] = ()
    where: tuple[EventCondition, ...] = ()
    expression: str | None = None


@dataclass(frozen=True)
class Ages:
    """How old events are at the run's clock.

    Args:
        over_days: events are this old or older; None for those up to the clock.
        under_days: and younger than this; None for no end.
    """

    over_days: int | None = None
    under_days: int | None = None


@dataclass(frozen=True)
class Chain:
    """Events that follow each other.

    Args:
        steps: which events, in their order.
        within_us: microseconds from the first to the last one at most; None for any time.
        without: events that end a chain that is not complete.
    """

    steps: tuple[EventFilter, ...]
    within_us: int | None = None
    without: EventFilter | None = None

    @property
    def filters(self) -> tuple[EventFilter, ...]:
        """The steps, and what must not come between."""
        return (*self.steps, *((self.without,) if self.without else ()))


@dataclass(frozen=True)
class Measure:
    """One reduction of a person's events.

    Args:
        reduction: how values become one.
        events: that count.
        ages: of these.
        column: of values; none for times and counts.
        keep: values that `recent` keeps.
        chain: of a sequence; `events` are then those of all its steps.
    """

    reduction: Reduction
    events: EventFilter
    ages: Ages
    column: str = ""
    keep: int = 0
    chain: Chain | None = None

    @property
    def is_text(self) -> bool:
        """Whether it is of texts; numbers are read of a property otherwise."""
        return self.reduction in ("tally", "recent", "earliest")

    @property
    def filters(self) -> tuple[EventFilter, ...]:
        """All that it asks of an event."""
        return (self.events, *(self.chain.filters if self.chain else ()))


@dataclass(frozen=True)
class TraitDefinition:
    """A trait that is made of measures.

    Args:
        name: of the trait.
        kind: of its value; a time is shown as the days since.
        finish: how the measures become the value.
        measures: in the order that `finish` takes them.
        weights: one for each measure, or what else `finish` takes.
        top: entries that a list has at most.
        parts: of a ratio: numerator and denominator.
        zero: whether no value means 0.
        zone: of preferred hours: the own attribute with the time zone, and the zone of those who have none.
        entity: whose value it is.
        include_subsidiaries: of accounts: whether the people of those below count, too.
        roll_up: of accounts' members instead of measures: `members` and the role, or how scores become one and the
            model.
    """

    name: str
    kind: ValueKind
    finish: str
    measures: tuple[Measure, ...] = ()
    weights: tuple[float, ...] = ()
    top: int = 0
    parts: tuple[TraitDefinition, ...] = ()
    zero: bool = False
    zone: tuple[str, str] | None = None
    entity: str = "person"
    include_subsidiaries: bool = False
    roll_up: tuple[str, str] | None = None

    @property
    def is_of_events(self) -> bool:
        """Whether it is made of measures; else of an account's members."""
        return self.roll_up is None

    @property
    def definition_hash(self) -> str:
        """Of what the trait means."""
        unnamed = replace(self, name="", parts=tuple(replace(part, name="") for part in self.parts))
        return hashlib.sha256(repr(unnamed).encode()).hexdigest()[:_HASH_DIGITS]

    @property
    def all_measures(self) -> tuple[Measure, ...]:
        """Its own and its parts'."""
        return (*self.measures, *(measure for part in self.parts for measure in part.measures))


def define_traits(insights: InsightsConfig, *, time_zone: str) -> tuple[TraitDefinition, ...]:
    """Define the traits that a run makes of events, presets as what they stand for, RFM's measures included.

    Args:
        insights: `insights.yaml`.
        time_zone: the project's.
    """
    plain = {
        it.name: replace(it, entity=config.entity, include_subsidiaries=config.include_subsidiaries)
        for config in insights.traits
        for it in _defined(config, time_zone)
    }
    ratios = {it.name: it for config in insights.traits if config.of == "ratio" for it in _ratio(config, plain)}
    entries = [name for config in insights.traits for name in names_of(config)]
    return (*((plain | ratios)[name] for name in entries), *(_rfm(insights.rfm) if insights.rfm else ()))


def trait_columns(insights: InsightsConfig | None, *, entity_type: str | None = None) -> dict[str, Kind]:
    """The traits as columns that segments can use: `trait.NAME` to its kind; a time is the whole days since.

    Args:
        insights: `insights.yaml`, if there is one.
        entity_type: of the profiles; a visitor's traits are a person's. None for all traits.
    """
    if insights is None or not (insights.traits or insights.rfm):
        return {}
    entity = "person" if entity_type == "visitor" else entity_type
    kinds = {it.name: _KINDS[it.kind] for it in _outlines(insights) if entity in (None, it.entity)}
    scores: dict[str, Kind] = {**dict.fromkeys(RFM_SCORES, "double"), RFM_GROUP: "string"}
    has_scores = insights.rfm is not None and entity != ACCOUNT
    return {f"{PREFIX}{name}": kind for name, kind in (kinds | (scores if has_scores else {})).items()}


def names_of(config: TraitConfig) -> tuple[str, ...]:
    """The traits that an entry stands for."""
    return (config.name, f"{config.name}_shares") if config.kind == "category_affinity" else (config.name,)


def shows_zero(insights: InsightsConfig) -> frozenset[str]:
    """Traits of which no value means 0."""
    return frozenset(it.name for it in _outlines(insights) if it.zero)


def _outlines(insights: InsightsConfig) -> tuple[TraitDefinition, ...]:
    """The definitions without their expressions, which may still be wrong."""
    traits = tuple(config.model_copy(update={"expression": None}) for config in insights.traits)
    return define_traits(insights.model_copy(update={"traits": traits}), time_zone="UTC")


def definition_figure(definition: TraitDefinition) -> tuple[str, float]:
    """The figure by which later runs and stages know what a trait was made of: the first digits of its hash."""
    return f"{DEFINITION_FIGURE}{definition.name}", float(int(definition.definition_hash[:12], 16))


def is_number(column: str) -> bool:
    """Whether a column has numbers."""
    return column in (*NUMBER_COLUMNS, *LINE_NUMBERS)


def borders_of(definitions: Iterable[TraitDefinition]) -> dict[int, frozenset[str]]:
    """The ages in days at which events begin or cease to count, each with the types of the events; none for all."""
    borders: dict[int, list[tuple[str, ...]]] = {}
    for measure in (measure for it in definitions for measure in it.all_measures):
        for days in {measure.ages.over_days or 0, measure.ages.under_days or measure.ages.over_days or 0}:
            borders.setdefault(days, []).append(measure.events.events)
    return {days: frozenset().union(*types) if all(types) else frozenset() for days, types in sorted(borders.items())}


RFM_LAST, RFM_PURCHASES, RFM_VALUE = "rfm_last_purchase", "rfm_purchases", "rfm_value"
RFM_SCORES = ("rfm_recency_score", "rfm_frequency_score", "rfm_monetary_score")
RFM_GROUP = "rfm_group"


def _rfm(config: RfmConfig) -> Iterator[TraitDefinition]:
    ages = Ages(under_days=config.window_days)
    bought = EventFilter(config.purchases)
    of_value = EventFilter((*config.purchases, *config.returns))
    yield TraitDefinition(RFM_LAST, "time", "same", (Measure("last_at", bought, ages),))
    yield TraitDefinition(RFM_PURCHASES, "number", "same", (Measure("count", bought, ages),), zero=True)
    yield TraitDefinition(RFM_VALUE, "number", "same", (Measure("sum", of_value, ages, c.VALUE),), zero=True)


def _ratio(config: TraitConfig, plain: dict[str, TraitDefinition]) -> Iterator[TraitDefinition]:
    parts = tuple(plain[name] for name in (config.numerator, config.denominator) if name is not None)
    ratio = TraitDefinition(config.name, "number", "ratio", parts=parts)
    yield replace(ratio, entity=config.entity, include_subsidiaries=config.include_subsidiaries)


def _defined(config: TraitConfig, time_zone: str) -> Iterator[TraitDefinition]:
    """The definitions of an entry, ratios apart."""
    make = _MAKERS.get(config.calculation)
    if make is not None:
        yield make(config)
    elif config.kind == "category_affinity":
        yield from _affinity(config)
    elif config.kind == "preferred_hour":
        hour = Measure("tally", _filter(config), _ages(config), LOCAL_HOUR)
        zone = (config.zone_attribute or "", time_zone)
        yield TraitDefinition(config.name, "number", "most_frequent_hour", (hour,), (1.0,), zone=zone)


def _filter(config: TraitConfig, events: tuple[str, ...] | None = None) -> EventFilter:
    return event_filter(config.events if events is None else events, config.where, config.expression)


def event_filter(events: Iterable[str], where: tuple[EventCondition, ...], expression: str | None) -> EventFilter:
    """The filter that an entry's keys say, however they are written."""
    meaning = render(parse_expression(expression, where="expression")) if expression else None
    return EventFilter(tuple(sorted(events)), where, meaning)


def _ages(config: TraitConfig) -> Ages:
    return Ages(under_days=config.window_days or _DEFAULT_WINDOWS.get(config.calculation))


def _number(config: TraitConfig) -> TraitDefinition:
    column = config.value_of or ""
    reductions: tuple[Reduction, ...] = ("sum", "count") if config.of == "average" else (cast("Reduction", config.of),)
    measures = tuple(Measure(reduction, _filter(config), _ages(config), column) for reduction in reductions)
    finish = "ratio" if config.of == "average" else "same"
    return TraitDefinition(config.name, "number", finish, measures, zero=config.calculation in _COUNTED)


def _rolled_up(config: TraitConfig) -> TraitDefinition:
    if config.score is None:
        return TraitDefinition(config.name, "number", "members", roll_up=("members", config.role or ""), zero=True)
    return TraitDefinition(config.name, "number", "score", roll_up=(config.roll_up or "", config.score))


def _first_or_last(config: TraitConfig) -> TraitDefinition:
    if config.value_of is not None and is_number(config.value_of):
        return _number(config)
    reduction: Reduction = "earliest" if config.of == "first" else "recent"
    measure = Measure(reduction, _filter(config), _ages(config), config.value_of or "", keep=1)
    return TraitDefinition(config.name, "text", "first_of_list", (measure,))


def _tallied(config: TraitConfig) -> TraitDefinition:
    column = c.CHANNEL if config.kind == "preferred_channel" else config.value_of or ""
    measure = Measure("tally", _filter(config), _ages(config), column)
    if config.of == "distinct":
        return TraitDefinition(config.name, "number", "distinct", (measure,), zero=True)
    return TraitDefinition(config.name, "text", "most_frequent", (measure,), (1.0,))


def _recent(config: TraitConfig) -> TraitDefinition:
    keep = config.top or _DEFAULT_TOP["recent"]
    measure = Measure("recent", _filter(config), _ages(config), config.value_of or "", keep=keep)
    return TraitDefinition(config.name, "list", "recent", (measure,), top=keep)


def _moment(config: TraitConfig) -> TraitDefinition:
    reduction: Reduction = "first_at" if config.of == "days_since_first" else "last_at"
    return TraitDefinition(config.name, "time", "same", (Measure(reduction, _filter(config), _ages(config)),))


def _trend(config: TraitConfig) -> TraitDefinition:
    """How much more a day has in the window than a day before it, as a share of the latter."""
    recent, before = config.window_days or 1, config.previous_days or config.window_days or 1
    reduction: Reduction = "sum" if config.value_of else "count"
    spans = (Ages(under_days=recent), Ages(over_days=recent, under_days=recent + before))
    measures = tuple(Measure(reduction, _filter(config), span, config.value_of or "") for span in spans)
    return TraitDefinition(config.name, "number", "trend", measures, (float(recent), float(before)))


def _engagement(config: TraitConfig) -> TraitDefinition:
    """Points are the events, each by the weight of its type and of its age."""
    steps, measures, weights = config.recency or _DEFAULT_STEPS, [], []
    for start, step in zip((None, *(it.within_days for it in steps)), steps, strict=False):
        for weight, types in _by_weight(config).items():
            measures.append(Measure("count", _filter(config, types), Ages(start, step.within_days)))
            weights.append(weight * step.weight * 100 / (config.full_points or _FULL_POINTS))
    return TraitDefinition(config.name, "number", "score", tuple(measures), tuple(weights), zero=True)


def _affinity(config: TraitConfig) -> Iterator[TraitDefinition]:
    top = config.top or _DEFAULT_TOP["category_affinity"]
    groups = _by_weight(config) or {1.0: config.events}
    measures = tuple(
        Measure("tally", _filter(config, types), _ages(config), config.value_of or c.CATEGORY)
        for types in groups.values()
    )
    for name, finish in zip(names_of(config), ("top", "top_shares"), strict=True):
        yield TraitDefinition(name, "list", finish, measures, tuple(groups), top=top)


def _by_weight(config: TraitConfig) -> dict[float, tuple[str, ...]]:
    """Weight to the event types that have it."""
    groups: dict[float, list[str]] = {}
    for event_type, weight in sorted(config.weights.items()):
        groups.setdefault(weight, []).append(event_type)
    return {weight: tuple(types) for weight, types in groups.items()}


_MAKERS = {
    **dict.fromkeys(("count", "sum", "average", "min", "max"), _number),
    **dict.fromkeys(("first", "last"), _first_or_last),
    **dict.fromkeys(("most_frequent", "distinct", "preferred_channel"), _tallied),
    **dict.fromkeys(("days_since_first", "days_since_last"), _moment),
    "recent": _recent,
    "trend": _trend,
    **dict.fromkeys(("members", "score"), _rolled_up),
    "engagement": _engagement,
}
