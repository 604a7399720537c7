"""`survivorship.yaml`: rules, groups and overrides that can work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from cdp_spark.config.base import choose_one
from cdp_spark.config.checks.vocabulary import OWN_PREFIX, SURVIVING_ATTRIBUTES, own_attributes, own_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles
    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.profile import StewardOverride, SurvivorshipConfig, SurvivorshipRule
    from cdp_spark.errors import ConfigError

ALONE = ("collect", "sum")
"""Kinds that take every value, so that no record wins."""
_NUMBERS = ("long", "double")
_WORDS = {"string": "text", "date": "date", "long": "whole number", "double": "number"}


@dataclass(frozen=True)
class RuleMistake:
    """What is wrong with a rule, group or override.

    Args:
        location: path of the value in `survivorship.yaml`.
        got: what was found there; never an override's value.
        allowed: what would have been accepted.
        fix: what the reader does next.
    """

    location: Location
    got: str
    allowed: str = ""
    fix: str = ""


def survivorship_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find what cannot work, unknown own attributes and unknown sources."""
    if files.survivorship is None:
        return
    section, config = files.survivorship, files.survivorship.value
    own = own_attributes(files) if files.are_whole("sources") else None
    for mistake in rule_mistakes(config, own=own):
        yield section.mistake(*mistake.location, got=mistake.got, allowed=mistake.allowed, fix=mistake.fix)
    if own is None:
        return
    sources = [source.value.name for source in files.sources]
    rules: list[tuple[Location, SurvivorshipRule]] = [(("default",), config.default)]
    rules += [(("attributes", name), rule) for name, rule in config.attributes.items()]
    for at, rule in rules:
        for index, name in enumerate(rule.sources):
            if name not in sources:
                place, fix = (*at, "sources", index), choose_one(name, sources)
                yield section.mistake(*place, got=f"unknown source '{name}'", allowed=", ".join(sources), fix=fix)


def rule_mistakes(config: SurvivorshipConfig, *, own: list[str] | None = None) -> Iterator[RuleMistake]:
    """Find rules, groups and overrides that cannot work.

    Args:
        config: the section.
        own: attributes that the sources define themselves; None takes any name for one.
    """
    yield from _default_mistakes(config.default)
    for name, rule in config.attributes.items():
        if not _is_known(name, own):
            yield _unknown(("attributes", name), name, own)
        else:
            yield from _by_mistakes(name, rule)
    yield from _group_mistakes(config, own)
    for index, override in enumerate(config.overrides):
        yield from _override_mistakes(("overrides", index), override, own)


def _default_mistakes(rule: SurvivorshipRule) -> Iterator[RuleMistake]:
    alone = [name for name in rule.by if name in ALONE]
    if alone:
        fix = "give it to single attributes; it fits no default"
        yield RuleMistake(("default", "by"), got=f"'{alone[0]}'", fix=fix)


def _by_mistakes(name: str, rule: SurvivorshipRule) -> Iterator[RuleMistake]:
    at: Location = ("attributes", name, "by")
    kind, alone = _kind_of(name), [each for each in rule.by if each in ALONE]
    if alone and len(rule.by) > 1:
        fix = "let it stand alone: it takes every value"
        yield RuleMistake(at, got=f"'{alone[0]}' beside other kinds", fix=fix)
    elif "collect" in alone and kind != "string":
        yield RuleMistake(at, got=f"'collect' of a {_WORDS[kind]}", allowed="text attributes")
    elif "sum" in alone and own_name(name) is None and kind not in _NUMBERS:
        yield RuleMistake(at, got=f"'sum' of a {_WORDS[kind]}", allowed=f"employees, revenue, {OWN_PREFIX}NAME")


def _group_mistakes(config: SurvivorshipConfig, own: list[str] | None) -> Iterator[RuleMistake]:
    seen: dict[str, str] = {}
    for group, parts in config.groups.items():
        for index, part in enumerate(parts):
            at, rule = ("groups", group, index), config.attributes.get(part)
            if not _is_known(part, own):
                yield _unknown(at, part, own)
            elif part in seen:
                yield RuleMistake(at, got=f"'{part}', which is in group '{seen[part]}' too", fix="keep it in one")
            elif rule is not None and rule.by[0] in ALONE:
                yield RuleMistake(at, got=f"'{part}', which is a '{rule.by[0]}'", fix="take it out of the group")
            seen.setdefault(part, group)


def _override_mistakes(at: Location, override: StewardOverride, own: list[str] | None) -> Iterator[RuleMistake]:
    kind = _kind_of(override.attribute)
    if not _is_known(override.attribute, own):
        yield _unknown((*at, "attribute"), override.attribute, own)
    elif not _fits(override.value, kind):
        place, fix = (*at, "value"), "write dates as 2001-12-31"
        yield RuleMistake(place, got="a value of another type", allowed=_WORDS[kind], fix=fix)


def _fits(value: str, kind: Kind) -> bool:
    """True for a text that Spark casts to what a reader takes it for: `1_000` and `20011231` are none."""
    try:
        if kind == "date":
            return date.fromisoformat(value).isoformat() == value
        if kind == "long":
            return str(int(value)) == value
        return kind != "double" or ("_" not in value and math.isfinite(float(value)))
    except ValueError:
        return False


def _kind_of(attribute: str) -> Kind:
    return SURVIVING_ATTRIBUTES.get(attribute, "string")


def _is_known(attribute: str, own: list[str] | None) -> bool:
    name = own_name(attribute)
    return attribute in SURVIVING_ATTRIBUTES if name is None else own is None or name in own


def _unknown(at: Location, attribute: str, own: list[str] | None) -> RuleMistake:
    named = [f"{OWN_PREFIX}NAME"] if own is None else [f"{OWN_PREFIX}{name}" for name in own]
    allowed = [*SURVIVING_ATTRIBUTES, *named]
    got = f"unknown attribute '{attribute}'"
    return RuleMistake(at, got=got, allowed=", ".join(allowed), fix=choose_one(attribute, allowed))
