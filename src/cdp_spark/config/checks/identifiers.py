"""Types of identifiers: those that sources and `match.yaml` name, and the project's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.base import choose_one
from cdp_spark.config.checks.vocabulary import MEANINGS, identifier_types
from cdp_spark.config.mapping import BUILT_IN_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles, Section
    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.match import MatchConfig
    from cdp_spark.config.source import SourceConfig
    from cdp_spark.errors import ConfigError


def identifier_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find types of identifiers that nobody has defined, that no source has, or that mean something else, too."""
    if files.settings is None:
        return
    for section in files.sources:
        source = section.value
        yield from _unknown(files, section, ("identifiers",), list(source.identifiers))
        if source.events is not None:
            yield from _unknown(files, section, ("events", "identifiers"), list(source.events.identifiers))
    if files.are_whole("sources"):
        yield from _own_mistakes(files)
    if files.match is not None:
        for index, key in enumerate(files.match.value.account_members.keys):
            at: Location = ("account_members", "keys", index)
            if key.identifier is not None and key.identifier not in identifier_types(files):
                yield _mistake(files, files.match, (*at, "identifier"), key.identifier)


def _unknown(
    files: ProjectFiles, section: Section[SourceConfig], at: Location, named: list[str]
) -> Iterator[ConfigError]:
    allowed = identifier_types(files)
    for kind in named:
        if kind not in allowed:
            yield _mistake(files, section, (*at, kind), kind)


def _mistake(
    files: ProjectFiles, section: Section[SourceConfig] | Section[MatchConfig], at: Location, kind: str
) -> ConfigError:
    allowed = identifier_types(files)
    fix = f"{choose_one(kind, allowed)}, or define it under `identifiers` in project.yaml"
    return section.mistake(*at, got=f"'{kind}'", allowed=", ".join(allowed), fix=fix)


def _own_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    if files.settings is None:
        return
    values = [section.value for section in files.sources]
    borne = {kind for it in values for kind in (*it.identifiers, *(it.events.identifiers if it.events else ()))}
    attributes = {name: it.name for it in values for name in it.attributes}
    for kind in files.settings.value.identifiers:
        got = fix = ""
        if kind in BUILT_IN_TYPES:
            got, fix = "a type that every project has", f"set its rule in match.yaml, `identifiers.{kind}`"
        elif kind in MEANINGS:
            got, fix = "the name of an attribute", "give it another name"
        elif kind in attributes:
            got, fix = f"an attribute of the source {attributes[kind]}", "give one of the two another name"
        elif kind not in borne:
            got, fix = "a type that no source has", f"write `identifiers: {{{kind}: COLUMN}}` in a source, or remove it"
        if got:
            yield files.settings.mistake("identifiers", kind, got=got, fix=fix)
