"""`match.yaml` against the sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.checks.vocabulary import (
    RECORD_COLUMNS,
    identifier_types,
    own_attributes,
    provided_columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles, Section
    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.match import EntityMatch, MatchConfig
    from cdp_spark.errors import ConfigError


def match_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find unknown columns, entity types without rules and rules that no source can feed."""
    if files.match is None or not files.are_whole("sources"):
        return
    allowed = [*RECORD_COLUMNS, *own_attributes(files)]
    for entity_type, entity in files.match.value.entities.items():
        for location, column in _columns(entity):
            if column not in allowed:
                yield files.match.unknown((entity_type, *location), "column", column, allowed)
        identifiers = [*identifier_types(files), *allowed]
        for name in entity.max_sharing:
            if name not in identifiers:
                yield files.match.unknown((entity_type, "max_sharing", name), "identifier", name, identifiers)
        yield from _unfed(files, files.match, entity_type, entity)
    yield from _without_section(files, files.match)
    yield from _account_key_mistakes(files, files.match, allowed)


def _columns(entity: EntityMatch) -> Iterator[tuple[Location, str]]:
    for index, rule in enumerate(entity.blocking):
        for position, key in enumerate(rule.keys):
            yield ("blocking", index, "keys", position, "column"), key.column
        if rule.split_by is not None:
            yield ("blocking", index, "split_by", "column"), rule.split_by.column
    for list_name in ("comparisons", "deterministic"):
        for index, item in enumerate(getattr(entity, list_name)):
            for position, column in enumerate(item.columns):
                yield (list_name, index, "columns", position), column
    for position, column in enumerate(entity.clustering.unique):
        yield ("clustering", "unique", position), column


def _unfed(
    files: ProjectFiles, match: Section[MatchConfig], entity_type: str, entity: EntityMatch
) -> Iterator[ConfigError]:
    """A rule that no source feeds is harmless among others; when it is all of them, nothing would ever match."""
    provided = provided_columns(files, entity_type)
    if not any(all(key.column in provided for key in rule.keys) for rule in entity.blocking):
        yield match.mistake(
            entity_type,
            "blocking",
            got="no rule of which some source fills every column",
            allowed=", ".join(sorted(provided)) or f"columns of a source of kind {entity_type}",
            fix="block on columns that a source maps, or map more columns",
        )


def _without_section(files: ProjectFiles, match: Section[MatchConfig]) -> Iterator[ConfigError]:
    for source in files.sources:
        entity_type = source.value.entity_type
        if source.value.kind == "records" and entity_type not in match.value.entities:
            yield match.mistake(
                got=f"no section `{entity_type}`",
                allowed=f"a section for each entity type; {source.document.name} has records of {entity_type}s",
                fix=f"add `{entity_type}:` with blocking rules and comparisons",
            )


def _account_key_mistakes(
    files: ProjectFiles, match: Section[MatchConfig], columns: list[str]
) -> Iterator[ConfigError]:
    """A key that no person's record holds, or that is no account's."""
    accounts = [
        it.value.name for it in files.sources if it.value.kind == "records" and it.value.entity_type == "account"
    ]
    for index, key in enumerate(match.value.account_members.keys):
        at = ("account_members", "keys", index)
        if key.attribute not in columns:
            yield match.unknown((*at, "attribute"), "attribute", key.attribute, columns)
        if key.source is not None and key.source not in accounts:
            yield match.unknown((*at, "source"), "source of accounts", key.source, accounts)
