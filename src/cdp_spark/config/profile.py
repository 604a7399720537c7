"""Survivorship: which record's value a profile shows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cdp_spark.config.base import SafeName, Strict, Strings

SurvivorshipKind = Literal[
    "source_priority", "most_recent", "most_frequent", "most_complete", "first", "min", "max", "collect", "sum"
]


class SurvivorshipRule(Strict):
    """How one attribute survives; rules are tried in order until one decides, ties end on the record key."""

    by: tuple[SurvivorshipKind, ...] = Field(min_length=1)
    sources: Strings = ()
    """Order of trust for `source_priority`; without it each source's own `priority`."""


class StewardOverride(Strict):
    """A value that a person set by hand; it wins over every rule."""

    unified_id: str
    attribute: str
    value: str = Field(repr=False)
    author: str
    reason: str


class SurvivorshipConfig(Strict):
    """`survivorship.yaml`."""

    default: SurvivorshipRule = SurvivorshipRule(by=("source_priority", "most_recent", "most_complete"))
    attributes: dict[str, SurvivorshipRule] = {}
    groups: dict[SafeName, tuple[str, ...]] = {
        "address": ("street", "house_number", "unit", "city", "postcode", "region", "country")
    }
    """Attributes that win together, from one record: the one that wins most of a group's parts gives them all, and a
    part that it lacks is null rather than another record's. `attributes.NAME` names an own attribute."""
    overrides: tuple[StewardOverride, ...] = ()
