"""From the survivorship configuration to one checked rule per attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import types as T

from cdp_spark.config.checks.survivorship import ALONE, rule_mistakes
from cdp_spark.errors import ConfigError, InvalidProjectError
from cdp_spark.tables.catalog.gold import PROFILE_ATTRIBUTES
from cdp_spark.tables.catalog.silver import RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.profile import SurvivorshipConfig, SurvivorshipKind, SurvivorshipRule

CUSTOM_PREFIX = "attributes."
"""A custom attribute's name in the configuration and in `profile_values`: `attributes.loyalty_tier`."""

GROUPED_PREFIX = "grouped_"
"""A custom attribute that is part of a group is decided in a column of its own: `grouped_loyalty_tier`."""

Kinds = tuple["SurvivorshipKind", ...]
Ranks = tuple[tuple[str, int], ...]

BY_VALUE = ("most_frequent", "min", "max")
"""Kinds that compare the attribute's values; the others look at the record alone."""


@dataclass(frozen=True)
class Ordering:
    """How one attribute's records are ordered, best first; attributes with equal orderings share the work.

    Args:
        kinds: tried in order until one decides.
        ranks: source to rank for `source_priority`, 0 the most trusted; a source that is not in it comes last.
        group: the group whose filled parts `most_complete` counts; None for all attributes.
    """

    kinds: Kinds
    ranks: Ranks
    group: str | None = None

    @property
    def by_value(self) -> bool:
        """True where the order depends on the attribute's own values."""
        return bool(set(self.kinds) & set(BY_VALUE))

    @property
    def takes_all(self) -> bool:
        """True where no record wins: the values are collected or added."""
        return self.kinds[0] in ALONE


@dataclass(frozen=True)
class SurvivorshipPlan:
    """The checked configuration.

    Args:
        attributes: ordering per attribute of `PROFILE_ATTRIBUTES` and per column of a grouped custom attribute.
        custom: ordering per custom attribute that has a rule of its own, without prefix.
        default: ordering of all other custom attributes.
        groups: columns of the parts per group.
    """

    attributes: Mapping[str, Ordering]
    custom: Mapping[str, Ordering]
    default: Ordering
    groups: Mapping[str, tuple[str, ...]]

    @property
    def orderings(self) -> tuple[Ordering, ...]:
        """The distinct orderings."""
        return tuple(dict.fromkeys([self.default, *self.attributes.values(), *self.custom.values()]))

    @property
    def rankings(self) -> tuple[Ranks, ...]:
        """The distinct rankings of sources."""
        return tuple(dict.fromkeys(ordering.ranks for ordering in self.orderings))

    def line_of(self, attribute: str) -> str:
        """Name the column in which an attribute's records stand in order; by-value orderings have one each."""
        ordering = self.attributes[attribute]
        return f"line_{attribute}" if ordering.by_value else f"line_{self.orderings.index(ordering)}"

    def rank_of(self, ordering: Ordering) -> str:
        """Name the field that holds the rank of a record's source."""
        return f"rank_{self.rankings.index(ordering.ranks)}"


def plan_survivorship(survivorship: SurvivorshipConfig, *, source_priority: Mapping[str, int]) -> SurvivorshipPlan:
    """Resolve defaults, source ranks and groups.

    Args:
        survivorship: the section of the configuration.
        source_priority: each source's own priority, the lower the more trusted.

    Raises:
        InvalidProjectError: a rule, group or override cannot work; all such mistakes at once.
    """
    _refuse_mistakes(survivorship)
    groups = {name: tuple(map(column_of, parts)) for name, parts in survivorship.groups.items()}
    group_of = {part: name for name, parts in groups.items() for part in parts}

    def resolve(rule: SurvivorshipRule, name: str = "") -> Ordering:
        ranks = rank_sources(rule.sources, source_priority=source_priority) if "source_priority" in rule.by else ()
        return Ordering(rule.by, ranks, group_of.get(name) if "most_complete" in rule.by else None)

    rules = {column_of(name): rule for name, rule in survivorship.attributes.items()}
    custom = {name: rule for name, rule in survivorship.attributes.items() if is_custom(name)}
    decided = [*PROFILE_ATTRIBUTES, *(part for part in group_of if is_grouped(part))]
    return SurvivorshipPlan(
        attributes={name: resolve(rules.get(name, survivorship.default), name) for name in decided},
        custom={name.removeprefix(CUSTOM_PREFIX): resolve(rule) for name, rule in sorted(custom.items())},
        default=resolve(survivorship.default),
        groups=groups,
    )


def _refuse_mistakes(survivorship: SurvivorshipConfig) -> None:
    errors = [
        ConfigError(f"survivorship.yaml: {'.'.join(map(str, it.location))}", got=it.got, allowed=it.allowed, fix=it.fix)
        for it in rule_mistakes(survivorship)
    ]
    if errors:
        raise InvalidProjectError(errors)


def rank_sources(trusted: tuple[str, ...], *, source_priority: Mapping[str, int]) -> Ranks:
    """Rank the sources: those named in order of trust, then the others by their own priority; equals share a rank."""
    order = {source: (0, position) for position, source in enumerate(trusted)}
    order |= {source: (1, priority) for source, priority in source_priority.items() if source not in order}
    ranks = {place: rank for rank, place in enumerate(sorted(set(order.values())))}
    return tuple(sorted((source, ranks[place]) for source, place in order.items()))


def is_custom(attribute: str) -> bool:
    """True for the name of a custom attribute."""
    return attribute.startswith(CUSTOM_PREFIX)


def is_grouped(column: str) -> bool:
    """True for the column of a custom attribute that is part of a group."""
    return column.startswith(GROUPED_PREFIX)


def column_of(attribute: str) -> str:
    """The column in which an attribute is decided: its name, without a dot for a custom one."""
    return GROUPED_PREFIX + attribute.removeprefix(CUSTOM_PREFIX) if is_custom(attribute) else attribute


def attribute_type(attribute: str) -> T.DataType:
    """The type of an attribute's values; custom attributes are strings."""
    text = is_custom(attribute) or is_grouped(attribute)
    return T.StringType() if text else RECORDS.schema[attribute].dataType
