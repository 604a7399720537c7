"""From the survivorship configuration to one checked rule per attribute."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import types as T

from cdp_spark.errors import ConfigError, InvalidProjectError
from cdp_spark.tables.catalog.gold import PROFILE_ATTRIBUTES
from cdp_spark.tables.catalog.silver import RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.config.profile import StewardOverride, SurvivorshipConfig, SurvivorshipKind, SurvivorshipRule

CUSTOM_PREFIX = "attributes."
"""A custom attribute's name in the configuration and in `profile_values`: `attributes.loyalty_tier`."""

_ALONE = ("collect", "sum")

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
        return self.kinds[0] in _ALONE


@dataclass(frozen=True)
class SurvivorshipPlan:
    """The checked configuration.

    Args:
        attributes: ordering per attribute of `PROFILE_ATTRIBUTES`.
        custom: ordering per custom attribute that has a rule of its own, without prefix.
        default: ordering of all other custom attributes.
        groups: parts per group.
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
    errors = list(_mistakes(survivorship))
    if errors:
        raise InvalidProjectError(errors)
    group_of = {part: name for name, parts in survivorship.groups.items() for part in parts}

    def resolve(rule: SurvivorshipRule, name: str = "") -> Ordering:
        ranks = rank_sources(rule.sources, source_priority=source_priority) if "source_priority" in rule.by else ()
        return Ordering(rule.by, ranks, group_of.get(name) if "most_complete" in rule.by else None)

    own = {name: rule for name, rule in survivorship.attributes.items() if not is_custom(name)}
    custom = {name: rule for name, rule in survivorship.attributes.items() if is_custom(name)}
    return SurvivorshipPlan(
        attributes={name: resolve(own.get(name, survivorship.default), name) for name in PROFILE_ATTRIBUTES},
        custom={name.removeprefix(CUSTOM_PREFIX): resolve(rule) for name, rule in sorted(custom.items())},
        default=resolve(survivorship.default),
        groups=survivorship.groups,
    )


def rank_sources(trusted: tuple[str, ...], *, source_priority: Mapping[str, int]) -> Ranks:
    """Rank the sources: those named in order of trust, then the others by their own priority; equals share a rank."""
    order = {source: (0, position) for position, source in enumerate(trusted)}
    order |= {source: (1, priority) for source, priority in source_priority.items() if source not in order}
    ranks = {place: rank for rank, place in enumerate(sorted(set(order.values())))}
    return tuple(sorted((source, ranks[place]) for source, place in order.items()))


def is_custom(attribute: str) -> bool:
    """True for the name of a custom attribute."""
    return attribute.startswith(CUSTOM_PREFIX)


def attribute_type(attribute: str) -> T.DataType:
    """The type of an attribute's values; custom attributes are strings."""
    return T.StringType() if is_custom(attribute) else RECORDS.schema[attribute].dataType


def _mistakes(survivorship: SurvivorshipConfig) -> Iterator[ConfigError]:
    yield from _rule_mistakes("default", survivorship.default, T.StringType())
    for name, rule in survivorship.attributes.items():
        if not _known(name):
            yield _unknown(f"attributes.{name}", name)
            continue
        yield from _rule_mistakes(f"attributes.{name}", rule, attribute_type(name), custom=is_custom(name))
    yield from _group_mistakes(survivorship)
    for index, override in enumerate(survivorship.overrides):
        yield from _override_mistakes(f"overrides.{index}", override)


def _rule_mistakes(
    path: str, rule: SurvivorshipRule, kind: T.DataType, *, custom: bool = False
) -> Iterator[ConfigError]:
    where = f"survivorship.yaml: {path}.by"
    alone = [name for name in rule.by if name in _ALONE]
    if path == "default" and alone:
        yield ConfigError(where, got=f"'{alone[0]}'", fix="give it to single attributes; it fits no default")
    elif alone and len(rule.by) > 1:
        yield ConfigError(where, got=f"'{alone[0]}' beside other kinds", fix="let it stand alone: it takes every value")
    elif "collect" in alone and not isinstance(kind, T.StringType):
        yield ConfigError(where, got=f"'collect' of a {kind.simpleString()}", allowed="text attributes")
    elif "sum" in alone and not custom and not isinstance(kind, T.NumericType):
        yield ConfigError(where, got=f"'sum' of a {kind.simpleString()}", allowed="employees, revenue, attributes.*")


def _group_mistakes(survivorship: SurvivorshipConfig) -> Iterator[ConfigError]:
    seen: dict[str, str] = {}
    for group, parts in survivorship.groups.items():
        where = f"survivorship.yaml: groups.{group}"
        for part in parts:
            rule = survivorship.attributes.get(part)
            if part not in PROFILE_ATTRIBUTES:
                yield _unknown(f"groups.{group}", part)
            elif part in seen:
                yield ConfigError(where, got=f"'{part}', which is in group '{seen[part]}' too", fix="keep it in one")
            elif rule is not None and rule.by[0] in _ALONE:
                yield ConfigError(where, got=f"'{part}', which is a '{rule.by[0]}'", fix="take it out of the group")
            seen[part] = group


def _override_mistakes(path: str, override: StewardOverride) -> Iterator[ConfigError]:
    if not _known(override.attribute):
        yield _unknown(path, override.attribute)
        return
    kind = attribute_type(override.attribute)
    if not _fits(override.value, kind):
        where = f"survivorship.yaml: {path}.value"
        yield ConfigError(
            where, got="a value of another type", allowed=kind.simpleString(), fix="write dates as 2001-12-31"
        )


def _fits(value: str, kind: T.DataType) -> bool:
    """True for a text that Spark casts to what a reader takes it for: `1_000` and `20011231` are none."""
    try:
        if isinstance(kind, T.DateType):
            return date.fromisoformat(value).isoformat() == value
        if isinstance(kind, T.LongType):
            return str(int(value)) == value
        return not isinstance(kind, T.DoubleType) or ("_" not in value and math.isfinite(float(value)))
    except ValueError:
        return False


def _known(attribute: str) -> bool:
    return is_custom(attribute) or attribute in PROFILE_ATTRIBUTES


def _unknown(path: str, attribute: str) -> ConfigError:
    allowed = f"{', '.join(PROFILE_ATTRIBUTES)}, {CUSTOM_PREFIX}NAME"
    return ConfigError(f"survivorship.yaml: {path}", got=f"attribute '{attribute}'", allowed=allowed)
